//! How faults and warnings are written: for people with carets, for programs as JSON, for GitHub as annotations.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};

use crate::flow::document::{Diagnostic, Severity, Source};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// For programs
    Json,
    /// Annotations of GitHub's workflows
    Github,
    /// The XML of JUnit, for CI that shows tests
    Junit,
}

/// Whether standard output takes colour: on a terminal, and never with `NO_COLOR` (no-color.org).
pub fn colour_on_stdout() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    io::stdout().is_terminal() && !refused && !dumb
}

/// A reader who has closed the pipe has read enough: `helpline check | head` is no failure.
///
/// # Errors
/// Any other failure to write.
pub fn unless_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Tells what was asked for in vain; the exit status is that of wrong usage, 2.
///
/// # Errors
/// It could not be told.
pub fn wrong_usage(wrong: &str) -> anyhow::Result<ExitCode> {
    unless_closed(writeln!(io::stderr(), "helpline: {wrong}"))?;
    Ok(ExitCode::from(2))
}

/// Whether there is any error.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// The whole report, with a line break at its end.
pub fn written(diagnostics: &[Diagnostic], sources: &[Source], format: Format, colour: bool) -> String {
    match format {
        Format::Human => human(diagnostics, sources, colour),
        Format::Json => json_text(diagnostics, sources),
        Format::Github => github(diagnostics),
        Format::Junit => junit(diagnostics, sources),
    }
}

/// "2 errors, 1 warning in 3 files", "no faults in 1 file".
pub fn summary(diagnostics: &[Diagnostic], files: usize) -> String {
    let (errors, warnings) = counts(diagnostics);
    let counted = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let mut found = Vec::new();
    if errors > 0 {
        found.push(counted(errors, "error"));
    }
    if warnings > 0 {
        found.push(counted(warnings, "warning"));
    }
    let found = if found.is_empty() { "no faults".to_owned() } else { found.join(", ") };
    format!("{found} in {}", counted(files, "file"))
}

fn counts(diagnostics: &[Diagnostic]) -> (usize, usize) {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    (errors, diagnostics.len() - errors)
}

fn human(diagnostics: &[Diagnostic], sources: &[Source], colour: bool) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let source = sources.iter().find(|source| source.file == diagnostic.file);
        text.push_str(&one_for_people(diagnostic, source, colour));
        text.push_str("\n\n");
    }
    text.push_str(&summary(diagnostics, sources.len()));
    text.push('\n');
    text
}

/// One fault with the line that it is in.
pub fn one_for_people(diagnostic: &Diagnostic, source: Option<&Source>, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.id));
    // The caret points to the remedy, unless something else has to be seen there.
    let at_caret = diagnostic.label.as_deref().or(diagnostic.remedy.as_deref()).unwrap_or("");
    let mut footers = Vec::new();
    match source.filter(|_| diagnostic.line > 0) {
        Some(source) => {
            let (line, start) = excerpt(&source.text, diagnostic);
            let end = (diagnostic.span.end - start).min(line.len());
            let span = (diagnostic.span.start - start).min(end)..end;
            let annotation = AnnotationKind::Primary.span(span).label(at_caret);
            group = group.element(
                Snippet::source(line).line_start(diagnostic.line).path(source.file.as_str()).annotation(annotation),
            );
            if diagnostic.label.is_some() {
                footers.extend(diagnostic.remedy.as_deref());
            }
        }
        None => {
            if !diagnostic.file.is_empty() {
                group = group.element(Origin::path(diagnostic.file.as_str()));
            }
            footers.extend([diagnostic.label.as_deref(), diagnostic.remedy.as_deref()].into_iter().flatten());
        }
    }
    footers.extend(diagnostic.consequence.as_deref());
    footers.extend(diagnostic.notes.iter().map(String::as_str));
    for footer in footers {
        group = group.element(Level::NOTE.no_name().message(footer));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).render(&[group])
}

/// The line in which a fault begins, and the byte at which that line does: a caret below many lines shows nothing.
fn excerpt<'s>(text: &'s str, diagnostic: &Diagnostic) -> (&'s str, usize) {
    let start = text[..diagnostic.span.start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[start..].split('\n').next().unwrap_or("");
    (line.trim_end_matches('\r'), start)
}

fn json_text(diagnostics: &[Diagnostic], sources: &[Source]) -> String {
    let items: Vec<Value> = diagnostics.iter().map(one_as_json).collect();
    let (errors, warnings) = counts(diagnostics);
    let report = json!({ "items": items, "errors": errors, "warnings": warnings, "files": sources.len() });
    format!("{report:#}\n")
}

/// One fault for programs.
pub fn one_as_json(diagnostic: &Diagnostic) -> Value {
    let placed = diagnostic.line > 0;
    json!({
        "code": diagnostic.code.id,
        "title": diagnostic.code.title,
        "severity": severity_word(diagnostic.severity),
        "file": (!diagnostic.file.is_empty()).then_some(&diagnostic.file),
        "line": placed.then_some(diagnostic.line),
        "column": placed.then_some(diagnostic.column),
        "bytes": placed.then_some([diagnostic.span.start, diagnostic.span.end]),
        "message": diagnostic.message,
        "label": diagnostic.label,
        "remedy": diagnostic.remedy,
        "consequence": diagnostic.consequence,
        "notes": diagnostic.notes,
    })
}

fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn github(diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let mut message = diagnostic.message.clone();
        let texts = [&diagnostic.label, &diagnostic.remedy, &diagnostic.consequence].into_iter().flatten();
        for more in texts.chain(&diagnostic.notes) {
            message.push('\n');
            message.push_str(more);
        }
        let mut properties = Vec::new();
        if !diagnostic.file.is_empty() {
            properties.push(format!("file={}", escaped(&diagnostic.file, true)));
        }
        if diagnostic.line > 0 {
            properties.push(format!("line={},col={}", diagnostic.line, diagnostic.column));
        }
        properties.push(format!("title={}", diagnostic.code));
        let word = severity_word(diagnostic.severity);
        text.push_str(&format!("::{word} {}::{}\n", properties.join(","), escaped(&message, false)));
    }
    text
}

/// A test case for each file that is without fault, and one for each fault: an error fails, a warning is told.
fn junit(diagnostics: &[Diagnostic], sources: &[Source]) -> String {
    let (errors, _) = counts(diagnostics);
    let sound: Vec<&Source> =
        sources.iter().filter(|source| diagnostics.iter().all(|diagnostic| diagnostic.file != source.file)).collect();
    let tests = sound.len() + diagnostics.len();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  \
         <testsuite name=\"helpline check\" tests=\"{tests}\" failures=\"{errors}\">\n"
    );
    for source in sound {
        let file = xml_escaped(&source.file);
        text.push_str(&format!("    <testcase classname=\"{file}\" name=\"no faults\"/>\n"));
    }
    for diagnostic in diagnostics {
        let place = match diagnostic.line {
            0 => String::new(),
            line => format!(" in line {line}, column {}", diagnostic.column),
        };
        let file = if diagnostic.file.is_empty() { "helpline" } else { &diagnostic.file };
        let name = xml_escaped(&format!("{}{place}", diagnostic.code));
        let message = xml_escaped(&diagnostic.message);
        let texts = [&diagnostic.label, &diagnostic.remedy, &diagnostic.consequence].into_iter().flatten();
        let more: Vec<String> = texts.chain(&diagnostic.notes).map(|text| xml_escaped(text)).collect();
        let more = more.join("\n");
        let inside = match diagnostic.severity {
            Severity::Error => format!("<failure type=\"error\" message=\"{message}\">{more}</failure>"),
            Severity::Warning => format!("<system-out>warning: {message}\n{more}</system-out>"),
        };
        text.push_str(&format!(
            "    <testcase classname=\"{}\" name=\"{name}\">{inside}</testcase>\n",
            xml_escaped(file)
        ));
    }
    text + "  </testsuite>\n</testsuites>\n"
}

/// Text for XML, in elements and in attributes; characters that XML cannot hold are left out.
pub fn xml_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push('\n'),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// The escapes of GitHub's workflow commands.
fn escaped(text: &str, property: bool) -> String {
    let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    if property { text.replace(':', "%3A").replace(',', "%2C") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::document::{Page, Span, codes};

    fn faults() -> (Vec<Diagnostic>, Vec<Source>) {
        let source = Source { file: "a,b.yaml".to_owned(), text: "flow: main\r\nstart: \u{fc}mian\r\n".to_owned() };
        let page = Page::new(&source);
        let faults = vec![
            page.error(codes::NO_SUCH_STEP, Span::new(19, 25), "no step: 100%").remedy("one"),
            Diagnostic::of_file(codes::UNREADABLE, Severity::Warning, "gone.yaml", "it is gone").consequence("silence"),
        ];
        (faults, vec![source])
    }

    #[test]
    fn people_see_the_place() {
        let (faults, sources) = faults();
        let expected = "error[HL0207]: no step: 100%
 --> a,b.yaml:2:8
  |
2 | start: \u{fc}mian
  |        ^^^^^ one

warning[HL0110]: it is gone
--> gone.yaml
 = silence

1 error, 1 warning in 1 file
";
        assert_eq!(written(&faults, &sources, Format::Human, false), expected);
        assert!(written(&faults, &sources, Format::Human, true).contains("\u{1b}["));
    }

    #[test]
    fn programs_see_the_place() {
        let (faults, sources) = faults();
        let json: Value = serde_json::from_str(&written(&faults, &sources, Format::Json, false)).expect("it is JSON");
        assert_eq!((&json["errors"], &json["warnings"], &json["files"]), (&json!(1), &json!(1), &json!(1)));
        let first = &json["items"][0];
        assert_eq!((&first["code"], &first["line"], &first["column"]), (&json!("HL0207"), &json!(2), &json!(8)));
        assert_eq!(json["items"][1]["line"], Value::Null);
        let expected = "::error file=a%2Cb.yaml,line=2,col=8,title=HL0207::no step: 100%25%0Aone
::warning file=gone.yaml,title=HL0110::it is gone%0Asilence
";
        assert_eq!(written(&faults, &sources, Format::Github, false), expected);
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites>
  <testsuite name=\"helpline check\" tests=\"2\" failures=\"1\">
    <testcase classname=\"a,b.yaml\" name=\"HL0207 in line 2, column 8\"><failure type=\"error\" message=\"no step: 100%\">one</failure></testcase>
    <testcase classname=\"gone.yaml\" name=\"HL0110\"><system-out>warning: it is gone
silence</system-out></testcase>
  </testsuite>
</testsuites>
";
        assert_eq!(written(&faults, &sources, Format::Junit, false), expected);
        assert_eq!(xml_escaped("<a b=\"&\">\u{1}"), "&lt;a b=&quot;&amp;&quot;&gt;");
        let sound = written(&[], &sources, Format::Junit, false);
        assert!(sound.contains("tests=\"1\" failures=\"0\"") && sound.contains("name=\"no faults\"/>"), "{sound}");
    }

    #[test]
    fn the_summary_counts() {
        let (faults, _) = faults();
        assert_eq!(summary(&[], 1), "no faults in 1 file");
        assert_eq!(summary(&faults[..1], 2), "1 error in 2 files");
        assert_eq!(summary(&[faults[1].clone(), faults[1].clone()], 3), "2 warnings in 3 files");
    }
}
