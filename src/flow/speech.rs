//! How numbers, digits, money, days and times are joined from phrases.
