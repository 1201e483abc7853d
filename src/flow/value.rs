//! What a caller keyed, a step set or a service answered, with its type.

use super::Currency;

/// A value.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// A word or digits: what callers key is text, so that a leading zero is kept.
    Text(String),
    /// A decimal number: `units` / 10^`places`.
    Number {
        /// The digits, as a whole number.
        units: i64,
        /// How many of them stand after the point, at most 9.
        places: u8,
    },
    /// An amount of money: `units` / 10^`places`.
    Money {
        /// The digits, as a whole number.
        units: i64,
        /// How many of them stand after the point, at most 9.
        places: u8,
        /// Of which currency, where that is said; else the flow's.
        currency: Option<Currency>,
    },
    /// Yes or no.
    Truth(bool),
    /// A day.
    Date(jiff::civil::Date),
    /// A point in time.
    Time(jiff::Timestamp),
    /// A secret: never spoken, shown or logged.
    Secret(String),
}

impl Value {
    /// The value as an operator would write it: `24.50`, `true`, `2026-12-24T10:00:00Z`; nothing for a secret.
    pub fn written(&self) -> Option<String> {
        match self {
            Value::Text(text) => Some(text.clone()),
            Value::Number { units, places } => Some(decimal(*units, *places)),
            Value::Money { units, places, currency: None } => Some(decimal(*units, *places)),
            Value::Money { units, places, currency: Some(currency) } => {
                Some(format!("{} {}", decimal(*units, *places), currency.code()))
            }
            Value::Truth(truth) => Some(truth.to_string()),
            Value::Date(date) => Some(date.to_string()),
            Value::Time(time) => Some(time.to_string()),
            Value::Secret(_) => None,
        }
    }
}

impl Value {
    /// The whole number that it is or that its text spells, what stands after the point left away.
    pub fn whole_number(&self) -> Option<i64> {
        match self {
            Value::Number { units, places } => units.checked_div(10_i64.checked_pow(u32::from(*places))?),
            Value::Text(text) => text.trim().parse().ok(),
            Value::Money { .. } | Value::Truth(_) | Value::Date(_) | Value::Time(_) | Value::Secret(_) => None,
        }
    }
}

fn decimal(units: i64, places: u8) -> String {
    if places == 0 {
        return units.to_string();
    }
    let width = usize::from(places) + 1;
    let digits = format!("{:0width$}", units.unsigned_abs());
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(places));
    format!("{}{whole}.{fraction}", if units < 0 { "-" } else { "" })
}

// A value may be what a caller keyed: logs learn its kind only.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Value::Text(_) => "Text(_)",
            Value::Number { .. } => "Number(_)",
            Value::Money { .. } => "Money(_)",
            Value::Truth(_) => "Truth(_)",
            Value::Date(_) => "Date(_)",
            Value::Time(_) => "Time(_)",
            Value::Secret(_) => "Secret(_)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_as_an_operator_would() {
        let number = |units, places| Value::Number { units, places };
        for (value, written) in [
            (number(2450, 2), Some("24.50")),
            (number(5, 2), Some("0.05")),
            (number(-5, 1), Some("-0.5")),
            (number(42, 0), Some("42")),
            (number(i64::MIN, 9), Some("-9223372036.854775808")),
            (Value::Text("0042".into()), Some("0042")),
            (Value::Truth(true), Some("true")),
            (Value::Date(jiff::civil::date(2026, 12, 24)), Some("2026-12-24")),
            (Value::Money { units: 2450, places: 2, currency: Some(Currency::Eur) }, Some("24.50 EUR")),
            (Value::Money { units: 24, places: 0, currency: None }, Some("24")),
            (Value::Secret("1234".into()), None),
        ] {
            assert_eq!(value.written().as_deref(), written);
        }
    }

    #[test]
    fn no_log_learns_a_value() {
        for value in
            [Value::Text("1234".into()), Value::Secret("1234".into()), Value::Number { units: 1234, places: 0 }]
        {
            assert!(!format!("{value:?}").contains("1234"));
        }
    }
}
