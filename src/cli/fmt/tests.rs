use std::path::Path;

use super::*;

fn form(text: &str) -> String {
    let source = Source { file: "flows/main.yaml".to_owned(), text: text.to_owned() };
    match formed(&source) {
        Ok(text) => text,
        Err(why) => panic!("{text}\n{why:?}"),
    }
}

fn check(text: &str, expected: &str) {
    let found = form(text);
    assert_eq!(found, expected, "\n--- of\n{text}\n--- came\n{found}\n--- and not\n{expected}");
    assert_eq!(form(&found), found, "a second time changes nothing");
}

#[test]
fn files_have_one_form() {
    // Indentation, blank lines, quotes, the ends of lines.
    check(
        "flow:   main\r\nsteps:\r\n\r\n      a:   {say:   \"Hello.\" }\r\n",
        "flow: main\nsteps:\n  a: {say: Hello.}\n",
    );
    check("\u{feff}flow: 'main'\n\n\n\nstart: a\n\n", "flow: main\n\nstart: a\n");
    check("---\nflow: main\n...\n", "flow: main\n");
    check("a:\n- 1\n- 2\n", "a:\n  - 1\n  - 2\n");
    check("a:\n-   b: 1\n    c: 2\n\n-   b: 3\n", "a:\n  - b: 1\n    c: 2\n\n  - b: 3\n");
    check("a: [ ]\nb: { }\nc: ~\nd: null\n", "a: []\nb: {}\nc:\nd:\n");
    check("a: {b: , c: [~, x]}\n", "a: {b: , c: [~, x]}\n");
    // Quotes stay where they mean something, to this reader or to another.
    for kept in [
        "a: \"1001\"\n",
        "a: \"yes\"\n",
        "a: \"+442079460000\"\n",
        "a: \"2026-12-25\"\n",
        "a: \"\"\n",
        "a: '\"no\" is said'\n",
    ] {
        check(kept, kept);
    }
    check("a: 'Please note: closed'\n", "a: \"Please note: closed\"\n");
    check("a: 'it''s open'\nb: \"tom\"\n", "a: it's open\nb: tom\n");
    check("a: [\"b, c\", \"d\"]\n", "a: [\"b, c\", d]\n");
    check("a: [ b: 1,c ,  d: {e: 2} , {f: 3}]\n", "a: [b: 1, c, d: {e: 2}, {f: 3}]\n");
    check("a:\n  - [b: 1]\nc: [d: 1, # one\n e: 2]\n", "a:\n  - [b: 1]\nc:\n  # one\n  - d: 1\n  - e: 2\n");
    check("a: |\n   one\n   two\nb: |-\n   one\n   two\n", "a: |\n  one\n  two\nb: |-\n  one\n  two\n");
    check("a: >-\n   one\n   two\n", "a: one two\n");
    check("a: one\n   two\n", "a: one two\n");
}

#[test]
fn the_keys_of_a_step_have_an_order() {
    check(
        "steps:\n  ask:\n    next: b\n    # digits\n    digits: 4\n    collect: Your number?  # asks\n    save: n\n  b: {next: c, say: Hi.}\n",
        "steps:\n  ask:\n    collect: Your number?  # asks\n    # digits\n    digits: 4\n    save: n\n    next: b\n  b: {say: Hi., next: c}\n",
    );
    check(
        "steps:\n  m: {choices: {1: {go: a, say: A}}, menu: Q}\nhours: {o: {sat: closed, mon: 09:00-10:00}}\n",
        "steps:\n  m: {menu: Q, choices: {1: {say: A, go: a}}}\nhours: {o: {sat: closed, mon: 09:00-10:00}}\n",
    );
    // Where something is repeated nothing changes its place.
    check(
        "steps:\n  a: {next: &x b, say: Hi.}\n  c: {say: Ho., next: *x}\n",
        "steps:\n  a: {next: &x b, say: Hi.}\n  c: {say: Ho., next: *x}\n",
    );
}

#[test]
fn comments_stay_where_they_belong() {
    check(
        "# head\n\n# of the flow\nflow: main # its name\nlanguages: [en, es]      # two\n\n\n# steps\nsteps:   # all\n    # first\n    a:\n        say: Hi.\n        # next: b\n    # second\n    b: {say: Ho.}   # short\n    # of the steps\n# the end\n",
        "# head\n\n# of the flow\nflow: main           # its name\nlanguages: [en, es]  # two\n\n# steps\nsteps:           # all\n  # first\n  a:\n    say: Hi.\n    # next: b\n  # second\n  b: {say: Ho.}  # short\n  # of the steps\n# the end\n",
    );
    check(
        "a: {  # open\n  b: 1,  # one\n  # two\n  c: 2\n}\nd: [ # list\n  x, y ] # end\n",
        "a:      # open\n  b: 1  # one\n  # two\n  c: 2\nd:      # list\n  - x\n  - y\n  # end\n",
    );
    check("a:  >- # folded\n   one\n   two\nb: 1\n", "a: one two  # folded\nb: 1\n");
    check("# only\n\n# comments\n", "# only\n\n# comments\n");
    check("", "");
    check("a: 'x # y'\n", "a: \"x # y\"\n");
}

#[test]
fn long_lines_are_broken() {
    let words = "words and more words ".repeat(9);
    let text = form(&format!("steps:\n  a:\n    say: {}\n", words.trim()));
    assert!(
        text.contains("say: >-\n      words and") && text.lines().all(|line| line.chars().count() <= 120),
        "{text}"
    );
    assert_eq!(form(&text), text);
    let items: Vec<String> = (0..40).map(|item| format!("item_{item}")).collect();
    let text = form(&format!("a: [{}]\n", items.join(", ")));
    assert!(text.starts_with("a:\n  - item_0\n  - item_1\n"), "{text}");
    assert_eq!(form(&text), text);
}

#[test]
fn what_cannot_be_read_is_left_alone() {
    for text in ["a: b: c\n", "a: 1\na: 2\n", "a:\n\t- b\n", "a: !!str 1\n", "a: [b\n", "a: 1\n---\nb: 2\n", "a: *b\n"]
    {
        let source = Source { file: "x.yaml".to_owned(), text: text.to_owned() };
        assert!(matches!(formed(&source), Err(Unformed::Unreadable(_))), "{text}");
    }
}

#[test]
fn a_file_is_replaced_whole() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().expect("a folder");
    let (file, link) = (folder.path().join("a.yaml"), folder.path().join("link.yaml"));
    fs::write(&file, "a:   1\n").expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("it is ours");
    symlink(&file, &link).expect("a link");
    let arguments = |check| Arguments { files: vec![link.clone()], check };
    let status = |check| format!("{:?}", run(&arguments(check), Path::new("none")).expect("it runs"));
    assert_eq!(status(true), format!("{:?}", ExitCode::from(1)));
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "a:   1\n", "--check only tells");
    assert_eq!(status(false), format!("{:?}", ExitCode::SUCCESS));
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "a: 1\n");
    assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
    assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(folder.path()).expect("ours").count(), 2, "nothing is left behind");
    assert_eq!(status(true), format!("{:?}", ExitCode::SUCCESS));
}

/// Every file of the repository that can be read has a form that means the same and has no other.
#[test]
fn the_files_of_this_repository_keep_their_meaning() {
    use std::collections::BTreeSet;

    use crate::flow::document::{self, Known};

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    for folder in ["flows", "tests/data/faults", "fuzz/corpus/flow", "deploy"] {
        for entry in fs::read_dir(root.join(folder)).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            texts.extend(fs::read_to_string(&path).ok().map(|text| (path, text)));
        }
    }
    for page in ["docs/flows.md", "docs/settings.md", "docs/agents.md", "README.md"] {
        let text = fs::read_to_string(root.join(page)).expect("the page is there");
        let blocks = text.split("```yaml\n").skip(1).map(|block| block.split("```").next().unwrap_or("").to_owned());
        texts.extend(blocks.map(|block| (root.join(page), block)));
    }
    let mut formed_files = 0;
    for (path, text) in texts {
        let source = Source { file: "main.yaml".to_owned(), text };
        let after = match formed(&source) {
            Ok(text) => Source { file: source.file.clone(), text },
            Err(Unformed::Unreadable(_)) => continue,
            Err(Unformed::Unsafe) => panic!("{} has no form", path.display()),
        };
        formed_files += 1;
        assert_eq!(form(&after.text), after.text, "{}", path.display());
        let count = |text: &str| text.lines().filter(|line| line.trim_start().starts_with('#')).count();
        assert!(count(&after.text) >= count(&source.text) || source.text.contains("{"), "{}", path.display());
        let prompts = BTreeSet::new();
        let known = Known::of(&prompts);
        let meaning = |source: &Source| {
            let reading = document::read(std::slice::from_ref(source), &known);
            let mut told: Vec<String> =
                reading.diagnostics.iter().map(|fault| format!("{} {}", fault.code, fault.message)).collect();
            told.sort();
            // Where things stand differs.
            let flows =
                reading.flows.map(|flows| format!("{:#?}", (&flows.flows, &flows.queues, &flows.hours, &flows.agents)));
            (flows, told)
        };
        assert_eq!(meaning(&source).0, meaning(&after).0, "{}", path.display());
    }
    assert!(formed_files > 60, "{formed_files}");
}

/// Random trees, written in random ways: the form means the same, and has no other form.
#[test]
fn random_files_keep_their_meaning() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut formed_files = 0;
    for _ in 0..4000 {
        let mut text = String::new();
        block(&mut random, &mut text, 0, 0);
        let source = Source { file: "x.yaml".to_owned(), text };
        match formed(&source) {
            Ok(text) => {
                formed_files += 1;
                let again = Source { file: "x.yaml".to_owned(), text: text.clone() };
                let twice = formed(&again).unwrap_or_else(|why| panic!("{}\n---\n{text}\n{why:?}", source.text));
                assert_eq!(twice, text, "\n--- of\n{}\n--- came first\n{text}\n--- and then\n{twice}", source.text);
                for comment in source.text.split("#~").skip(1) {
                    let comment = comment.split_whitespace().next().unwrap_or("");
                    assert!(text.contains(&format!("#~{comment}")), "{comment} is lost\n{}\n---\n{text}", source.text);
                }
            }
            Err(Unformed::Unsafe) => panic!(
                "{}\nhas no form, and came as\n{}",
                source.text,
                page::read(&source.text).map(|page| write::written(&page)).unwrap_or_default()
            ),
            Err(Unformed::Unreadable(_)) => {}
        }
    }
    assert!(formed_files > 2000, "{formed_files} of 4000 could be read");
}

/// A table in a block, with comments and blank lines anywhere.
fn block(random: &mut fastrand::Rng, text: &mut String, indent: usize, depth: usize) {
    let keys = ["say", "next", "menu", "choices", "1", "star", "steps", "go", "a b", "\"q: x\"", "hours", "ü"];
    let mut left: Vec<&str> = keys.to_vec();
    for _ in 0..random.usize(1..5) {
        gap(random, text, indent);
        let key = left.swap_remove(random.usize(0..left.len()));
        *text += &format!("{:indent$}{key}:", "");
        match random.u8(0..8) {
            0 if depth < 4 => {
                beside(random, text);
                text.push('\n');
                let indent = indent + random.usize(1..5);
                block(random, text, indent, depth + 1);
                continue;
            }
            1 if depth < 4 => {
                text.push('\n');
                let indent = indent + random.usize(0..3);
                for _ in 0..random.usize(1..4) {
                    gap(random, text, indent);
                    *text += &format!("{:indent$}- ", "");
                    *text += &value(random, depth + 1);
                    beside(random, text);
                    text.push('\n');
                }
                continue;
            }
            2 => {
                let (mark, inner) = (["|", "|-", ">-", ">", "|+"][random.usize(0..5)], indent + 2);
                *text += &format!(" {mark}\n");
                for _ in 0..random.usize(1..4) {
                    *text += &format!(
                        "{:inner$}{}\n",
                        "",
                        ["one two", "three # no comment", "- four: 5", "", "{six}"][random.usize(0..5)]
                    );
                }
                continue;
            }
            3 => {}
            _ => *text += &format!(" {}", value(random, depth)),
        }
        beside(random, text);
        text.push('\n');
    }
}

fn gap(random: &mut fastrand::Rng, text: &mut String, indent: usize) {
    for _ in 0..random.usize(0..3) {
        match random.u8(0..6) {
            0 => text.push('\n'),
            1 => *text += &format!("{:1$}#~{2}\n", "", [indent, 0, indent + 2][random.usize(0..3)], random.u32(..)),
            _ => {}
        }
    }
}

fn beside(random: &mut fastrand::Rng, text: &mut String) {
    if random.u8(0..5) == 0 {
        *text += &format!("{}#~{}", " ".repeat(random.usize(1..4)), random.u32(..));
    }
}

fn value(random: &mut fastrand::Rng, depth: usize) -> String {
    let texts = [
        "plain",
        "two words",
        "08",
        "1:30",
        "true",
        "yes",
        "null",
        "~",
        "+44",
        "a#b",
        "-x",
        "\"quoted\"",
        "\"true\"",
        "'it''s'",
        "\"a\\nb\"",
        "\"tab\\t\"",
        "'{x}'",
        "\"# no\"",
        "12.50",
        "For billing -> billing",
        "\"\"",
        "'a: b'",
        "2026-12-25",
        "ünï",
        "\"\\u2028\"",
        "http://x/y",
        "a,b",
        "\"a, b\"",
        "never",
        "'- x'",
        "\"a\\\\b\"",
        "?x",
        ":x",
        "\" lead\"",
        "\"trail \"",
        "\"x:\"",
    ];
    let long =
        "a rather long text that goes on and on so that the line has to be broken somewhere near its end, as it is";
    match random.u8(0..10) {
        0 | 1 if depth < 5 => {
            let count = random.usize(0..4);
            let item = |_| match random.u8(0..4) {
                0 => format!("press: {}", flow_value(random, depth + 1)),
                _ => flow_value(random, depth + 1),
            };
            let items: Vec<String> = (0..count).map(item).collect();
            format!("[{}]", items.join([", ", ",", " , "][random.usize(0..3)]))
        }
        2 | 3 if depth < 5 => {
            let keys = ["say", "go", "next", "queue", "\"k: y\"", "9"];
            let count = random.usize(0..4);
            let items: Vec<String> =
                keys.iter().take(count).map(|key| format!("{key}: {}", flow_value(random, depth + 1))).collect();
            format!("{{{}}}", items.join(", "))
        }
        4 => format!("{long} {long}"),
        _ => texts[random.usize(0..texts.len())].to_owned(),
    }
}

/// What can stand in brackets.
fn flow_value(random: &mut fastrand::Rng, depth: usize) -> String {
    loop {
        let value = value(random, depth);
        if value != "a,b" && !value.starts_with(['?', ':']) && !value.starts_with("a rather") {
            return value;
        }
    }
}
