//! What a language file that promises too much is told of.

use super::*;
use crate::flow::document::Severity;

/// The faults of a file with these rules, without what it merely lacks.
fn check(rules: &str, expected: &[&str]) {
    let text = format!("language: xx\n{rules}");
    let languages = [Source { file: "prompts/xx/language.yaml".to_owned(), text: text.clone() }];
    let prompts = std::collections::BTreeSet::new();
    let reading = document::read(&[], &Known { languages: &languages, ..Known::of(&prompts) });
    let errors = reading.diagnostics.iter().filter(|fault| fault.severity == Severity::Error && fault.line > 0);
    let found: Vec<String> = errors.map(|fault| format!("{}: {}", fault.line, fault.message)).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_number_that_cannot_be_said_is_found() {
    let digits =
        "phrases: {n: {1: one, 2: two, 3: three, 4: four, 5: five, 6: six, 7: seven, 8: eight, 9: nine, ten: ten}}\n";
    // 0 is missing.
    check(
        &format!("numbers:\n  cardinal:\n    1: n/{{number}}\n    10: \"n/ten [{{rest}}]\"\n{digits}"),
        &["3: the rules `cardinal` do not say 0"],
    );
    // 100 and more would be said as ten.
    check(
        &format!("numbers:\n  cardinal:\n    0: n/{{number}}\n    10: \"{{times}} n/ten [{{rest}}]\"\n{digits}"),
        &["4: no phrase is called `n/0`"],
    );
    // 20 leaves nothing, and nothing is no number here.
    check(
        &format!(
            "numbers:\n  cardinal: {{0: n/1, 1: \"{{number|rest}}\"}}\n  rest: {{1: n/1, 5: \"n/ten {{rest|rest}}\"}}\n{digits}"
        ),
        &["4: this rule begins below 10 and divides by nothing: it has no `{times}` and no `{rest}`"],
    );
    check(
        &format!(
            "numbers:\n  cardinal: {{0: \"{{number|other}}\"}}\n  other: {{0: \"{{number|cardinal}}\"}}\n{digits}"
        ),
        &["4: this leads back to the rules `cardinal` with the same number, and never ends"],
    );
    check(
        &format!("numbers:\n  cardinal: {{0: n/1, 10: \"{{times}} {{times}} {{times}} {{times}}\"}}\n{digits}"),
        &["3: numbers would take too many phrases by this rule"],
    );
    check(
        &format!("numbers:\n  cardinal: {{0: n/{{number}}}}\n{digits}").replace("0: n/{number}", "0: \"n/{number}\""),
        &["3: no phrase is called `n/0`", "3: numbers would take too many phrases by this rule"],
    );
}
