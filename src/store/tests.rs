//! What the database promises, in folders of its own.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::pending::Batch;
use super::writer::Writer;
use super::*;
use crate::clock::{Calendar, Moment};
use crate::journal::{self, Outcome, RecordPage, RecordQuery};
use crate::switchboard::{
    KeptAgent, KeptCaller, KeptMode, KeptPhone, KeptPlace, KeptPlaceStage, KeptQueue, KeptSwitch, KeptTransport,
    KeptWish, WallTime,
};
use crate::telephony::CallId;

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(work)
}

fn place(entry: u64) -> KeptPlace {
    KeptPlace {
        entry,
        queue: "support".into(),
        label: u64::MAX - entry,
        priority: 3,
        place_time: WallTime(1_000_000),
        entered: WallTime(2_000_000),
        mode: KeptMode::Callback,
        mode_since: WallTime(3_000_000),
        stage: KeptPlaceStage::Resting(WallTime(4_000_000)),
        skills: vec![("billing".into(), 2)],
        later: vec![(60_000_000, Vec::new())],
        relaxed: 0,
        counted: true,
        position: Some(4),
        announced: None,
        wait: Some((WallTime(2_500_000), 5)),
        first_wait: None,
        tries: 1,
        called_back: false,
        promise: None,
    }
}

fn agent(extension: &str) -> KeptAgent {
    KeptAgent {
        extension: extension.into(),
        presence: KeptWish::Paused("lunch".into()),
        signed_off: false,
        misses: 1,
        rests_until: None,
        idle_since: WallTime(7),
        calls: 12,
        talk: 99,
        state: "paused".into(),
        state_since: WallTime(8),
        spent: BTreeMap::from([("ready".into(), 5)]),
        handling: None,
    }
}

fn queue(name: &str) -> KeptQueue {
    KeptQueue {
        name: name.into(),
        outcomes: BTreeMap::from([("answered".into(), 7)]),
        service: BTreeMap::from([("late".into(), 2)]),
        answered_wait: 5,
        handled: 6,
        talk: 1,
        hold: 2,
        wrap_up: 3,
        last_offered: Some("1001".into()),
        past: vec![(WallTime(300_000_000), 9, 3, 2, 1)],
        last_answered: Some((WallTime(4), 5)),
    }
}

fn phone(port: u16) -> KeptPhone {
    KeptPhone {
        contact: "<sip:ada@192.0.2.7>".to_owned(),
        path: vec!["<sip:edge@192.0.2.9;lr>".to_owned()],
        transport: KeptTransport::Udp,
        local: ([192, 0, 2, 1], 5060).into(),
        remote: ([192, 0, 2, 7], port).into(),
        call_id: "a".to_owned(),
        cseq: 7,
        answers: true,
        expires: WallTime(9),
    }
}

/// The record of call `number`, which began so many seconds after the year 2026 did.
fn record(number: u64, seconds: i64, outcome: Outcome, with: Option<(&str, &str)>) -> Box<CallRecord> {
    let calendar = Calendar::starting_at("2026-01-01T00:00:00Z".parse().expect("a time"));
    let at = Moment::from_millis(seconds.unsigned_abs() * 1_000);
    let mut record = journal::blank_record(CallId(number), at, calendar);
    record.outcome = outcome.label();
    if let Some((queue, agent)) = with {
        record.waits.push(journal::RecordedWait {
            queue: queue.into(),
            entered_seconds: 1.0,
            outcome: Some("answered"),
            wait_seconds: Some(2.0),
        });
        record.conversations.push(journal::RecordedConversation {
            agent: agent.into(),
            queue: Some(queue.into()),
            transferred_by: None,
            waited_seconds: 0.0,
            began_seconds: 0.0,
            talk_seconds: 0.0,
            hold_seconds: 0.0,
            ended_by: None,
        });
    }
    Box::new(record)
}

fn switch(hours: &str, until: i64) -> KeptSwitch {
    KeptSwitch { hours: hours.into(), open: false, until: WallTime(until) }
}

fn caller(label: u64) -> KeptCaller {
    let last_call = WallTime(5);
    KeptCaller { label, last_call, calls: vec![WallTime(3), last_call], last_agent: Some("1001".into()) }
}

fn page(history: &History, query: RecordQuery) -> RecordPage {
    block_on(history.page(query)).expect("it can be read")
}

fn ids(page: &RecordPage) -> Vec<String> {
    let id = |text: &String| {
        serde_json::from_str::<serde_json::Value>(text).expect("JSON")["id"].as_str().expect("text").to_owned()
    };
    page.records.iter().map(id).collect()
}

#[test]
fn what_was_kept_is_there_again_and_what_was_removed_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let opened = Store::open(folder.path(), Retention::default()).expect("it is new");
    let Opened { store, thread, kept, secret, .. } = opened;
    assert_eq!(secret.len(), 32);
    assert_eq!((kept.places.len(), kept.agents.len(), kept.alive), (0, 0, None));
    store.keep(vec![
        Fact::Place { entry: 1, kept: Some(Box::new(place(1))) },
        Fact::Place { entry: 2, kept: Some(Box::new(place(2))) },
        Fact::Agent { extension: "1001".into(), kept: Some(Box::new(agent("1001"))) },
        Fact::Queue { name: "support".into(), kept: Some(Box::new(queue("support"))) },
        Fact::Phones { extension: "1001".into(), kept: vec![phone(1), phone(2)] },
        Fact::Phones { extension: "1002".into(), kept: vec![phone(3)] },
        Fact::Caller { label: u64::MAX, kept: Some(Box::new(caller(u64::MAX))) },
        Fact::Caller { label: 2, kept: Some(Box::new(caller(2))) },
        Fact::Hours { name: "office".into(), kept: Some(switch("office", 9)) },
        Fact::Hours { name: "shop".into(), kept: Some(switch("shop", 9)) },
        Fact::Alive(WallTime(11)),
    ]);
    std::thread::sleep(Duration::from_millis(50));
    store.keep(vec![Fact::Place { entry: 2, kept: None }, Fact::Alive(WallTime(12))]);
    store.keep(vec![Fact::Phones { extension: "1002".into(), kept: Vec::new() }]);
    store.keep(vec![Fact::Caller { label: 2, kept: None }, Fact::Hours { name: "shop".into(), kept: None }]);
    store.keep(vec![Fact::Hours { name: "office".into(), kept: Some(switch("office", 10)) }]);
    drop(thread);
    let Opened { kept: again, secret: same, .. } =
        Store::open(folder.path(), Retention::default()).expect("it is ours");
    assert_eq!(same, secret);
    let expected = Kept {
        seed: kept.seed,
        alive: Some(WallTime(12)),
        places: vec![place(1)],
        agents: vec![agent("1001")],
        queues: vec![queue("support")],
        callers: vec![caller(u64::MAX)],
        phones: vec![("1001".into(), phone(1)), ("1001".into(), phone(2))],
        switches: vec![switch("office", 10)],
    };
    assert_eq!(again, expected);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(folder.path().join(FILE)).expect("it is there").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600, "others could read it");
}

#[test]
fn pages_are_stable_while_calls_come_and_each_call_is_on_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let Opened { store, thread, history, .. } = Store::open(folder.path(), Retention::default()).expect("it is new");
    let outcomes = [Outcome::HungUp, Outcome::Completed, Outcome::HungUp, Outcome::Failed];
    let put = |from: u64, to: u64| {
        for number in from..to {
            // Two each second, and every third with an agent.
            let with = (number % 3 == 0).then_some(("support", if number % 2 == 0 { "1001" } else { "1002" }));
            store.record(record(number, number as i64 / 2, outcomes[number as usize % 4], with));
        }
    };
    put(0, 250);
    drop(thread);
    let Opened { store, thread, .. } = Store::open(folder.path(), Retention::default()).expect("it is ours");
    let mut found = Vec::new();
    let mut query = RecordQuery { limit: 40, ..RecordQuery::default() };
    for round in 0.. {
        let page = page(&history, query.clone());
        found.extend(ids(&page));
        // The next ones come while the pages are turned.
        store.record(record(1_000 + round, 10_000, Outcome::HungUp, None));
        std::thread::sleep(RECORDS_PAUSE / 4);
        let Some(next) = page.next else { break };
        query.before = Some(next);
    }
    let expected: Vec<String> = (0..250).rev().map(|number| format!("c{number}")).collect();
    assert_eq!(found, expected);
    drop(thread);
    let count = |query: RecordQuery| page(&history, RecordQuery { limit: 500, ..query }).records.len();
    let time = |seconds: i64| {
        Some("2026-01-01T00:00:00Z".parse::<Timestamp>().expect("a time") + SignedDuration::from_secs(seconds))
    };
    let all = RecordQuery::default;
    let named = |name: &str| Some(name.to_owned());
    for (query, expected) in [
        (RecordQuery { from: time(10), to: time(20), ..all() }, 20),
        (RecordQuery { to: time(0), ..all() }, 0),
        (RecordQuery { outcome: Some(Outcome::Failed), ..all() }, 62),
        (RecordQuery { outcome: Some(Outcome::Failed), to: time(10), ..all() }, 5),
        (RecordQuery { outcome: Some(Outcome::Completed), ..all() }, 63),
        (RecordQuery { queue: named("support"), ..all() }, 84),
        (RecordQuery { agent: named("1001"), ..all() }, 42),
        (RecordQuery { agent: named("1001"), queue: named("support"), ..all() }, 42),
        (RecordQuery { agent: named("1001"), queue: named("sales"), ..all() }, 0),
        (RecordQuery { agent: named("1002"), outcome: Some(Outcome::Failed), from: time(50), ..all() }, 12),
        (RecordQuery { agent: named("' OR 1=1 --"), ..all() }, 0),
    ] {
        assert_eq!(count(query.clone()), expected, "{query:?}");
    }
}

#[test]
fn a_file_that_is_not_for_us_is_refused_and_left_alone() {
    let check = |spoil: &dyn Fn(&Path), told: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        drop(Store::open(folder.path(), Retention::default()).expect("it is new").thread);
        let file = folder.path().join(FILE);
        spoil(&file);
        let before = fs::read(&file).expect("it is there");
        let refused = Store::open(folder.path(), Retention::default()).err().expect(told).to_string();
        assert!(refused.contains(told) && refused.contains(FILE), "{refused}");
        assert_eq!(fs::read(&file).expect("it is there"), before, "it was changed");
    };
    let run = |file: &Path, statement: &'static str| {
        block_on(async {
            let mut connection = schema::connect(file).await.expect("it opens");
            sqlx::raw_sql(statement).execute(&mut connection).await.expect("it runs");
            sqlx::Connection::close(connection).await.expect("it closes");
        });
    };
    check(&|file| run(file, "PRAGMA user_version = 99"), "written by a newer Helpline");
    check(&|file| run(file, "PRAGMA application_id = 7"), "another program's database");
    check(
        &|file| {
            fs::write(file, "this is a text and no database, however long one looks at it".repeat(100)).expect("ours")
        },
        "damaged",
    );
}

#[test]
fn while_the_disk_is_full_all_waits_and_then_all_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(FILE);
    let spool = Arc::new(Spool::default());
    let writer = Writer::new(file.clone(), Retention::default(), spool.clone());
    let pages_max = writer.pages_max.clone();
    block_on(async {
        let (mut writer, ..) = writer.open().await.expect("it is new");
        pages_max.store(12, Ordering::Relaxed);
        let long = "x".repeat(100_000);
        let mut big = agent("1001");
        big.presence = KeptWish::Paused(long.into());
        spool.keep(vec![Fact::Agent { extension: "1001".into(), kept: Some(Box::new(big.clone())) }]);
        spool.record(record(1, 0, Outcome::Failed, None));
        for tries in 1..4 {
            let (batch, _) = spool.take(Duration::ZERO, Duration::ZERO);
            assert!(!batch.is_empty(), "what could not be written waits");
            assert!(writer.write_or_return(batch).await, "the disk is full");
            assert_eq!(spool.failures(), tries);
            // Calls go on meanwhile; the newest state of each counts.
            spool.record(record(1 + tries, 1, Outcome::HungUp, None));
            spool.keep(vec![Fact::Place { entry: tries, kept: Some(Box::new(place(tries))) }]);
        }
        let small = agent("1001");
        spool.keep(vec![Fact::Agent { extension: "1001".into(), kept: Some(Box::new(small.clone())) }]);
        pages_max.store(0, Ordering::Relaxed);
        let (batch, _) = spool.take(Duration::ZERO, Duration::ZERO);
        assert!(!writer.write_or_return(batch).await, "there is room again");
        assert_eq!(spool.records_lost(), 0);
    });
    let Opened { kept, history, .. } = Store::open(folder.path(), Retention::default()).expect("it is ours");
    assert_eq!((kept.places.len(), &kept.agents[..]), (3, &[agent("1001")][..]));
    assert_eq!(ids(&page(&history, RecordQuery { limit: 9, ..RecordQuery::default() })), ["c4", "c3", "c2", "c1"]);
}

#[test]
fn what_waits_is_bounded_and_the_newest_records_stay() {
    let spool = Spool::default();
    for number in 0..RECORDS_WAITING_MAX as u64 + 5 {
        spool.record(record(number, 0, Outcome::HungUp, None));
    }
    let (batch, _) = spool.take(Duration::ZERO, Duration::ZERO);
    assert_eq!((batch.records.len(), spool.records_lost()), (RECORDS_WAITING_MAX, 5));
    spool.record(record(77, 0, Outcome::HungUp, None));
    spool.put_back(batch);
    let (batch, _): (Batch, bool) = spool.take(Duration::ZERO, Duration::ZERO);
    assert_eq!((batch.records.len(), spool.records_lost()), (RECORDS_WAITING_MAX, 6));
    assert_eq!(batch.records.back().map(|record| record.id.as_str()), Some("c77"));
}

#[test]
fn the_records_of_an_earlier_version_are_taken_over_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = |number| {
        serde_json::to_string(&*record(number, number as i64, Outcome::Failed, Some(("support", "1001"))))
            .expect("JSON")
    };
    fs::write(folder.path().join("records.1.jsonl"), format!("{}\n{}\n", line(1), line(2))).expect("ours");
    fs::write(folder.path().join("records.jsonl"), format!("{}\nhalf a li", line(3))).expect("ours");
    let opened = Store::open(folder.path(), Retention::default()).expect("it is new");
    let query = RecordQuery { limit: 9, agent: Some("1001".into()), ..RecordQuery::default() };
    assert_eq!((opened.imported, ids(&page(&opened.history, query))), (3, vec!["c3".into(), "c2".into(), "c1".into()]));
    drop(opened.thread);
    assert_eq!(Store::open(folder.path(), Retention::default()).expect("it is ours").imported, 0);
    assert!(folder.path().join("records.jsonl.imported").exists());
}

#[test]
fn the_oldest_records_go_by_age_and_by_size() {
    let check = |retention: Retention, left: std::ops::Range<usize>| {
        let folder = tempfile::tempdir().expect("a folder");
        block_on(async {
            let spool = Arc::new(Spool::default());
            let writer = Writer::new(folder.path().join(FILE), retention, spool.clone());
            let (mut writer, ..) = writer.open().await.expect("it is new");
            let now = Timestamp::now();
            for number in 0..3_000_u64 {
                let mut record = record(number, 0, Outcome::HungUp, Some(("support", "1001")));
                record.started = (now - SignedDuration::from_secs(3_000 - number as i64)).to_string();
                spool.record(record);
            }
            let (batch, _) = spool.take(Duration::ZERO, Duration::ZERO);
            assert!(!writer.write_or_return(batch).await);
            while writer.remove_old().await.expect("it can be written") {}
        });
        let history = History::at(folder.path());
        let mut query = RecordQuery { limit: 500, agent: Some("1001".into()), ..RecordQuery::default() };
        let mut found = Vec::new();
        loop {
            let page = page(&history, query.clone());
            found.extend(ids(&page));
            let Some(next) = page.next else { break };
            query.before = Some(next);
        }
        assert!(left.contains(&found.len()), "{} are left", found.len());
        assert_eq!(found.first().map(String::as_str), Some("c2999"), "the newest stay");
    };
    let all = Retention { records: Duration::from_secs(86_400), size_max: u64::MAX };
    check(all, 3_000..3_001);
    check(Retention { records: Duration::from_secs(1_200), ..all }, 1_100..1_201);
    check(Retention { size_max: 1_000_000, ..all }, 100..2_001);
}

#[test]
fn who_was_cut_off_is_on_record_and_who_goes_on_is_shown_to_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || Store::open(folder.path(), Retention::default()).expect("it is ours");
    let Opened { store, thread, history, cut_off, .. } = open();
    assert_eq!(cut_off, 0);
    let talks = || {
        let mut record = record(1, 0, Outcome::Failed, Some(("support", "1001")));
        record.duration_seconds = 10.0;
        record.conversations[0].began_seconds = 4.0;
        record
    };
    // Another is over before it was written that it goes on, and one after.
    store.so_far(vec![*talks(), *record(2, 1, Outcome::Failed, None), *record(3, 2, Outcome::Failed, None)]);
    store.record(record(2, 1, Outcome::HungUp, None));
    std::thread::sleep(2 * RECORDS_PAUSE);
    store.record(record(3, 2, Outcome::Completed, Some(("support", "1002"))));
    store.keep(vec![Fact::Alive(WallTime(1_767_225_600_000_000 + 12_000_000))]);
    drop(thread);
    let all = || RecordQuery { limit: 9, ..RecordQuery::default() };
    assert_eq!(ids(&page(&history, all())), ["c3", "c2"]);

    let Opened { thread, cut_off, .. } = open();
    assert_eq!(cut_off, 1);
    assert_eq!(ids(&page(&history, all())), ["c3", "c2", "c1"]);
    let query = RecordQuery { agent: Some("1001".into()), queue: Some("support".into()), ..all() };
    let found = page(&history, query).records;
    let record: serde_json::Value = serde_json::from_str(&found[0]).expect("JSON");
    for (pointer, expected) in [
        ("/outcome", serde_json::json!("failed")),
        ("/cause", serde_json::json!(journal::PROCESS_LOST)),
        // The process lived two seconds longer than was written of the call.
        ("/duration_seconds", serde_json::json!(12.0)),
        ("/conversations/0/talk_seconds", serde_json::json!(8.0)),
        ("/conversations/0/ended_by", serde_json::json!("broken")),
    ] {
        assert_eq!(record.pointer(pointer), Some(&expected), "{pointer} of {record}");
    }
    drop(thread);
    assert_eq!(open().cut_off, 0, "once is enough");
}

#[test]
fn a_call_that_is_over_does_not_go_on_whatever_the_disk_does() {
    let spool = Spool::default();
    spool.so_far(vec![*record(1, 0, Outcome::Failed, None), *record(2, 0, Outcome::Failed, None)]);
    let (batch, _) = spool.take(Duration::ZERO, Duration::ZERO);
    assert_eq!(batch.so_far.len(), 2);
    spool.record(record(1, 0, Outcome::HungUp, None));
    spool.put_back(batch);
    let (batch, _) = spool.take(Duration::ZERO, Duration::ZERO);
    assert_eq!((batch.records.len(), batch.so_far.into_keys().collect::<Vec<_>>()), (1, vec!["c2".to_owned()]));
}
