//! `helpline schema`: the JSON Schemas of flow files, of `helpline.yaml` and of language files, by which an editor completes and underlines.
//!
//! They are made from the tables of keys that the reader itself goes by; what is written here is what an editor says of each
//! key, and what may stand after it. A test tells a key that the reader knows and the schema does not. Draft 7 is what the
//! YAML language server of editors reads best.

mod calls;
mod connectors;
mod flows;
mod installation;
mod languages;
mod shape;
mod steps;

use std::process::ExitCode;

use serde_json::{Value, json};

use super::listing::print;

/// What `helpline schema` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Of which files
    #[arg(value_enum, default_value_t = Of::Flows)]
    pub of: Of,
}

/// The files that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Of {
    /// Flow files: flows, queues, agents, hours
    Flows,
    /// The installation file, helpline.yaml
    Installation,
    /// Language files, prompts/<language>/language.yaml
    Languages,
}

/// Prints a schema.
///
/// # Errors
/// It could not be written.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    print(&written(arguments.of))?;
    Ok(ExitCode::SUCCESS)
}

/// A schema as it is printed, with a line break at its end.
pub fn written(of: Of) -> String {
    let (schema, _) = schema(of);
    format!("{schema:#}\n")
}

/// A schema, and what it lacks beside the reader, in words.
fn schema(of: Of) -> (Value, Vec<String>) {
    match of {
        Of::Flows => flows::schema(),
        Of::Installation => installation::schema(),
        Of::Languages => languages::schema(),
    }
}

/// `20s`, `1h30m`: whole numbers with units, the largest first.
fn length_of_time() -> Value {
    json!({
        "type": "string",
        "pattern": "^ *(?=[0-9])([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)? *$",
        "patternErrorMessage": "Write a length of time like `20s`, `5m` or `1h30m`.",
        "errorMessage": "Write the unit of this length of time: `20s`, `5m` or `1h30m`.",
        "description": "A length of time: whole numbers with units, such as `500ms`, `20s`, `5m`, `1h30m`.",
        "examples": ["20s", "5m", "1h30m"],
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const FILES: [(Of, &str); 3] = [
        (Of::Flows, "deploy/schema/flow.json"),
        (Of::Installation, "deploy/schema/helpline.json"),
        (Of::Languages, "deploy/schema/language.json"),
    ];

    #[test]
    fn every_key_that_the_reader_knows_is_described() {
        let lacks: Vec<String> = FILES.iter().flat_map(|(of, _)| schema(*of).1).collect();
        assert!(lacks.is_empty(), "the schema of editors and the reader differ:\n- {}", lacks.join("\n- "));
    }

    #[test]
    fn the_files_are_what_is_printed() {
        for (of, file) in FILES {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            if std::env::var_os("UPDATE_EXPECTED").is_some() {
                std::fs::write(&path, written(of)).expect("the file can be written");
            }
            let kept = std::fs::read_to_string(&path).unwrap_or_default();
            let message =
                "is not what `helpline schema` prints: UPDATE_EXPECTED=1 cargo test --lib cli::schema writes it anew";
            assert!(kept == written(of), "{file} {message}");
        }
    }

    /// Every reference of a schema has what it refers to.
    #[test]
    fn references_lead_somewhere() {
        fn look(value: &Value, root: &Value) {
            if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
                assert!(root.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
            }
            match value {
                Value::Object(entries) => entries.values().for_each(|value| look(value, root)),
                Value::Array(items) => items.iter().for_each(|value| look(value, root)),
                _ => {}
            }
        }
        for (of, _) in FILES {
            let schema = schema(of).0;
            look(&schema, &schema);
        }
    }

    /// A table of keys that no list of tables names would be unknown to the schema.
    #[test]
    fn every_table_of_keys_is_listed() {
        for (folder, list) in [("src/flow/document", "keys.rs"), ("src/config", "keys.rs")] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            let listed = std::fs::read_to_string(folder.join(list)).expect("the list is readable");
            for entry in std::fs::read_dir(&folder).expect("the folder is readable") {
                let path = entry.expect("an entry").path();
                let Ok(text) = std::fs::read_to_string(&path) else { continue };
                let module = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
                let shown = path.display();
                for line in text.lines().map(str::trim_start) {
                    let declared = line.strip_prefix("pub(super) ").unwrap_or(line).strip_prefix("const ");
                    let Some((name, rest)) = declared.and_then(|declared| declared.split_once(':')) else { continue };
                    let is_table = name.ends_with("KEYS") && rest.trim_start().starts_with("[&str");
                    assert!(
                        !is_table
                            || name.starts_with("LATER")
                            || name.starts_with("FLOWLESS")
                            || listed.contains(&format!("{module}::{name}")),
                        "{shown}: the keys `{name}` are in no list: add `KeyTable::new(\"...\", &{module}::{name})` to {list} \
                         beside it, and describe them in src/cli/schema/"
                    );
                }
                for call in text.replace("fn tell_unknown(", "").split("tell_unknown(").skip(1) {
                    let arguments = &call[..call.find(';').unwrap_or(call.len())];
                    assert!(
                        !arguments.contains("&["),
                        "{shown}: give the keys in `tell_unknown({arguments}` a name that ends in KEYS, and list it in {list}"
                    );
                }
            }
        }
    }
}
