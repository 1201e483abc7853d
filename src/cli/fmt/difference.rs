//! What would change in a file, line by line.

use std::fmt::Write;

/// Lines of a difference that are shown.
const SHOWN: usize = 60;
/// Lines around a change.
const AROUND: usize = 2;
/// Pairs of lines that are compared, at most; beyond that the whole middle counts as changed.
const PAIRS_MAX: usize = 4_000_000;

#[derive(Clone, Copy, PartialEq)]
enum Act<'a> {
    Keep(&'a str),
    Remove(&'a str),
    Add(&'a str),
}

/// The lines that would go and those that would come, as `diff -u` has them; nothing where there are none.
pub(super) fn told(file: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let acts = acts(&old, &new);
    let mut text = format!("--- {file}\n+++ {file}, in its canonical form\n");
    let near: Vec<bool> = {
        let changed: Vec<bool> = acts.iter().map(|act| !matches!(act, Act::Keep(_))).collect();
        (0..acts.len())
            .map(|at| {
                changed[at.saturating_sub(AROUND)..(at + AROUND + 1).min(acts.len())].iter().any(|changed| *changed)
            })
            .collect()
    };
    if !near.contains(&true) {
        text.push_str("only the ends of lines differ\n");
        return text;
    }
    let (mut line, mut shown, mut gap) = (1, 0, true);
    let left_out = near.iter().filter(|near| **near).count().saturating_sub(SHOWN);
    for (act, near) in acts.iter().zip(&near) {
        if *near && shown < SHOWN {
            if std::mem::take(&mut gap) {
                let _ = writeln!(text, "@@ line {line} @@");
            }
            let _ = match act {
                Act::Keep(kept) => writeln!(text, " {kept}"),
                Act::Remove(removed) => writeln!(text, "-{removed}"),
                Act::Add(added) => writeln!(text, "+{added}"),
            };
            shown += 1;
        }
        gap |= !near;
        line += usize::from(!matches!(act, Act::Add(_)));
    }
    if left_out > 0 {
        let _ = writeln!(text, "... and {left_out} more lines");
    }
    text
}

/// The longest common subsequence, between what is the same at both ends.
fn acts<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Act<'a>> {
    let first = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let last = old[first..].iter().rev().zip(new[first..].iter().rev()).take_while(|(old, new)| old == new).count();
    let (middle, others) = (&old[first..old.len() - last], &new[first..new.len() - last]);
    let mut acts: Vec<Act<'a>> = old[..first].iter().map(|line| Act::Keep(line)).collect();
    if middle.len().saturating_mul(others.len()) > PAIRS_MAX {
        acts.extend(middle.iter().map(|line| Act::Remove(line)));
        acts.extend(others.iter().map(|line| Act::Add(line)));
    } else {
        let width = others.len() + 1;
        let mut common = vec![0_u32; (middle.len() + 1) * width];
        for (a, one) in middle.iter().enumerate().rev() {
            for (b, other) in others.iter().enumerate().rev() {
                common[a * width + b] = match one == other {
                    true => common[(a + 1) * width + b + 1] + 1,
                    false => common[(a + 1) * width + b].max(common[a * width + b + 1]),
                };
            }
        }
        let (mut a, mut b) = (0, 0);
        while a < middle.len() || b < others.len() {
            if a < middle.len() && b < others.len() && middle[a] == others[b] {
                acts.push(Act::Keep(middle[a]));
                (a, b) = (a + 1, b + 1);
            } else if b == others.len() || a < middle.len() && common[(a + 1) * width + b] >= common[a * width + b + 1]
            {
                acts.push(Act::Remove(middle[a]));
                a += 1;
            } else {
                acts.push(Act::Add(others[b]));
                b += 1;
            }
        }
    }
    acts.extend(old[old.len() - last..].iter().map(|line| Act::Keep(line)));
    acts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_differ_are_told() {
        let before = "a\nb\nc\nd\ne\nf\ng\n";
        let after = "a\nb\nc\nD\ne\nf\ng\n";
        let expected = "--- x.yaml\n+++ x.yaml, in its canonical form\n@@ line 2 @@\n b\n c\n-d\n+D\n e\n f\n";
        assert_eq!(told("x.yaml", before, after), expected);
        assert_eq!(told("x.yaml", before, before), "");
        assert!(told("x.yaml", "a\r\n", "a\n").ends_with("only the ends of lines differ\n"));
        let long: String = (0..100).map(|line| format!("{line}\n")).collect();
        assert!(told("x.yaml", &long, "").ends_with("... and 40 more lines\n"));
    }
}
