//! The shapes of which a schema is made: what may stand after a key, in the words of JSON Schema.

use serde_json::{Map, Value, json};

use crate::flow::document::keys::KeyTable;

/// A key, what an editor says of it, and what may stand after it.
pub(super) type Key = (&'static str, &'static str, Value);

/// A schema that is being written, and how far it agrees with the reader.
pub(super) struct Draft {
    tables: Vec<(KeyTable, bool)>,
    /// What the reader and the schema do not both know, in words.
    pub lacks: Vec<String>,
}

impl Draft {
    /// For a reader that goes by these tables.
    pub fn new(tables: Vec<KeyTable>) -> Draft {
        Draft { tables: tables.into_iter().map(|table| (table, false)).collect(), lacks: Vec::new() }
    }

    /// A table whose keys are those that the reader has of `owner`: a key that is not described here may have any value,
    /// so that an editor never underlines what the reader takes.
    pub fn table(&mut self, owner: &str, described: Vec<Key>) -> Value {
        let Some((table, used)) = self.tables.iter_mut().find(|(table, _)| table.owner == owner) else {
            self.lacks.push(format!("the schema describes `{owner}`, and the reader has no such table of keys"));
            return json!(true);
        };
        *used = true;
        let mut properties = Map::new();
        for key in &table.keys {
            match described.iter().find(|(name, ..)| name == key) {
                Some((_, text, shape)) => drop(properties.insert((*key).to_owned(), documented(shape, text))),
                None => {
                    properties.insert((*key).to_owned(), json!(true));
                    let file = if owner.starts_with("step ") { "steps.rs" } else { "flows.rs or installation.rs" };
                    self.lacks.push(format!(
                        "the reader knows the key `{key}` of `{owner}`, and the schema does not: describe it in \
                         src/cli/schema/{file} beside its neighbours"
                    ));
                }
            }
        }
        for (name, ..) in described.iter().filter(|(name, ..)| !table.keys.contains(name)) {
            self.lacks.push(format!("the schema describes the key `{name}` of `{owner}`, and the reader has none"));
        }
        json!({ "type": "object", "properties": properties, "additionalProperties": false })
    }

    /// Tells the tables that nothing described.
    pub fn finish(&mut self) {
        for (table, _) in self.tables.iter().filter(|(_, used)| !used) {
            self.lacks.push(format!(
                "the reader knows `{}` with the keys {:?}, and the schema does not: describe them in src/cli/schema/",
                table.owner, table.keys
            ));
        }
    }
}

/// With what an editor says of it.
pub(super) fn documented(shape: &Value, text: &str) -> Value {
    match shape {
        Value::Object(entries) => {
            let mut entries = entries.clone();
            entries.insert("description".to_owned(), json!(text));
            Value::Object(entries)
        }
        _ => json!({ "description": text }),
    }
}

/// With what must be there.
pub(super) fn with_required(mut table: Value, keys: &[&str]) -> Value {
    table["required"] = json!(keys);
    table
}

/// With examples, of which an editor offers the first.
pub(super) fn with_examples(mut shape: Value, examples: &[&str]) -> Value {
    shape["examples"] = json!(examples);
    shape
}

/// One of the definitions.
pub(super) fn named(definition: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{definition}") })
}

/// Any text; digits without quotes are one too.
pub(super) fn text(examples: &[&str]) -> Value {
    match examples {
        [] => json!({ "type": ["string", "number"] }),
        _ => with_examples(json!({ "type": ["string", "number"] }), examples),
    }
}

/// A text of this form.
pub(super) fn pattern(pattern: &str, examples: &[&str]) -> Value {
    with_examples(json!({ "type": ["string", "number"], "pattern": pattern }), examples)
}

/// `20s`, `1h30m`.
pub(super) fn length(usual: &str) -> Value {
    let mut shape = named("length");
    shape["default"] = json!(usual);
    shape
}

/// A whole number within its limits.
pub(super) fn number(least: u32, most: u32, usual: u32) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most, "default": usual })
}

/// True or false; false where it is not written.
pub(super) fn truth() -> Value {
    json!({ "type": "boolean", "default": false })
}

/// One of these words, the first where none is written.
pub(super) fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Value {
    let words: Vec<&str> = words.into_iter().collect();
    json!({ "enum": words, "default": words.first() })
}

/// One, or a list of them.
pub(super) fn one_or_more(item: Value) -> Value {
    json!({ "anyOf": [item, { "type": "array", "items": item }] })
}

/// Any of these.
pub(super) fn any_of(shapes: Vec<Value>) -> Value {
    json!({ "anyOf": shapes })
}

/// A table whose keys are names of this form.
pub(super) fn names(pattern: &str, value: Value) -> Value {
    json!({ "type": "object", "propertyNames": { "pattern": pattern }, "additionalProperties": value })
}

/// Nothing, or that: a key after which nothing stands yet.
pub(super) fn or_nothing(shape: Value) -> Value {
    any_of(vec![shape, json!({ "type": "null" })])
}

/// That, or a text with a variable of the environment in it.
pub(super) fn or_variable(shape: Value) -> Value {
    any_of(vec![shape, json!({ "type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}" })])
}
