//! `/api/v1/hours`.

use super::*;
use crate::flow::hours::{Hours, Range};
use crate::flow::{Flow, FlowIndex, FlowSet, StepIndex, Switch};

/// `office` never opens, `always` never closes.
pub(super) fn flows() -> Arc<FlowSet> {
    let never = Hours {
        name: "office".into(),
        zone: jiff::tz::TimeZone::UTC,
        week: Default::default(),
        days: Default::default(),
    };
    let always = std::array::from_fn(|_| vec![Range { from: 0, to: 24 * 60 }]);
    let always = Hours { name: "always".into(), week: always, ..never.clone() };
    let main = Flow {
        name: "main".into(),
        languages: vec!["en".into()],
        time_zone: jiff::tz::TimeZone::UTC,
        currency: None,
        start: StepIndex(0),
        always: Default::default(),
        steps: Vec::new(),
    };
    let numbers = [("1000".to_owned(), FlowIndex(0))].into();
    Arc::new(FlowSet { flows: vec![main], numbers, hours: vec![never, always], ..FlowSet::default() })
}

#[test]
fn hours_are_shown() {
    let house = House::furnished();
    let all = house.ask("GET /api/v1/hours").json();
    assert_eq!((&all["items"][0]["open"], &all["items"][1]["open"]), (&false.into(), &true.into()));
    let office = house.ask("GET /api/v1/hours/office").json();
    assert_eq!(office["name"], "office");
    assert!(office["next"].is_null() && office["why"] == "week");
    assert_eq!(house.ask("GET /api/v1/hours/ofice").status, 404);
}

#[test]
fn hours_are_switched() {
    let house = House::furnished();
    let put = |name: &str, body: &str| {
        let request = format!("PUT /api/v1/hours/{name}/state");
        let answer = house.send(&request, &[("Content-Type", "application/json")], body);
        let told = house.commands().pop().map(|command| match command {
            OperatorCommand::SwitchHours { name, switch } => (name.to_string(), switch),
            other => panic!("{other:?}"),
        });
        (answer.status, told)
    };
    let later = "2999-12-24T18:00:00Z";
    let until = Some(Switch { open: true, until: later.parse().expect("a time") });
    for (name, body, status, wanted) in [
        ("office", r#"{"state": "open", "until": "2999-12-24T18:00:00Z"}"#, 204, Some(until)),
        ("office", r#"{"state": "as_written"}"#, 204, Some(None)),
        ("office", r#"{"state": "open", "until": "2020-12-24T18:00:00Z"}"#, 422, None),
        ("office", r#"{"state": "open", "until": "tomorrow"}"#, 422, None),
        ("office", r#"{"state": "ajar"}"#, 422, None),
        ("office", r#"{"state": "open", "from": 3}"#, 422, None),
        ("office", "open", 400, None),
        ("ofice", r#"{"state": "open"}"#, 404, None),
    ] {
        let wanted = wanted.map(|switch| ("office".to_owned(), switch));
        assert_eq!(put(name, body), (status, wanted), "{body}");
    }
    let (status, told) = put("office", r#"{"state": "closed"}"#);
    let Some((_, Some(switch))) = told else { panic!("{told:?}") };
    let ahead = switch.until.duration_since(jiff::Timestamp::now());
    let day = jiff::SignedDuration::from_hours(24);
    assert!(status == 204 && !switch.open && ahead <= day && ahead > -day, "until midnight: {}", switch.until);
}
