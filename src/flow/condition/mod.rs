//! Conditions: a small typed language of comparisons.
//!
//! ```text
//! tier is 'gold' and total >= 100          order_number starts with '77'
//! caller.number in ['1001', '1002']        not (nickname is empty or vip)
//! order.date < today                       order.total is known and queue.support.waiting > 5
//! ```
//!
//! Values are names; texts stand in quotes, numbers, days such as `2026-12-24` and `true` and `false` without. `==` and `is` are the same, as are `!=` and
//! `is not`. `<`, `<=`, `>` and `>=` compare numbers, days or times. `not` binds tightest, then `and`, then `or`. Unlike things are never
//! equal and never unequal: such a comparison is a fault where the kinds are known beforehand, and does not hold where they are not.

mod parse;

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use super::Value;

/// Longest condition, in bytes.
pub const MAX_LENGTH: usize = 1000;
/// Deepest nesting of parentheses and `not`.
pub const MAX_DEPTH: usize = 32;

/// A condition, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    root: Expression,
}

/// A fault of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionFault {
    /// Where in its text, in bytes.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// The likely remedy.
    pub remedy: Option<String>,
}

/// The kinds that a value can have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// A text, or digits that a caller keyed.
    pub const TEXT: Kinds = Kinds(1);
    /// A number.
    pub const NUMBER: Kinds = Kinds(2);
    /// True or false.
    pub const TRUTH: Kinds = Kinds(4);
    /// A point in time.
    pub const TIME: Kinds = Kinds(8);
    /// A day.
    pub const DATE: Kinds = Kinds(16);

    /// The kind of `value`.
    pub fn of(value: &Value) -> Kinds {
        match value {
            Value::Text(_) | Value::Secret(_) => Kinds::TEXT,
            Value::Number { .. } | Value::Money { .. } => Kinds::NUMBER,
            Value::Date(_) => Kinds::DATE,
            Value::Truth(_) => Kinds::TRUTH,
            Value::Time(_) => Kinds::TIME,
        }
    }

    /// The kinds of both.
    pub fn with(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    /// Whether there is a kind that both have.
    pub fn meets(self, other: Kinds) -> bool {
        self.0 & other.0 != 0
    }

    /// "a text" or the like.
    pub fn described(self) -> &'static str {
        match self {
            Kinds::TEXT => "a text",
            Kinds::NUMBER => "a number",
            Kinds::TRUTH => "true or false",
            Kinds::TIME => "a time",
            Kinds::DATE => "a day",
            _ => "of several kinds",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Expression {
    Or(Vec<Expression>),
    And(Vec<Expression>),
    Not(Box<Expression>),
    Compare { left: Operand, how: Comparison, right: Operand },
    In { left: Operand, list: Vec<Operand> },
    StartsWith { left: Operand, right: Operand },
    IsEmpty(Operand),
    IsKnown(Operand),
    Holds(Operand),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Comparison {
    fn of_order(self) -> bool {
        !matches!(self, Comparison::Equal | Comparison::Unequal)
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Operand {
    what: Content,
    range: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    Name(Arc<str>),
    Literal(Value),
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// The first place where it cannot be understood.
    pub fn parse(text: &str) -> Result<Condition, ConditionFault> {
        parse::condition(text).map(|root| Condition { root })
    }

    /// Whether it holds; `lookup` tells the values that are set. A comparison of something that is not set, or of unlike
    /// things, does not hold.
    pub fn evaluate(&self, lookup: &dyn Fn(&str) -> Option<Value>) -> bool {
        self.root.holds(lookup)
    }

    /// Every value that it names, and where in its text.
    pub fn names(&self) -> Vec<(&str, Range<usize>)> {
        let mut names = Vec::new();
        self.root.each_operand(&mut |operand| {
            if let Content::Name(name) = &operand.what {
                names.push((name.as_ref(), operand.range.clone()));
            }
        });
        names
    }

    /// Every comparison of unlike things; `kinds` tells what a value can be, or nothing where it is not known.
    pub fn unlike(&self, kinds: &dyn Fn(&str) -> Option<Kinds>) -> Vec<ConditionFault> {
        let mut faults = Vec::new();
        self.root.compare_kinds(kinds, &mut faults);
        faults
    }
}

impl Expression {
    fn holds(&self, lookup: &dyn Fn(&str) -> Option<Value>) -> bool {
        match self {
            Expression::Or(parts) => parts.iter().any(|part| part.holds(lookup)),
            Expression::And(parts) => parts.iter().all(|part| part.holds(lookup)),
            Expression::Not(inner) => !inner.holds(lookup),
            Expression::Compare { left, how, right } => match order(left.value(lookup), right.value(lookup)) {
                None => false,
                Some(order) => match how {
                    Comparison::Equal => order == Ordering::Equal,
                    Comparison::Unequal => order != Ordering::Equal,
                    Comparison::Less => order == Ordering::Less,
                    Comparison::AtMost => order != Ordering::Greater,
                    Comparison::More => order == Ordering::Greater,
                    Comparison::AtLeast => order != Ordering::Less,
                },
            },
            Expression::In { left, list } => {
                let left = left.value(lookup);
                list.iter().any(|item| order(left.clone(), item.value(lookup)) == Some(Ordering::Equal))
            }
            Expression::StartsWith { left, right } => match (text(left.value(lookup)), text(right.value(lookup))) {
                (Some(left), Some(right)) => left.starts_with(&right),
                _ => false,
            },
            Expression::IsEmpty(operand) => match operand.value(lookup) {
                None => true,
                Some(value) => text(Some(value)).is_some_and(|text| text.is_empty()),
            },
            Expression::IsKnown(operand) => operand.value(lookup).is_some(),
            Expression::Holds(operand) => operand.value(lookup) == Some(Value::Truth(true)),
        }
    }

    fn each_operand<'a>(&'a self, tell: &mut dyn FnMut(&'a Operand)) {
        match self {
            Expression::Or(parts) | Expression::And(parts) => parts.iter().for_each(|part| part.each_operand(tell)),
            Expression::Not(inner) => inner.each_operand(tell),
            Expression::Compare { left, right, .. } | Expression::StartsWith { left, right } => {
                tell(left);
                tell(right);
            }
            Expression::In { left, list } => {
                tell(left);
                list.iter().for_each(tell);
            }
            Expression::IsEmpty(operand) | Expression::IsKnown(operand) | Expression::Holds(operand) => tell(operand),
        }
    }

    fn compare_kinds(&self, kinds: &dyn Fn(&str) -> Option<Kinds>, faults: &mut Vec<ConditionFault>) {
        match self {
            Expression::Or(parts) | Expression::And(parts) => {
                parts.iter().for_each(|part| part.compare_kinds(kinds, faults));
            }
            Expression::Not(inner) => inner.compare_kinds(kinds, faults),
            Expression::Compare { left, how, right } => {
                if how.of_order() {
                    let ordered = Kinds::NUMBER.with(Kinds::TIME).with(Kinds::DATE);
                    let before = faults.len();
                    faults.extend(left.unfit(
                        kinds,
                        ordered,
                        "only numbers, days and times are more or less than others",
                    ));
                    faults.extend(right.unfit(
                        kinds,
                        ordered,
                        "only numbers, days and times are more or less than others",
                    ));
                    if faults.len() > before {
                        return;
                    }
                }
                faults.extend(unlike(left, right, kinds));
            }
            Expression::In { left, list } => faults.extend(list.iter().filter_map(|item| unlike(left, item, kinds))),
            Expression::StartsWith { left, right } => {
                faults.extend(left.unfit(kinds, Kinds::TEXT, "only a text starts with something"));
                faults.extend(right.unfit(kinds, Kinds::TEXT, "a text starts with a text"));
            }
            Expression::IsKnown(_) => {}
            Expression::IsEmpty(operand) => {
                faults.extend(operand.unfit(kinds, Kinds::TEXT, "only a text can be empty"))
            }
            Expression::Holds(operand) => {
                faults.extend(operand.unfit(kinds, Kinds::TRUTH, "only what is true or false can stand alone"));
            }
        }
    }
}

impl Operand {
    fn value(&self, lookup: &dyn Fn(&str) -> Option<Value>) -> Option<Value> {
        match &self.what {
            Content::Name(name) => lookup(name),
            Content::Literal(value) => Some(value.clone()),
        }
    }

    fn kinds(&self, kinds: &dyn Fn(&str) -> Option<Kinds>) -> Option<Kinds> {
        match &self.what {
            Content::Name(name) => kinds(name),
            Content::Literal(value) => Some(Kinds::of(value)),
        }
    }

    fn unfit(&self, kinds: &dyn Fn(&str) -> Option<Kinds>, wanted: Kinds, message: &str) -> Option<ConditionFault> {
        let has = self.kinds(kinds).filter(|has| !has.meets(wanted))?;
        Some(ConditionFault {
            range: self.range.clone(),
            message: message.to_owned(),
            remedy: Some(format!("this is {}", has.described())),
        })
    }
}

fn unlike(left: &Operand, right: &Operand, kinds: &dyn Fn(&str) -> Option<Kinds>) -> Option<ConditionFault> {
    let (left_kinds, right_kinds) = (left.kinds(kinds)?, right.kinds(kinds)?);
    if left_kinds.meets(right_kinds) {
        return None;
    }
    let message = format!("{} is compared with {}", left_kinds.described(), right_kinds.described());
    // What callers key is text, which is easily forgotten.
    let remedy = match (&left.what, &right.what) {
        (_, Content::Literal(Value::Number { .. })) if left_kinds == Kinds::TEXT => {
            Some("put it into quotes".to_owned())
        }
        (_, Content::Literal(Value::Text(text))) if left_kinds == Kinds::NUMBER => {
            Some(format!("write {text} without quotes")).filter(|_| text.parse::<f64>().is_ok())
        }
        (_, Content::Literal(Value::Text(text))) if left_kinds == Kinds::DATE => {
            Some(format!("write {text} without quotes")).filter(|_| text.parse::<jiff::civil::Date>().is_ok())
        }
        (Content::Name(now), _) | (_, Content::Name(now))
            if **now == *"now" && (left_kinds == Kinds::DATE || right_kinds == Kinds::DATE) =>
        {
            Some("compare days with `today`".to_owned())
        }
        _ => None,
    };
    Some(ConditionFault { range: right.range.clone(), message, remedy })
}

fn text(value: Option<Value>) -> Option<String> {
    match value? {
        Value::Text(text) | Value::Secret(text) => Some(text),
        _ => None,
    }
}

/// How two like things stand to each other.
fn order(left: Option<Value>, right: Option<Value>) -> Option<Ordering> {
    let (left, right) = (left?, right?);
    if let (Value::Money { currency: Some(one), .. }, Value::Money { currency: Some(other), .. }) = (&left, &right)
        && one != other
    {
        return None;
    }
    match (as_number(left), as_number(right)) {
        (Value::Text(left) | Value::Secret(left), Value::Text(right) | Value::Secret(right)) => Some(left.cmp(&right)),
        (Value::Number { units: a, places: p }, Value::Number { units: b, places: q }) => {
            // At most 9 places and 19 digits each: 28 digits, and an i128 holds 38.
            let scaled = |units: i64, by: u8| i128::from(units) * 10_i128.pow(u32::from(by.min(18)));
            Some(scaled(a, q.saturating_sub(p)).cmp(&scaled(b, p.saturating_sub(q))))
        }
        (Value::Truth(left), Value::Truth(right)) => Some(left.cmp(&right)),
        (Value::Time(left), Value::Time(right)) => Some(left.cmp(&right)),
        (Value::Date(left), Value::Date(right)) => Some(left.cmp(&right)),
        _ => None,
    }
}

/// An amount of money compares as its number.
fn as_number(value: Value) -> Value {
    match value {
        Value::Money { units, places, currency: _ } => Value::Number { units, places },
        other => other,
    }
}

#[cfg(test)]
mod tests;
