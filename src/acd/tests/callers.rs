//! What callers meet: their place, what they hear, and how they leave.

use super::*;

fn one_agent() -> QueueSettings {
    queue(&[(1, 0)])
}

#[test]
fn the_place_is_spoken_and_only_improves() {
    // Section 3: first after 20 s, repeated 60 s after the end, at once on improvement but 20 s apart.
    check(
        settings(vec![one_agent()]),
        "0 up 1
         1 enter 1
         2 enter 2
         3 enter 3
         4 accept 1
         4 bridge 1
         23 wait
         27 heard 2
         27.5 heard 3
         30 abandon 2
         50 wait
         53 heard 3
         113.5 heard 3
         200 wait",
        "1 offer e1 to a1
         4 connect e1 to a1
         4 e1 ended: answered
         22 e2 hears: you are next
         23 e3 hears: you are number 2 in line
         30 e2 ended: abandoned
         47.5 e3 hears: you are next
         113 e3 hears: you are next
         173.5 e3 hears: you are next",
    );
}

#[test]
fn a_place_that_got_worse_is_not_spoken() {
    // Section 3.5: a caller of higher priority has come between.
    check(
        settings(vec![one_agent()]),
        "0 enter 1
         20 wait
         25 heard 1
         30 enter 2 priority 3
         50 wait
         54 heard 2
         86 heard 1
         100 abandon 2
         147 wait",
        "20 e1 hears: you are next
         50 e2 hears: you are next
         85 e1 hears: thank you for waiting
         100 e2 ended: abandoned
         146 e1 hears: you are next",
    );
}

#[test]
fn beyond_ten_all_places_sound_the_same() {
    let mut script: String = (1..=13).map(|entry| format!("0 enter {entry}\n")).collect();
    script.push_str("21 wait\n");
    script.extend((1..=13).map(|entry| format!("22 heard {entry}\n")));
    // One goes: number 13 is number 12 and hears nothing of it, number 11 is number 10.
    script.push_str("23 abandon 5\n45 wait\n");
    let mut scene = Scene::new(settings(vec![one_agent()]));
    let told = scene.play(&script);
    for (entry, words) in [(1, "you are next"), (10, "you are number 10 in line")] {
        assert!(told.contains(&format!("20 e{entry} hears: {words}\n")), "{told}");
    }
    assert!(told.contains("20 e11 hears: there are more than ten callers ahead of you\n"), "{told}");
    let later: Vec<&str> = told.lines().filter(|line| line.starts_with("42 ")).collect();
    let expected: Vec<String> =
        (6..=11).map(|entry| format!("42 e{entry} hears: you are number {} in line", entry - 1)).collect();
    assert_eq!(later, expected);
}

#[test]
fn nothing_is_announced_while_an_agent_rings_or_in_the_menu() {
    check(
        settings(vec![two_agents()]),
        "0 enter 1
         10 up 1
         25 busy 1
         28 heard 1
         29 menu 1
         120 music 1
         121 abandon 1",
        "10 offer e1 to a1
         25 e1 hears: you are next
         30 offer e1 to a1
         50 withdraw from a1
         120 e1 hears: you are next
         121 e1 ended: abandoned",
    );
}

#[test]
fn priority_place_time_and_number_order_the_line() {
    let scene = check(
        settings(vec![one_agent()]),
        "5 enter 1
         5 enter 2
         6 enter 3 since 4
         7 enter 4 priority 1
         8 enter 5 since 9",
        "",
    );
    let places: Vec<u64> = scene.distributor.places(scene.now, QueueId(0)).map(|place| place.entry.0).collect();
    assert_eq!(places, [4, 3, 1, 2, 5], "and a place time that is yet to come counts as now");
    let waits: Vec<u64> = scene.distributor.places(scene.now, QueueId(0)).map(|place| place.wait.as_secs()).collect();
    assert_eq!(waits, [1, 4, 3, 3, 0]);
    for (entry, position) in [(4, 1), (3, 2), (1, 3), (2, 4), (5, 5)] {
        assert_eq!(scene.distributor.position(EntryId(entry)), Some(position));
    }
    let snapshot = scene.distributor.queue(scene.now, QueueId(0)).expect("there is one");
    assert_eq!(snapshot.longest_wait, Some(Duration::from_secs(4)), "now less the oldest place time");
}

#[test]
fn an_entry_being_offered_keeps_its_place_until_accepted() {
    let mut scene = Scene::new(settings(vec![one_agent()]));
    scene.play("0 up 1\n1 enter 1\n2 enter 2");
    assert_eq!(scene.distributor.position(EntryId(2)), Some(2));
    scene.play("3 accept 1");
    assert_eq!((scene.distributor.position(EntryId(1)), scene.distributor.position(EntryId(2))), (None, Some(1)));
}

#[test]
fn too_long_full_and_nobody_there() {
    let targets = QueueSettings {
        callers_max: 2,
        when_full: Some(Target(1)),
        when_too_long: Some(Target(2)),
        when_no_agents: Some(Target(3)),
        ..one_agent()
    };
    let scene = check(
        settings(vec![targets]),
        "0 enter 1
         1 up 1
         2 direct 1
         3 enter 2
         4 enter 3
         5 enter 4
         904 out 1
         905 enter 5
         906 indirect 1
         907 enter 6
         940 wait",
        "0 e1 ended: no_agents, goes to 3
         5 e4 ended: overflowed, goes to 1
         23 e2 hears: you are next
         24 e3 hears: you are number 2 in line
         143 e2 hears: you are next
         144 e3 hears: you are number 2 in line
         263 e2 hears: you are next
         264 e3 hears: you are number 2 in line
         383 e2 hears: you are next
         384 e3 hears: you are number 2 in line
         503 e2 hears: you are next
         504 e3 hears: you are number 2 in line
         623 e2 hears: you are next
         624 e3 hears: you are number 2 in line
         743 e2 hears: you are next
         744 e3 hears: you are number 2 in line
         863 e2 hears: you are next
         864 e3 hears: you are number 2 in line
         903 e2 ended: timed_out, goes to 2
         904 e3 ended: timed_out, goes to 2
         905 e5 ended: no_agents, goes to 3
         907 e6 ended: no_agents, goes to 3",
    );
    assert_eq!(scene.figures().service.taken_out, 4, "in time; those who waited were late before");
    assert_eq!(scene.figures().service.late, 2);
}

#[test]
fn a_queue_that_loses_its_agents_sends_its_callers_on() {
    let deserted = QueueSettings { when_no_agents: Some(Target(3)), ..one_agent() };
    check(
        settings(vec![deserted]),
        "0 up 1
         1 direct 1
         2 enter 1
         3 enter 2
         4 callback 2
         5 pause 1
         15 ready 1
         16 pause 1
         47 wait",
        "22 e1 hears: you are next
         46 e1 ended: no_agents, goes to 3",
    );
}

#[test]
fn a_dropped_caller_gets_the_place_back() {
    let scene = check(
        settings(vec![one_agent()]),
        "0 enter 1
         1 enter 2
         8 drop 1
         9 enter 3
         15 resume 1
         16 up 1
         17 drop 2
         198 resume 2
         199 accept 1
         200 resume 1",
        "16 offer e1 to a1
         29 e3 hears: you are number 2 in line
         36 withdraw from a1
         36 e1 hears: you are next
         41 offer e1 to a1
         61 withdraw from a1
         149 e3 hears: you are number 2 in line
         156 e1 hears: you are next
         197 e2 ended: abandoned
         199 late: hang up",
    );
    assert_eq!(scene.distributor.position(EntryId(1)), Some(1));
    assert_eq!(scene.figures().service.abandoned, 2, "both were dropped within the threshold");
}

#[test]
fn a_callback_keeps_the_place_agent_first() {
    check(
        settings(vec![one_agent()]),
        "0 enter 1
         1 enter 2
         2 callback 1
         10 up 1
         12 accept 1
         40 missed 1
         40.5 hang 1
         41 accept 1
         41 bridge 2
         50 hang 1
         650 accept 1
         655 reached 1
         656 bridge 1",
        "10 offer e1 to a1, a callback
         12 call back e1 for a1, attempt 1
         21 e2 hears: you are next
         40 release a1
         40.5 offer e2 to a1
         41 connect e2 to a1
         41 e2 ended: answered
         640 offer e1 to a1, a callback
         650 call back e1 for a1, attempt 2
         655 connect e1 to a1
         656 e1 ended: callback",
    );
}

#[test]
fn a_callback_caller_first_meets_whoever_is_ready() {
    let callback = CallbackSettings { first: CallbackFirst::Caller, ..CallbackSettings::default() };
    check(
        settings(vec![QueueSettings { callback, ..one_agent() }]),
        "0 enter 1
         1 callback 1
         2 enter 2
         3 callback 2
         10 up 1
         15 reached 1
         20 accept 1
         20 bridge 1
         30 hang 1
         75 missed 2
         676 missed 2
         677 reached 2
         1280 wait
         1400 reached 2",
        "10 call back e1, attempt 1
         15 offer e1 to a1
         20 connect e1 to a1
         20 e1 ended: callback
         45 call back e2, attempt 1
         75 cancel the call to e2
         675 call back e2, attempt 2
         677 cancel the call to e2
         1276 call back e2, attempt 3
         1306 cancel the call to e2
         1306 e2 ended: failed
         1400 cancel the call to e2",
    );
}

#[test]
fn the_service_level_counts_each_entry_once() {
    // Section 5: T = 20 s, short 5 s.
    let scene = check(
        settings(vec![one_agent()]),
        "0 enter 1
         4 abandon 1
         10 enter 2
         20 abandon 2
         30 enter 3
         40 key 3
         50 enter 4
         60 callback 4
         100 enter 5
         130 abandon 5
         200 enter 6 priority 1
         210 up 1
         219 accept 1
         220 bridge 6
         230 hang 1
         246 accept 1
         250 reached 4
         251 bridge 4
         260 hang 1
         300 enter 7
         300 accept 1
         320.1 bridge 7",
        "4 e1 ended: short_abandoned
         20 e2 ended: abandoned
         40 e3 ended: left_by_key
         120 e5 hears: you are number 2 in line
         130 e5 ended: abandoned
         210 offer e6 to a1
         219 connect e6 to a1
         220 e6 ended: answered
         245 offer e4 to a1, a callback
         246 call back e4 for a1, attempt 1
         250 connect e4 to a1
         251 e4 ended: callback
         300 offer e7 to a1
         300 connect e7 to a1
         320.1 e7 ended: answered",
    );
    let figures = scene.figures();
    let expected = LevelCounts {
        answered: 1,  // e6, at the very threshold
        abandoned: 1, // e2
        taken_out: 0,
        late: 2,            // e5, e7
        short_abandoned: 1, // e1
        left: 1,            // e3
        to_callback: 1,     // e4
    };
    assert_eq!(figures.service, expected);
    let ratios = LevelFormula::ALL.map(|formula| figures.service.ratio(formula));
    assert_eq!(ratios, [Some(0.25), Some(1.0 / 3.0), Some(0.5)]);
    assert_eq!(
        figures.answer_speed(),
        Some(Duration::from_micros(20_050_000)),
        "e6 and e7; to the bridge, not the ring"
    );
    assert_eq!(figures.abandonment(), Some(2.0 / 6.0), "e2 and e5 of all but the short one");
}

#[test]
fn the_estimate_is_spoken_only_when_it_is_known_and_narrow() {
    // Thirty calls of 100 s, one agent: with n ahead about (n + 1) x 100 s; too wide a band for the first two.
    let mut scene = Scene::new(settings(vec![QueueSettings { wrap_up: Duration::ZERO, ..one_agent() }]));
    scene.play("0 up 1");
    for call in 0..30 {
        let at = 110 * call;
        scene.play(&format!("{at} enter {call}\n{at} accept 1\n{at} bridge {call}\n{} hang 1", at + 100));
    }
    let told = scene.play(
        "4000 enter 100
         4000 accept 1
         4000 bridge 100
         4000 enter 101
         4000 enter 102
         4000 enter 103
         4000 enter 104
         4030 heard 101
         4030 heard 102
         4030 heard 103
         4030 heard 104
         4050 hang 1
         4050 accept 1
         4050 bridge 101
         4091 wait",
    );
    let hears: Vec<&str> = told.lines().filter(|line| line.contains("hears")).collect();
    assert_eq!(
        hears,
        [
            "4020 e101 hears: you are next",
            "4020 e102 hears: you are number 2 in line",
            "4020 e103 hears: you are number 3 in line, about 5 min",
            "4020 e104 hears: you are number 4 in line, about 7 min",
            "4050 e102 hears: you are next",
            "4050 e103 hears: you are number 2 in line",
            "4050 e104 hears: you are number 3 in line, about 5 min",
        ],
        "{told}"
    );
}

#[test]
fn comfort_messages_come_between_announcements() {
    let announce = AnnounceSettings { comfort: Some(Duration::from_secs(30)), ..AnnounceSettings::default() };
    // 30 s after the last word; one that would come less than 20 s before an announcement is left out.
    check(
        settings(vec![QueueSettings { announce, ..one_agent() }]),
        "0 enter 1
         0 enter 2
         23 heard 1
         24 heard 2
         57 heard 1
         58 heard 2
         60 abandon 1
         63 heard 2
         95 heard 2
         200 abandon 2",
        "20 e1 hears: you are next
         20 e2 hears: you are number 2 in line
         53 e1 hears: aside
         54 e2 hears: aside
         60 e1 ended: abandoned
         60 e2 hears: you are next
         93 e2 hears: aside
         123 e2 hears: you are next
         200 e2 ended: abandoned",
    );
    // Nothing else is said in this queue.
    let announce = AnnounceSettings { position: false, wait: false, ..announce };
    check(
        settings(vec![QueueSettings { announce, ..one_agent() }]),
        "0 enter 1
         25 heard 1
         56 up 1
         60 busy 1
         100 abandon 1",
        "20 e1 hears: aside
         55 e1 hears: aside
         56 offer e1 to a1
         65 offer e1 to a1
         85 withdraw from a1
         100 e1 ended: abandoned",
    );
}

#[test]
fn who_comes_again_is_told_nothing_worse() {
    let mut scene = Scene::new(settings(vec![one_agent()]));
    scene.play("0 enter 1 priority 1\n0 enter 2 priority 1\n1 wait");
    let told = Told { position: Some(2), wait: None };
    let entering = Entering { told, ..scene.entering(&["enter", "3"]) };
    let mut heard = String::new();
    scene.tell(Moment::from_millis(2_000), Input::CallerEntered(entering), &mut heard);
    heard.push_str(&scene.play("22 wait\n30 heard 3\n31 abandon 1\n51 wait\n91 wait"));
    let own: Vec<&str> = heard.lines().filter(|line| line.contains(" e3 ")).collect();
    // Third of three at first, then second: no number until they are no worse off than they know.
    assert_eq!(own, ["22 e3 hears: thank you for waiting", "90 e3 hears: you are number 2 in line"], "{heard}");
}
