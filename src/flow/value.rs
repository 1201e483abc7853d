//! What a caller keyed or a step set, with its type.

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
    /// Yes or no.
    Truth(bool),
    /// A point in time.
    Time(jiff::Timestamp),
    /// A secret: never spoken, shown or logged.
    Secret(String),
}

// A value may be what a caller keyed: logs learn its kind only.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Value::Text(_) => "Text(_)",
            Value::Number { .. } => "Number(_)",
            Value::Truth(_) => "Truth(_)",
            Value::Time(_) => "Time(_)",
            Value::Secret(_) => "Secret(_)",
        })
    }
}
