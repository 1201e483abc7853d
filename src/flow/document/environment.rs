//! `${NAME}` in texts that take environment variables.

use std::ops::Range;

/// What keeps a text from being expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpansionFault {
    /// Where in the text, in bytes.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// The likely remedy.
    pub remedy: String,
}

/// The text with the variables in place of their names.
pub fn expand(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<String, ExpansionFault> {
    let mut expanded = String::new();
    let mut at = 0;
    while let Some(dollar) = text[at..].find('$') {
        expanded.push_str(&text[at..at + dollar]);
        let start = at + dollar;
        let rest = &text[start + 1..];
        if rest.starts_with('$') {
            expanded.push('$');
            at = start + 2;
            continue;
        }
        if !rest.starts_with('{') {
            expanded.push('$');
            at = start + 1;
            continue;
        }
        let Some(end) = rest.find('}') else {
            return Err(ExpansionFault {
                range: start..text.len(),
                message: "a `${` is never closed".to_owned(),
                remedy: "close it with `}`".to_owned(),
            });
        };
        let range = start..start + 1 + end + 1;
        let inner = &rest[1..end];
        let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
        let known = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !known {
            return Err(ExpansionFault {
                range,
                message: "this names no environment variable".to_owned(),
                remedy: "write `${NAME}` or `${NAME:-default}`".to_owned(),
            });
        }
        if default.is_some_and(|default| default.contains("${")) {
            return Err(ExpansionFault {
                range,
                message: "a default is a text, and this one holds another variable".to_owned(),
                remedy: "write `${NAME:-text}`, or `${NAME}` alone".to_owned(),
            });
        }
        // As in a shell, an empty variable takes the default too.
        match (environment(name).filter(|value| !value.is_empty()), default) {
            (Some(value), _) => expanded.push_str(&value),
            (None, Some(default)) => expanded.push_str(default),
            (None, None) => {
                return Err(ExpansionFault {
                    range,
                    message: format!("the environment variable `{name}` is not set"),
                    remedy: format!("set it, or write a default: `${{{name}:-...}}`"),
                });
            }
        }
        at = range.end;
    }
    expanded.push_str(&text[at..]);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_take_the_place_of_their_names() {
        let environment = |name: &str| match name {
            "TOKEN" => Some("s3cret}$".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let check = |text: &str, expected: Result<&str, &str>| {
            let found = expand(text, &environment);
            let found = found.as_deref().map_err(|fault| fault.message.as_str());
            assert_eq!(found, expected, "{text}");
        };
        check("plain", Ok("plain"));
        check("a ${TOKEN} b", Ok("a s3cret}$ b"));
        check("${NONE:-x y}", Ok("x y"));
        check("${NONE:-}", Ok(""));
        check("${EMPTY:-z}", Ok("z"));
        check("$$ and $x ${TOKEN}", Ok("$ and $x s3cret}$"));
        check("${NONE}", Err("the environment variable `NONE` is not set"));
        check("${EMPTY}", Err("the environment variable `EMPTY` is not set"));
        check("ü ${", Err("a `${` is never closed"));
        check("${}", Err("this names no environment variable"));
        check("${NONE:-${TOKEN}}", Err("a default is a text, and this one holds another variable"));
        check("${1A}", Err("this names no environment variable"));
    }
}
