use super::*;

fn lookup(name: &str) -> Option<Value> {
    match name {
        "tier" => Some(Value::Text("gold".into())),
        "blank" => Some(Value::Text(String::new())),
        "pin" => Some(Value::Secret("1234".into())),
        "total" => Some(Value::Number { units: 2450, places: 2 }),
        "count" => Some(Value::Number { units: 3, places: 0 }),
        "vip" => Some(Value::Truth(true)),
        "caller.number" => Some(Value::Text("+442079460000".into())),
        "now" => Some(Value::Time(jiff::Timestamp::UNIX_EPOCH)),
        "today" => Some(Value::Date(jiff::civil::date(2026, 12, 18))),
        "sum" => Some(Value::Money { units: 2450, places: 2, currency: Some(crate::flow::Currency::Eur) }),
        "owed" => Some(Value::Money { units: 24, places: 0, currency: Some(crate::flow::Currency::Gbp) }),
        "queue.first-line.waiting" => Some(Value::Number { units: 5, places: 0 }),
        _ => None,
    }
}

#[test]
fn conditions_hold_or_not() {
    let check = |text: &str, expected: bool| {
        let condition = Condition::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
        assert_eq!(condition.evaluate(&lookup), expected, "{text}");
    };
    check("tier is 'gold'", true);
    check("tier == \"gold\"", true);
    check("tier is not 'gold'", false);
    check("tier != 'silver'", true);
    check("total >= 24.5", true);
    check("total > 24.5", false);
    check("total < 100 and count == 3.000", true);
    check("count <= -3", false);
    check("vip", true);
    check("not vip", false);
    check("vip is true", true);
    check("not (vip and tier is 'silver')", true);
    check("tier is 'silver' or vip and count is 3", true);
    check("(tier is 'silver' or vip) and count is 4", false);
    check("tier in ['silver', 'gold']", true);
    check("tier not in ['silver', 'gold']", false);
    check("tier in []", false);
    check("caller.number starts with '+44'", true);
    check("blank is empty", true);
    check("missing is empty", true);
    check("tier is empty", false);
    check("tier is not empty", true);
    check("pin is '1234'", true);
    check("now == now", true);
    check("today is 2026-12-18 and today < 2026-12-24", true);
    check("today in [2026-12-24, 2026-12-25]", false);
    check("sum > 24 and sum == 24.5", true);
    check("sum > owed", false); // of different currencies
    check("queue.first-line.waiting > 4", true);
    check("tier is known and missing is unknown", true);
    check("missing is not unknown", false);
    check("tier is not known or missing is known", false);
    check("pin is known", true);
    // Unlike things, and things that are not set, are neither equal nor unequal.
    check("tier == 3", false);
    check("tier != 3", false);
    check("missing != 'x'", false);
    check("missing", false);
    check("tier", false);
    check("tier < 3", false);
    check("count starts with '3'", false);
}

#[test]
fn numbers_of_any_size_compare() {
    let most = Value::Number { units: i64::MAX, places: 0 };
    let least = Value::Number { units: 1, places: 9 };
    let huge = Value::Number { units: i64::MIN, places: 255 };
    assert_eq!(order(Some(most.clone()), Some(least.clone())), Some(Ordering::Greater));
    assert!(order(Some(huge), Some(least)).is_some());
    assert_eq!(order(Some(most.clone()), Some(most)), Some(Ordering::Equal));
}

#[test]
fn faults_name_the_place() {
    let check = |text: &str, place: &str, message: &str| {
        let fault = Condition::parse(text).expect_err(text);
        assert_eq!((&text[fault.range.clone()], fault.message.as_str()), (place, message), "{text}");
    };
    check("tier = 'gold'", "=", "`=` means nothing here");
    check("tier is 'gold", "'gold", "this text is never closed");
    check("tier is", "is", "the condition ends where a value was expected");
    check("(vip", "vip", "the condition ends where a `)` was expected");
    check("vip vip", "vip", "`vip` stands where `and`, `or` or the end of the condition was expected");
    check("order == 08", "08", "`08` is not a number");
    check("a ~ b", "~", "`~` means nothing in a condition");
    check("tier in 'gold'", "'gold'", "`'gold'` stands where a list such as `['1', '2']` was expected");
    check("tier in ['a' 'b']", "'b'", "`'b'` stands where a `,` or a `]` was expected");
    check("vip && vip", "&&", "`&&` means nothing here");
    check("größe is 1", "ö", "`ö` means nothing in a condition");
    check("   ", "   ", "this condition is empty");
    check(&"not ".repeat(40), "not", "a condition is at most 32 deep");
    assert!(Condition::parse(&"a".repeat(MAX_LENGTH + 1)).is_err());
}

#[test]
fn unlike_things_are_told() {
    let check = |text: &str, expected: &[(&str, &str)]| {
        let condition = Condition::parse(text).expect(text);
        let kinds = |name: &str| lookup(name).map(|value| Kinds::of(&value));
        let faults = condition.unlike(&kinds);
        let found: Vec<(&str, &str)> =
            faults.iter().map(|fault| (&text[fault.range.clone()], fault.message.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    };
    check("tier is 'gold' and total > 3 and vip", &[]);
    check("unknown > 3 or unknown is 'x'", &[]);
    check("tier == 3", &[("3", "a text is compared with a number")]);
    check(
        "tier > 'a'",
        &[
            ("tier", "only numbers, days and times are more or less than others"),
            ("'a'", "only numbers, days and times are more or less than others"),
        ],
    );
    check("now > 3", &[("3", "a time is compared with a number")]);
    check("tier", &[("tier", "only what is true or false can stand alone")]);
    check("count starts with '3'", &[("count", "only a text starts with something")]);
    check("vip is empty", &[("vip", "only a text can be empty")]);
    check("today is '2026-12-18'", &[("'2026-12-18'", "a day is compared with a text")]);
    check("now > today", &[("today", "a time is compared with a day")]);
    check("today is known and total is unknown", &[]);
    check("tier in ['a', 2]", &[("2", "a text is compared with a number")]);
}
