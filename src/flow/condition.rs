//! Conditions: a small typed language of comparisons.

/// A condition, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition;
