//! Whether words that somebody writes are those that a caller hears: `you are number 5` is "You are number five in line".

use super::house::House;
use crate::flow::{PromptId, speech};

/// The words of a text as they are compared: small letters and digits, nothing else.
pub(super) fn words(text: &str) -> Vec<String> {
    crate::flow::document::call_tests::words(text)
}

/// A word that is to be heard, in all the ways in which it can be said.
struct Wanted(Vec<Vec<String>>);

/// The words that were heard, each with what it belongs to.
#[derive(Default)]
pub(super) struct Transcript {
    words: Vec<String>,
    of: Vec<usize>,
}

impl Transcript {
    /// Adds what was said; `of` names it.
    pub(super) fn add(&mut self, house: &House, of: usize, prompts: &[PromptId]) {
        for prompt in prompts {
            let said = words(&house.flows().prompt(*prompt).text);
            self.of.extend(said.iter().map(|_| of));
            self.words.extend(said);
        }
    }

    /// What the last of `text`'s words belongs to, where they are heard one after another; the first such place.
    pub(super) fn find(&self, house: &House, language: &str, text: &str) -> Option<usize> {
        let wanted: Vec<Wanted> = words(text).into_iter().map(|word| said_as(house, language, word)).collect();
        (0..self.words.len()).find_map(|start| {
            let end = ends(&self.words[start..], &wanted)?;
            self.of.get(start + end.checked_sub(1)?).copied()
        })
    }
}

/// How many words of `heard` say all that is wanted, from its beginning.
fn ends(heard: &[String], wanted: &[Wanted]) -> Option<usize> {
    let Some((first, rest)) = wanted.split_first() else { return Some(0) };
    first.0.iter().find_map(|said| {
        heard.starts_with(said).then(|| ends(&heard[said.len()..], rest).map(|end| said.len() + end))?
    })
}

/// A number is heard as such, or digit by digit.
fn said_as(house: &House, language: &str, word: String) -> Wanted {
    let mut ways = vec![vec![word.clone()]];
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        let text_of = |name: &String| {
            let prompt = house.flows().find_prompt(&language.into(), name)?;
            Some(words(&house.flows().prompt(prompt).text))
        };
        let names = [house.flows().languages.number_in(language, &word), Some(speech::digits_of(&word))];
        let ways_of =
            names.into_iter().flatten().filter_map(|names| names.iter().map(text_of).collect::<Option<Vec<_>>>());
        ways.extend(ways_of.map(|said| said.concat()).filter(|said| !said.is_empty()));
    }
    Wanted(ways)
}
