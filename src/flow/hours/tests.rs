use super::*;

type Times<'a> = &'a [(u16, u16)];

fn hours(zone: &str, week: &[(usize, Times<'_>)], days: &[(&str, bool, Times<'_>)]) -> Hours {
    let ranges = |ranges: &[(u16, u16)]| ranges.iter().map(|(from, to)| Range { from: *from, to: *to }).collect();
    let mut hours = Hours {
        name: "office".into(),
        zone: TimeZone::get(zone).expect("a zone"),
        week: Default::default(),
        days: BTreeMap::new(),
    };
    for (day, times) in week {
        hours.week[*day] = ranges(times);
    }
    for (date, holiday, times) in days {
        let day = OtherDay { holiday: *holiday, ranges: ranges(times) };
        hours.days.insert(date.parse().expect("a date"), day);
    }
    hours
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// Open or closed at a moment, and when that changes.
fn check(hours: &Hours, when: &str, open: bool, next: Option<&str>) {
    let standing = hours.standing(at(when), None);
    assert_eq!((standing.open, standing.next), (open, next.map(at)), "{when}");
}

const WORK: (u16, u16) = (9 * 60, 17 * 60 + 30);

#[test]
fn a_week_opens_and_closes() {
    let weekdays: Vec<(usize, &[(u16, u16)])> = (0..5).map(|day| (day, &[WORK][..])).collect();
    let hours = hours("Europe/London", &weekdays, &[("2026-12-25", true, &[])]);
    check(&hours, "2026-12-18T08:59:59Z", false, Some("2026-12-18T09:00:00Z"));
    check(&hours, "2026-12-18T09:00:00Z", true, Some("2026-12-18T17:30:00Z"));
    check(&hours, "2026-12-18T17:29:59Z", true, Some("2026-12-18T17:30:00Z"));
    check(&hours, "2026-12-18T17:30:00Z", false, Some("2026-12-21T09:00:00Z"));
    // Christmas, and the weekend after it.
    check(&hours, "2026-12-25T10:00:00Z", false, Some("2026-12-28T09:00:00Z"));
    assert_eq!(hours.standing(at("2026-12-25T10:00:00Z"), None).why, Why::Holiday("2026-12-25".parse().unwrap()));
    // In summer an hour earlier by UTC.
    check(&hours, "2026-07-01T08:00:00Z", true, Some("2026-07-01T16:30:00Z"));
}

#[test]
fn several_ranges_and_nights() {
    let split = hours("UTC", &[(0, &[(540, 720), (780, 1020)])], &[]);
    check(&split, "2026-11-23T12:30:00Z", false, Some("2026-11-23T13:00:00Z"));
    check(&split, "2026-11-23T11:30:00Z", true, Some("2026-11-23T12:00:00Z"));
    // Friday from ten at night to six on Saturday.
    let night = hours("UTC", &[(4, &[(22 * 60, 30 * 60)])], &[("2026-11-28", true, &[])]);
    check(&night, "2026-11-28T05:59:00Z", true, Some("2026-11-28T06:00:00Z"));
    check(&night, "2026-11-28T06:00:00Z", false, Some("2026-12-04T22:00:00Z"));
    // A holiday takes the ranges that begin on it, and leaves the end of the night before.
    assert_eq!(night.standing(at("2026-11-28T05:00:00Z"), None).why, Why::Week);
    // What touches goes on.
    let always: Vec<(usize, &[(u16, u16)])> = (0..7).map(|day| (day, &[(0, DAY)][..])).collect();
    check(&hours("UTC", &always, &[]), "2026-11-28T23:59:59Z", true, None);
    check(&hours("UTC", &[], &[]), "2026-11-28T23:59:59Z", false, None);
}

#[test]
fn clock_changes() {
    let night: Vec<(usize, &[(u16, u16)])> = (0..7).map(|day| (day, &[(90, 240)][..])).collect();
    let hours = hours("Europe/London", &night, &[]);
    // 2027-03-28: 01:00 becomes 02:00, and 01:30 is the moment that would have been.
    check(&hours, "2027-03-28T01:29:00Z", false, Some("2027-03-28T01:30:00Z"));
    check(&hours, "2027-03-28T01:30:00Z", true, Some("2027-03-28T03:00:00Z"));
    // 2026-10-25: 02:00 becomes 01:00, and of the two 01:30 the first is meant.
    check(&hours, "2026-10-25T00:29:00Z", false, Some("2026-10-25T00:30:00Z"));
    check(&hours, "2026-10-25T00:30:00Z", true, Some("2026-10-25T04:00:00Z"));
    let sunday = "2027-03-28".parse().unwrap();
    assert!(hours.is_odd(sunday, 90) && !hours.is_odd(sunday, 240));
}

#[test]
fn a_switch_stands_until_its_end() {
    let weekdays: Vec<(usize, &[(u16, u16)])> = (0..5).map(|day| (day, &[WORK][..])).collect();
    let hours = hours("UTC", &weekdays, &[]);
    let standing = |when: &str, open, until: &str| {
        let standing = hours.standing(at(when), Some(Switch { open, until: at(until) }));
        (standing.open, standing.why, standing.next)
    };
    let friday = "2026-12-18T10:00:00Z";
    let midnight = "2026-12-19T00:00:00Z";
    assert_eq!(hours.end_of_day(at(friday)), at(midnight));
    // Closed today: it stays so over the weekend.
    assert_eq!(standing(friday, false, midnight), (false, Why::Switched, Some(at("2026-12-21T09:00:00Z"))));
    // Open for longer.
    assert_eq!(standing("2026-12-18T18:00:00Z", true, midnight), (true, Why::Switched, Some(at(midnight))));
    assert_eq!(standing("2026-12-19T18:00:00Z", true, midnight), (false, Why::Week, Some(at("2026-12-21T09:00:00Z"))));
}

#[test]
fn what_is_told_as_next_is_the_next_change() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7_u64);
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for zone in ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca"] {
        let mut made = hours(zone, &[], &[]);
        for day in &mut made.week {
            let mut from = random.u16(0..400);
            while from < 1_300 && random.u8(..) < 200 {
                let to = from + random.u16(1..300);
                day.push(Range { from, to: to.min(DAY) });
                from = to + random.u16(1..300);
            }
        }
        let mut now = at("2026-03-01T00:00:00Z");
        for _ in 0..2_000 {
            let standing = made.standing(now, None);
            let Some(next) = standing.next else { break };
            assert!(next > now, "{zone} at {now}");
            assert_eq!(made.standing(next, None).open, !standing.open, "{zone} at {now}, then {next}");
            let almost = next - jiff::SignedDuration::from_secs(1);
            assert_eq!(made.standing(almost, None).open, standing.open, "{zone} at {now}, just before {next}");
            now = next;
        }
    }
}
