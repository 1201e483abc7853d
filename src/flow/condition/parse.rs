//! The reading of a condition's text.

use std::ops::Range;
use std::sync::Arc;

use super::{Comparison, ConditionFault, Content, Expression, MAX_DEPTH, MAX_LENGTH, Operand};
use crate::flow::Value;
use crate::flow::document::scalar;

/// Reads the whole of `text`.
pub(super) fn condition(text: &str) -> Result<Expression, ConditionFault> {
    if text.len() > MAX_LENGTH {
        return Err(fault(0..text.len(), format!("a condition has at most {MAX_LENGTH} characters"), None));
    }
    let tokens = tokens(text)?;
    let mut reader = Reader { text, tokens: &tokens, at: 0, depth: 0 };
    if tokens.is_empty() {
        return Err(fault(0..text.len(), "this condition is empty".into(), None));
    }
    let expression = reader.either()?;
    match reader.peek() {
        None => Ok(expression),
        Some(_) => Err(reader.unexpected("`and`, `or` or the end of the condition")),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Literal(Value),
    Sign(&'static str),
}

type Placed = (Token, Range<usize>);

fn fault(range: Range<usize>, message: String, remedy: Option<&str>) -> ConditionFault {
    ConditionFault { range, message, remedy: remedy.map(str::to_owned) }
}

/// Longer signs stand before their beginnings.
const SIGNS: [&str; 14] = ["==", "!=", "<=", ">=", "&&", "||", "<", ">", "=", "!", "(", ")", "[", "]"];

fn tokens(text: &str) -> Result<Vec<Placed>, ConditionFault> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, length) = match first {
            '\'' | '"' => quoted(rest, first, at)?,
            'a'..='z' | 'A'..='Z' | '_' => {
                // Names of queues may have a dash in them.
                let of_queue = rest.starts_with("queue.");
                let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '-' && of_queue;
                let end = rest.find(|c: char| !fits(c)).unwrap_or(rest.len());
                (Token::Word(rest[..end].to_owned()), end)
            }
            '0'..='9' if day(rest).is_some() => day(rest).expect("it was just found"),
            '0'..='9' | '-' | '+' => number(rest, at)?,
            ',' => (Token::Sign(","), 1),
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Token::Sign(sign), sign.len()),
                None => {
                    let range = at..at + first.len_utf8();
                    return Err(fault(range, format!("`{first}` means nothing in a condition"), None));
                }
            },
        };
        tokens.push((token, at..at + length));
        at += length;
    }
    for (token, range) in &tokens {
        let remedy = match token {
            Token::Sign("=") => "write `==` or `is`",
            Token::Sign("&&") => "write `and`",
            Token::Sign("||") => "write `or`",
            Token::Sign("!") => "write `not`",
            _ => continue,
        };
        return Err(fault(range.clone(), format!("`{}` means nothing here", &text[range.clone()]), Some(remedy)));
    }
    Ok(tokens)
}

fn quoted(rest: &str, quote: char, at: usize) -> Result<(Token, usize), ConditionFault> {
    match rest[1..].find(quote) {
        Some(end) => Ok((Token::Literal(Value::Text(rest[1..=end].to_owned())), end + 2)),
        None => Err(fault(
            at..at + rest.len(),
            "this text is never closed".into(),
            Some("close it with the same quotation mark"),
        )),
    }
}

/// `2026-12-24`.
fn day(rest: &str) -> Option<(Token, usize)> {
    const LENGTH: usize = "2026-12-24".len();
    let text = rest.get(..LENGTH)?;
    let ends = rest[LENGTH..].chars().next().is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.'));
    let date = text.parse().ok().filter(|_| ends && text.as_bytes()[4] == b'-')?;
    Some((Token::Literal(Value::Date(date)), LENGTH))
}

fn number(rest: &str, at: usize) -> Result<(Token, usize), ConditionFault> {
    let after = rest[1..]
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'))
        .map_or(rest.len(), |end| end + 1);
    let written = &rest[..after];
    match scalar::number(written) {
        Some(value) => Ok((Token::Literal(value), after)),
        None => {
            let message = format!("`{written}` is not a number");
            Err(fault(at..at + after, message, Some("put a text into quotes, as what callers key is")))
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Placed],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn here(&self) -> Range<usize> {
        match self.tokens.get(self.at) {
            Some((_, range)) => range.clone(),
            None => self.tokens.last().map_or(0..self.text.len(), |(_, range)| range.clone()),
        }
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        self.at += usize::from(found);
        found
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self, wanted: &str) -> ConditionFault {
        let message = match self.tokens.get(self.at) {
            Some((_, range)) => format!("`{}` stands where {wanted} was expected", &self.text[range.clone()]),
            None => format!("the condition ends where {wanted} was expected"),
        };
        fault(self.here(), message, None)
    }

    fn either(&mut self) -> Result<Expression, ConditionFault> {
        let mut parts = vec![self.both()?];
        while self.take_word("or") {
            parts.push(self.both()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Or(parts) })
    }

    fn both(&mut self) -> Result<Expression, ConditionFault> {
        let mut parts = vec![self.negated()?];
        while self.take_word("and") {
            parts.push(self.negated()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::And(parts) })
    }

    fn negated(&mut self) -> Result<Expression, ConditionFault> {
        if self.depth >= MAX_DEPTH {
            return Err(fault(self.here(), format!("a condition is at most {MAX_DEPTH} deep"), None));
        }
        self.depth += 1;
        let expression = if self.take_word("not") {
            Expression::Not(Box::new(self.negated()?))
        } else if self.take_sign("(") {
            let inner = self.either()?;
            if !self.take_sign(")") {
                return Err(self.unexpected("a `)`"));
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn comparison(&mut self) -> Result<Expression, ConditionFault> {
        let left = self.operand()?;
        if self.take_word("is") {
            let negated = self.take_word("not");
            let expression = if self.take_word("empty") {
                Expression::IsEmpty(left)
            } else if self.take_word("known") {
                Expression::IsKnown(left)
            } else if self.take_word("unknown") {
                Expression::Not(Box::new(Expression::IsKnown(left)))
            } else {
                Expression::Compare { left, how: Comparison::Equal, right: self.operand()? }
            };
            return Ok(match expression {
                Expression::Compare { left, right, .. } if negated => {
                    Expression::Compare { left, how: Comparison::Unequal, right }
                }
                expression if negated => Expression::Not(Box::new(expression)),
                expression => expression,
            });
        }
        if self.take_word("in") {
            return self.list(left);
        }
        if self.take_word("starts") {
            if !self.take_word("with") {
                return Err(self.unexpected("`with`"));
            }
            return Ok(Expression::StartsWith { left, right: self.operand()? });
        }
        let not = self.at;
        if self.take_word("not") {
            if self.take_word("in") {
                return Ok(Expression::Not(Box::new(self.list(left)?)));
            }
            self.at = not;
        }
        const SIGNS: [(&str, Comparison); 6] = [
            ("==", Comparison::Equal),
            ("!=", Comparison::Unequal),
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("<", Comparison::Less),
            (">", Comparison::More),
        ];
        for (sign, how) in SIGNS {
            if self.take_sign(sign) {
                return Ok(Expression::Compare { left, how, right: self.operand()? });
            }
        }
        Ok(Expression::Holds(left))
    }

    fn list(&mut self, left: Operand) -> Result<Expression, ConditionFault> {
        if !self.take_sign("[") {
            return Err(self.unexpected("a list such as `['1', '2']`"));
        }
        let mut list = Vec::new();
        while !self.take_sign("]") {
            if !list.is_empty() && !self.take_sign(",") {
                return Err(self.unexpected("a `,` or a `]`"));
            }
            list.push(self.operand()?);
        }
        Ok(Expression::In { left, list })
    }

    fn operand(&mut self) -> Result<Operand, ConditionFault> {
        const TAKEN: [&str; 9] = ["and", "or", "not", "is", "in", "empty", "starts", "with", "ends"];
        let range = self.here();
        let what = match self.peek() {
            Some(Token::Literal(value)) => Content::Literal(value.clone()),
            Some(Token::Word(word)) => match scalar::truth(word) {
                Some(truth) => Content::Literal(Value::Truth(truth)),
                None if TAKEN.contains(&word.as_str()) => return Err(self.unexpected("a value")),
                None => Content::Name(Arc::from(word.as_str())),
            },
            _ => return Err(self.unexpected("a value")),
        };
        self.at += 1;
        Ok(Operand { what, range })
    }
}
