//! `/api/openapi.json` says what is so: every path and method in it answers and no other does, and every answer is of
//! the shape that it gives.

use std::collections::BTreeSet;

use serde_json::Value;

use super::House;

const METHODS: [&str; 6] = ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"];

fn description() -> Value {
    House::furnished().ask("GET /api/openapi.json").json()
}

/// A path of the description as somebody asks it.
fn asked(path: &str) -> String {
    let names = [
        ("{id}", "c7"),
        ("{name}", "support"),
        ("{extension}", "1001"),
        ("{hours}", "office"),
        ("{flow}", "main"),
        ("{mailbox}", "support"),
        ("{message}", "m17"),
        ("{recording}", "r18"),
    ];
    names.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value))
}

fn operations(paths: &Value, path: &str) -> BTreeSet<String> {
    paths[path].as_object().expect("operations").keys().map(|method| method.to_uppercase()).collect()
}

#[test]
fn it_names_every_path_and_method() {
    let description = description();
    let paths = &description["paths"];
    let house = House::furnished();
    for path in paths.as_object().expect("paths").keys() {
        let mut allowed = operations(paths, path);
        if allowed.contains("GET") {
            allowed.insert("HEAD".to_owned());
        }
        for method in METHODS {
            let answer = house.ask(&format!("{method} {}", asked(path)));
            assert_eq!(answer.status == 405, !allowed.contains(method), "{method} {path} is {}", answer.status);
            if answer.status == 405 {
                let told = answer.header("Allow").unwrap_or_else(|| panic!("{method} {path}: no Allow"));
                assert_eq!(told.split(',').map(|one| one.trim().to_owned()).collect::<BTreeSet<_>>(), allowed);
                assert_eq!(answer.header("Content-Type"), Some("application/problem+json"));
            }
        }
    }
    // And the other way round: what the router knows is in the description.
    let source = include_str!("../mod.rs");
    let routes: BTreeSet<&str> = source.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let ours: BTreeSet<&str> = routes.into_iter().filter(|route| route.starts_with("/api/v1/")).collect();
    assert_eq!(ours, paths.as_object().expect("paths").keys().map(String::as_str).collect());
}

#[test]
fn head_is_get_without_a_body() {
    let house = House::furnished();
    for path in ["/metrics", "/healthz", "/readyz", "/api/openapi.json", "/api/v1/queues", "/api/v1/agents/1001"] {
        let (get, head) = (house.ask(&format!("GET {path}")), house.ask(&format!("HEAD {path}")));
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("Content-Type"), get.header("Content-Type"), "{path}");
        if path != "/metrics" {
            assert_eq!(head.header("Content-Length"), Some(get.body.len().to_string().as_str()), "{path}");
        }
    }
}

#[test]
fn every_answer_has_its_shape() {
    let description = description();
    let house = House::furnished();
    let paths = description["paths"].as_object().expect("paths");
    let mut seen = 0;
    for (path, operations) in paths {
        let Some(schema) = operations.pointer("/get/responses/200/content/application~1json/schema") else { continue };
        let calls = ["c6", "c7", "c8"];
        let variants = if path.contains("{id}") { &calls[..] } else { &calls[..1] };
        for call in variants {
            let asked = asked(&path.replace("{id}", call));
            let answer = house.ask(&format!("GET {asked}"));
            assert_eq!(answer.status, 200, "{asked}");
            fits(&description, schema, &answer.json(), &asked);
            seen += 1;
        }
    }
    assert!(seen >= 8, "only {seen} answers were looked at");
    let problem = house.ask("GET /api/v1/calls/x").json();
    fits(&description, &description["components"]["schemas"]["Problem"], &problem, "a problem");
}

/// Panics where `value` is not of the schema. It knows the few words of JSON Schema that the description is made of.
fn fits(description: &Value, schema: &Value, value: &Value, at: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(name) => description.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("no schema {name}")),
        None => schema,
    };
    if let Some(choices) = schema["oneOf"].as_array() {
        let of_null = choices.iter().any(|choice| choice["type"] == "null");
        if value.is_null() && of_null {
            return;
        }
        return fits(description, &choices[0], value, at);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        other => panic!("{at}: no type in {other}"),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fine = types.contains(&kind) || kind == "integer" && types.contains(&"number");
    assert!(fine, "{at} is {kind}, not {types:?}: {value}");
    if let (Some(words), Some(word)) = (schema["enum"].as_array(), value.as_str()) {
        assert!(words.iter().any(|one| one == word), "{at} is {word}, none of {words:?}");
    }
    if schema["format"] == "date-time"
        && let Some(time) = value.as_str()
    {
        assert!(time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok(), "{at} is no RFC 3339 time: {time}");
    }
    if let Value::Array(items) = value {
        for (index, item) in items.iter().enumerate() {
            fits(description, &schema["items"], item, &format!("{at}[{index}]"));
        }
    }
    let Value::Object(members) = value else { return };
    for wanted in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        assert!(members.contains_key(wanted), "{at} lacks {wanted}");
    }
    for (name, member) in members {
        match &schema["properties"][name] {
            Value::Null => assert_ne!(schema["additionalProperties"], false, "{at} has a {name} that is not described"),
            known => fits(description, known, member, &format!("{at}.{name}")),
        }
    }
}
