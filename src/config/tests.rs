//! The installation file, setting by setting.
