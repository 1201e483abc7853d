//! Numbers are read back by slow readers that know nothing of the rules: whatever is said gives the number again.

use super::*;

/// What a word adds, or by how much it multiplies what was said before it.
enum Word {
    Adds(u64),
    Hundred,
    /// Of the words since the last of its kind.
    Times(u64),
    /// Of all words so far, as the Spanish millions.
    TimesAll(u64),
    Nothing,
}

const UNITS: [(&str, &str); 3] = [
    (
        "en",
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen \
         seventeen eighteen nineteen",
    ),
    (
        "es",
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete \
         dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete \
         veintiocho veintinueve",
    ),
    ("de", "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf"),
];
const TENS: [(&str, &str); 3] = [
    ("en", "ten twenty thirty forty fifty sixty seventy eighty ninety"),
    ("es", "diez veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa"),
    ("de", "zehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"),
];

fn place(lists: [(&str, &str); 3], language: &str, word: &str) -> Option<u64> {
    let (_, list) = lists.iter().find(|(tag, _)| *tag == language)?;
    list.split(' ').position(|other| other == word).and_then(|place| u64::try_from(place).ok())
}

fn meaning(language: &str, word: &str) -> Word {
    if let Some(unit) = place(UNITS, language, word) {
        return Word::Adds(unit);
    }
    if let Some(tens) = place(TENS, language, word) {
        return Word::Adds((tens + 1) * 10);
    }
    const HUNDREDS: [&str; 8] =
        ["doscient", "trescient", "cuatrocient", "quinient", "seiscient", "setecient", "ochocient", "novecient"];
    let hundreds = |word: &str| {
        let stem = word.strip_suffix("os").or(word.strip_suffix("as"))?;
        Some((HUNDREDS.iter().position(|other| *other == stem)? as u64 + 2) * 100)
    };
    match (language, word) {
        ("en", "and") | ("es", "y") | ("de", "und") => Word::Nothing,
        ("en", "hundred") | ("de", "hundert") => Word::Hundred,
        ("en", "thousand") | ("es", "mil") | ("de", "tausend") => Word::Times(1_000),
        ("en", "million") | ("de", "Million" | "Millionen") => Word::Times(1_000_000),
        ("en", "billion") | ("de", "Milliarde" | "Milliarden") => Word::Times(1_000_000_000),
        ("es", "millón" | "millones") => Word::TimesAll(1_000_000),
        ("es", "un" | "una") | ("de", "ein" | "eine") => Word::Adds(1),
        ("es", "veintiún" | "veintiuna") => Word::Adds(21),
        ("es", "cien" | "ciento") => Word::Adds(100),
        ("de", "sech") => Word::Adds(6),
        ("de", "sieb") => Word::Adds(7),
        ("es", word) => Word::Adds(hundreds(word).unwrap_or_else(|| panic!("{word} is no number"))),
        (_, word) => panic!("{word} is no number"),
    }
}

/// The whole number that these words say.
pub(super) fn number(language: &str, text: &str) -> u64 {
    let (mut total, mut thousands, mut group) = (0, 0, 0);
    for word in text.split([' ', '-']) {
        match meaning(language, word) {
            Word::Adds(more) => group += more,
            Word::Hundred => group *= 100,
            Word::Times(size) => {
                thousands += group.max(1) * size;
                group = 0;
            }
            Word::TimesAll(size) => {
                total += (thousands + group) * size;
                (thousands, group) = (0, 0);
            }
            Word::Nothing => {}
        }
    }
    total + thousands + group
}

/// `EVERY=1` takes every number up to 9,999,999, which takes minutes.
#[test]
fn every_number_is_understood() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    println!("SEED={seed}");
    let every = std::env::var_os("EVERY").is_some();
    let mut languages = with_german();
    let feminine = SpokenAs::Ruled(languages.name_rules("feminine"));
    let masculine = SpokenAs::Ruled(languages.name_rules("masculine"));
    let plain = SpokenAs::Number;
    for (language, format) in [("en", plain), ("es", plain), ("es", feminine), ("es", masculine), ("de", plain)] {
        let texts: std::collections::BTreeMap<String, String> = languages.phrases(language).into_iter().collect();
        let zone = TimeZone::UTC;
        let setting = setting(&zone);
        let check = |number: u64| {
            let phrases = languages.speak(language, &Value::Text(number.to_string()), format, &setting);
            let phrases = phrases.unwrap_or_else(|| panic!("{number} cannot be said in {language}"));
            let said: Vec<&str> = phrases.names().map(|name| texts[&format!("phrases/{name}")].as_str()).collect();
            let said = said.join(" ");
            assert_eq!(super::understood::number(language, &said), number, "{said}");
        };
        let mut random = fastrand::Rng::with_seed(seed);
        let sampled = (0..4_000).map(|place| random.u64(0..=[1_000_000, 9_999_999][place % 2]));
        let large = (0..12).flat_map(|power| [10_u64.pow(power) - 1, 10_u64.pow(power), LARGEST]);
        let edges: Vec<u64> = (1..10).flat_map(|digit| [digit * 1_000_000, digit * 100_000 + digit]).collect();
        (0..if every { 10_000_000 } else { 2_000 }).chain(sampled).chain(large).chain(edges).for_each(check);
    }
}
