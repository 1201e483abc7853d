//! The long story of a code, read from its page in docs/codes.

use super::Code;

/// A code's page, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What the fault is, in one line.
    pub title: &'static str,
    /// What it is about, and what callers would meet: paragraphs in Markdown.
    pub text: &'static str,
    /// Files that give this code; none where a file alone cannot.
    pub wrong: Option<Example>,
    /// The same, mended.
    pub right: Option<Example>,
    /// Where to read on: a page, and perhaps its heading.
    pub read_on: &'static str,
}

/// An example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// The name of the file, where it matters: `helpline.yaml`.
    pub file: &'static str,
    /// What stands in it; `%%% other.yaml` begins another file.
    pub text: &'static str,
}

impl Explanation {
    /// The explanation of a code.
    pub fn of(code: Code) -> Explanation {
        let page = code.page();
        let (head, rest) = page.split_once('\n').unwrap_or((page, ""));
        let title = head.split_once(": ").map_or(head, |(_, title)| title);
        let (body, read_on) = rest.rsplit_once("\nRead on: ").unwrap_or((rest, ""));
        let text = body.split("\n## ").next().unwrap_or("").trim();
        let example = |heading: &str| {
            let (_, after) = body.split_once(&format!("\n## {heading}\n"))?;
            let (_, fenced) = after.split_once("```yaml")?;
            let (file, text) = fenced.split_once('\n')?;
            let (text, _) = text.split_once("```")?;
            Some(Example { file: file.trim(), text })
        };
        Explanation { title, text, wrong: example("Wrong"), right: example("Right"), read_on: read_on.trim() }
    }
}
