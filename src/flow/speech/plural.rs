//! Plural categories of whole numbers, by the rules of CLDR as they are written there (Unicode Technical Standard 35, part 3,
//! "Language Plural Rules").

/// The categories, in CLDR's order; the last is what no rule takes.
pub(in crate::flow) const CATEGORIES: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];
/// The place of `other`.
pub(super) const OTHER: usize = 5;

/// The rules of a language: at most one for each category but `other`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::flow) struct Plurals {
    rules: [Option<Rule>; OTHER],
}

/// Any of these, of which each is all of these.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::flow) struct Rule(Vec<Vec<Relation>>);

#[derive(Clone, Debug, PartialEq)]
struct Relation {
    /// Of a whole number the operands `n` and `i` are the number, and all others are 0.
    whole: bool,
    modulus: Option<u64>,
    equal: bool,
    ranges: Vec<(u64, u64)>,
}

impl Plurals {
    /// Gives a category, one of [`CATEGORIES`] but the last, its rule.
    pub(in crate::flow) fn set(&mut self, category: usize, rule: Rule) {
        self.rules[category] = Some(rule);
    }

    /// The category of a whole number.
    pub(super) fn category(&self, number: u64) -> usize {
        self.rules.iter().position(|rule| rule.as_ref().is_some_and(|rule| rule.holds(number))).unwrap_or(OTHER)
    }

    /// The categories that numbers can have.
    pub(in crate::flow) fn used(&self) -> impl Iterator<Item = usize> {
        let rules = self.rules.iter().enumerate().filter(|(_, rule)| rule.is_some());
        rules.map(|(category, _)| category).chain([OTHER])
    }
}

impl Rule {
    /// Reads a rule such as `i = 1 and v = 0`; what CLDR writes behind `@` are examples. Nothing: it is none.
    pub(in crate::flow) fn parse(text: &str) -> Option<Rule> {
        let rule = text.split('@').next().unwrap_or_default();
        let all = |alternative: &str| alternative.split(" and ").map(relation).collect::<Option<Vec<_>>>();
        rule.split(" or ").map(all).collect::<Option<Vec<_>>>().map(Rule)
    }

    fn holds(&self, number: u64) -> bool {
        self.0.iter().any(|all| all.iter().all(|relation| relation.holds(number)))
    }
}

impl Relation {
    fn holds(&self, number: u64) -> bool {
        let operand = if self.whole { number } else { 0 };
        let operand = self.modulus.map_or(operand, |modulus| operand % modulus);
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&operand)) == self.equal
    }
}

fn relation(text: &str) -> Option<Relation> {
    let (expression, equal, list) = match text.split_once("!=") {
        Some((expression, list)) => (expression, false, list),
        None => text.split_once('=').map(|(expression, list)| (expression, true, list))?,
    };
    let (operand, modulus) = match expression.split_once('%') {
        Some((operand, modulus)) => (operand, Some(modulus.trim().parse().ok().filter(|modulus| *modulus > 0)?)),
        None => (expression, None),
    };
    let whole = match operand.trim() {
        "n" | "i" => true,
        "v" | "w" | "f" | "t" | "c" | "e" => false,
        _ => return None,
    };
    let range = |text: &str| {
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        Some((low.trim().parse().ok()?, high.trim().parse().ok()?))
    };
    Some(Relation { whole, modulus, equal, ranges: list.split(',').map(range).collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The categories of `numbers` by these rules, as CLDR's own examples give them.
    fn check(rules: &[(&str, &str)], cases: &[(&[u64], &str)]) {
        let mut plurals = Plurals::default();
        for (category, rule) in rules {
            let place = CATEGORIES.iter().position(|name| name == category).expect("a category");
            plurals.set(place, Rule::parse(rule).unwrap_or_else(|| panic!("{rule} is no rule")));
        }
        for (numbers, category) in cases {
            for number in *numbers {
                assert_eq!(CATEGORIES[plurals.category(*number)], *category, "{number}");
            }
        }
    }

    #[test]
    fn numbers_have_the_categories_of_cldr() {
        check(&[("one", "i = 1 and v = 0 @integer 1")], &[(&[1], "one"), (&[0, 2, 21, 1000], "other")]);
        check(
            &[("one", "n = 1"), ("many", "e = 0 and i != 0 and i % 1000000 = 0 and v = 0 or e != 0..5")],
            &[(&[1], "one"), (&[1_000_000, 5_000_000], "many"), (&[0, 2, 21, 1_000_001], "other")],
        );
        // Polish.
        check(
            &[
                ("one", "i = 1 and v = 0"),
                ("few", "v = 0 and i % 10 = 2..4 and i % 100 != 12..14"),
                ("many", "v = 0 and i != 1 and i % 10 = 0..1 or v = 0 and i % 10 = 5..9 or v = 0 and i % 100 = 12..14"),
            ],
            &[(&[1], "one"), (&[2, 3, 4, 22, 104], "few"), (&[0, 5, 11, 12, 14, 21, 112], "many")],
        );
        // Arabic.
        check(
            &[("zero", "n = 0"), ("two", "n = 2"), ("few", "n % 100 = 3..10"), ("many", "n % 100 = 11..99")],
            &[(&[0], "zero"), (&[2], "two"), (&[3, 10, 103], "few"), (&[11, 99], "many"), (&[100, 102], "other")],
        );
        check(&[("one", "n % 10 = 1,3")], &[(&[1, 3, 11], "one"), (&[2], "other")]);
    }

    #[test]
    fn what_is_no_rule_is_none() {
        for wrong in ["", "n", "x = 1", "n = ", "n = a", "n % 0 = 1", "n = 1 and", "n within 1..2"] {
            assert_eq!(Rule::parse(wrong), None, "{wrong}");
        }
    }
}
