//! What agents meet: who rings, for whom, and what happens when nobody answers.

use super::*;

#[test]
fn a_missed_offer_goes_to_another_and_the_agent_rests() {
    // Section 2: ring time 20 s, gap 5 s doubling to 60 s.
    let patient = QueueSettings { misses_until_pause: None, ..queue(&[(1, 0)]) };
    let mut scene = Scene::new(settings(vec![patient]));
    let told = scene.play("0 up 1\n0 enter 1\n500 wait");
    let offers: Vec<&str> = told.lines().filter(|line| line.contains("offer")).collect();
    let expected: Vec<String> =
        [0, 25, 55, 95, 155, 235, 315, 395, 475].iter().map(|at| format!("{at} offer e1 to a1")).collect();
    assert_eq!(offers, expected, "gaps of 5, 10, 20, 40, 60, 60 ... after 20 s of ringing");
}

#[test]
fn two_misses_pause_an_agent() {
    let scene = check(
        settings(vec![two_agents()]),
        "0 up 1
         1 up 2
         2 enter 1
         3 busy 1
         4 accept 2
         4 bridge 1
         5 enter 2
         10 busy 1
         200 abandon 2",
        "2 offer e1 to a1
         3 offer e1 to a2
         4 connect e1 to a2
         4 e1 ended: answered
         8 offer e2 to a1
         25 e2 hears: you are next
         145 e2 hears: you are next
         200 e2 ended: abandoned",
    );
    assert_eq!(scene.state(1), AgentState::Paused);
    let snapshot = scene.distributor.agent(scene.now, AgentId(1)).expect("there is one");
    assert_eq!((snapshot.reason, snapshot.why), (Some(PauseReason::Missed), WhyNoCalls::Paused));
}

#[test]
fn our_own_fault_is_no_miss_of_the_agents() {
    // The caller rests for a second; the agent, who has missed nothing, is free for others at once.
    let scene = check(
        settings(vec![queue(&[(1, 0)])]),
        "0 up 1
         1 enter 1
         1 fault 1
         1.5 enter 2
         1.6 fault 1
         2 fault 1
         3 fault 1
         4 accept 1
         4 bridge 1",
        "1 offer e1 to a1
         1.5 offer e2 to a1
         2 offer e1 to a1
         2.6 offer e2 to a1
         3 offer e1 to a1
         4 connect e1 to a1
         4 e1 ended: answered",
    );
    let snapshot = scene.distributor.agent(scene.now, AgentId(1)).expect("there is one");
    assert_eq!((snapshot.state, snapshot.reason), (AgentState::Talking, None));
    let all = QueueSettings { strategy: Strategy::RingAll, ..two_agents() };
    check(
        settings(vec![all]),
        "0 up 1
         0 up 2
         1 enter 1
         1 fault 1
         1.2 fault 2
         3 accept 2
         3 bridge 1",
        "1 offer e1 to a1
         1 offer e1 to a2
         2.2 offer e1 to a1
         2.2 offer e1 to a2
         3 connect e1 to a2
         3 withdraw from a1
         3 e1 ended: answered",
    );
}

#[test]
fn a_late_answer_connects_to_nothing() {
    check(
        settings(vec![two_agents()]),
        "0 up 1
         1 enter 1
         5 abandon 1
         5.1 accept 1
         6 enter 2
         26.5 accept 1",
        "1 offer e1 to a1
         5 withdraw from a1
         5 e1 ended: short_abandoned
         5.1 late: hang up
         6 offer e2 to a1
         26 withdraw from a1
         26 e2 hears: you are next
         26.5 late: hang up",
    );
}

#[test]
fn ring_all_has_one_winner() {
    let all = QueueSettings { strategy: Strategy::RingAll, ..queue(&[(1, 0), (2, 1), (3, 2)]) };
    let scene = check(
        settings(vec![all]),
        "0 up 1
         0 up 2
         1 enter 1
         2 enter 2
         3 up 3
         4 accept 2
         4 bridge 1
         4.1 accept 2",
        "1 offer e1 to a1
         1 offer e1 to a2
         3 offer e1 to a3
         4 connect e1 to a2
         4 withdraw from a1
         4 withdraw from a3
         4 offer e2 to a1
         4 offer e2 to a3
         4 e1 ended: answered
         4.1 late: hang up",
    );
    assert_eq!(
        [1, 2, 3].map(|agent| scene.state(agent)),
        [AgentState::Ringing, AgentState::Talking, AgentState::Ringing]
    );
}

#[test]
fn strategies_choose_as_they_say() {
    let check = |strategy: Strategy, members: &[(u32, u8)], expected: [u32; 6]| {
        let settings_ = QueueSettings { strategy, wrap_up: Duration::ZERO, ..queue(members) };
        let mut scene = Scene::new(settings(vec![settings_]));
        scene.play("0 up 3\n1 up 1\n2 up 2");
        // Each talks for as many times ten seconds as their number says, and the next caller comes when all are free.
        let chosen: Vec<u32> = (0..6)
            .map(|call| {
                let at = 100 * (call + 1);
                let told = scene.play(&format!("{at} enter {call}"));
                let agent: u32 = told.trim().rsplit('a').next().expect("an offer").parse().expect("an agent");
                let end = at + 10 * u64::from(agent);
                scene.play(&format!("{at} accept {agent}\n{at} bridge {call}\n{end} hang {agent}"));
                agent
            })
            .collect();
        assert_eq!(chosen, expected, "{strategy:?} {members:?}");
    };
    let flat = &[(2, 0), (1, 0), (3, 0)][..];
    let tiers = &[(2, 1), (1, 1), (3, 2)][..];
    check(Strategy::LongestIdle, flat, [3, 1, 2, 3, 1, 2]);
    check(Strategy::LongestIdle, tiers, [1, 2, 1, 2, 1, 2]);
    check(Strategy::RoundRobin, flat, [2, 1, 3, 2, 1, 3]);
    check(Strategy::RoundRobin, tiers, [2, 1, 2, 1, 2, 1]);
    check(Strategy::FewestCalls, flat, [2, 1, 3, 2, 1, 3]);
    check(Strategy::LeastTalkTime, flat, [2, 1, 3, 1, 2, 1]);
    check(Strategy::Linear, flat, [2; 6]);
    check(Strategy::Linear, &[(2, 1), (1, 1), (3, 0)], [3; 6]);
}

#[test]
fn skills_filter_then_rank_then_relax() {
    let mut all = settings(vec![queue(&[(1, 0), (2, 0), (3, 0)])]);
    all.agents = vec![agent(1, &[]), agent(2, &[(7, 1)]), agent(3, &[(7, 9)])];
    check(
        all,
        "0 up 1
         1 up 2
         2 up 3
         3 enter 1 wants 7
         4 enter 2 wants 7
         5 enter 3 wants 7 relaxes 10
         6 enter 4 wants 8
         40 abandon 4",
        "3 offer e1 to a3
         4 offer e2 to a2
         15 offer e3 to a1
         23 withdraw from a3
         23 e1 hears: you are next
         24 withdraw from a2
         24 e2 hears: you are number 2 in line
         26 e4 hears: you are number 4 in line
         28 offer e1 to a3
         29 offer e2 to a2
         35 withdraw from a1
         35 e3 hears: you are number 3 in line
         40 offer e3 to a1
         40 e4 ended: abandoned",
    );
}

#[test]
fn wrap_up_begins_when_the_last_leg_ends() {
    // Section 6: neither a second call, nor a reload, nor a pause skips it.
    let mut scene = Scene::new(settings(vec![two_agents()]));
    scene.play("0 up 1\n0 enter 1\n0 accept 1\n0 bridge 1");
    assert_eq!(scene.state(1), AgentState::Talking);
    scene.play("10 hold 1");
    assert_eq!(scene.state(1), AgentState::Holding);
    scene.play("15 direct 1\n16 unhold 1\n20 hang 1");
    assert_eq!(scene.state(1), AgentState::Talking, "the consultation goes on");
    scene.play("30 indirect 1");
    assert_eq!(scene.state(1), AgentState::WrapUp);
    let mut out = Vec::new();
    let reload = Box::new(settings(vec![two_agents()]));
    scene.distributor.handle(scene.now, Input::Reconfigured(reload), &mut out);
    scene.play("35 enter 2");
    assert_eq!(scene.state(1), AgentState::WrapUp);
    assert_eq!(scene.play("40 direct 1\n42 indirect 1\n46.5 wait\n47 wait"), "47 offer e2 to a1\n");
    let figures = scene.figures();
    assert_eq!((figures.talk, figures.hold, figures.wrap_up), (secs(14), secs(6), secs(15)));
    assert_eq!(figures.handle_time(), Some(secs(35)));
}

#[test]
fn a_wrap_up_is_ended_or_extended_by_the_agent() {
    let ended = |script: &str| {
        let mut scene = Scene::new(settings(vec![two_agents()]));
        scene.play("0 up 1\n0 enter 1\n0 accept 1\n0 bridge 1\n10 hang 1\n11 enter 2");
        scene.play(script).lines().find(|line| line.contains("offer")).map(str::to_owned)
    };
    for (script, offered) in [
        ("60 wait", Some("25 offer e2 to a1")),
        ("12 done 1", Some("12 offer e2 to a1")),
        ("12 ready 1", Some("12 offer e2 to a1")),
        ("12 more 1 20\n60 wait", Some("45 offer e2 to a1")),
        ("12 pause 1\n60 wait", None),
        ("12 out 1\n60 wait", None),
        ("12 gone 1\n60 wait", None),
    ] {
        assert_eq!(ended(script).as_deref(), offered, "{script}");
    }
}

#[test]
fn an_agent_who_is_gone_rings_no_more() {
    check(
        settings(vec![two_agents()]),
        "0 up 1
         1 up 2
         2 enter 1
         3 gone 1
         4 pause 2
         5 ready 2
         6 out 2
         7 back 1
         8 direct 1
         9 abandon 1",
        "2 offer e1 to a1
         3 withdraw from a1
         3 offer e1 to a2
         4 withdraw from a2
         5 offer e1 to a2
         6 withdraw from a2
         7 offer e1 to a1
         8 withdraw from a1
         9 e1 ended: abandoned",
    );
}

#[test]
fn an_agent_lost_before_the_bridge_gives_the_caller_back() {
    check(
        settings(vec![two_agents()]),
        "0 up 1
         1 enter 1
         2 enter 2
         3 accept 1
         3.2 hang 1
         4 up 2
         5 accept 2
         5.1 bridge 1",
        "1 offer e1 to a1
         3 connect e1 to a1
         4 offer e1 to a2
         5 connect e1 to a2
         5.1 e1 ended: answered",
    );
}

#[test]
fn an_agent_of_several_queues_takes_the_first_of_all() {
    let second = QueueSettings { queue: QueueId(1), ..queue(&[(1, 0)]) };
    let scene = check(
        settings(vec![queue(&[(1, 0), (2, 0)]), second]),
        "1 enter 1 queue 1
         2 enter 2
         3 enter 3 queue 1 priority 1
         4 up 1
         5 accept 1
         5 bridge 3
         6 up 2",
        "4 offer e3 to a1
         5 connect e3 to a1
         5 e3 ended: answered
         6 offer e2 to a2",
    );
    let servers = |queue: u16| scene.distributor.queues[&QueueId(queue)].servers();
    assert_eq!((servers(0), servers(1)), (1.5, 0.5), "an agent of two queues is half of each");
}

#[test]
fn a_reload_is_a_diff() {
    let mut scene = Scene::new(settings(vec![two_agents()]));
    scene.play("0 up 1\n0 up 2\n1 enter 1\n1 accept 1\n1 bridge 1\n2 enter 2");
    let mut out = Vec::new();
    // Agent 2 leaves the queue, agent 1 is removed, agent 3 stays, and another queue comes.
    let next = Settings {
        queues: vec![queue(&[(3, 0)]), QueueSettings { queue: QueueId(1), ..queue(&[(2, 0)]) }],
        agents: vec![agent(2, &[]), agent(3, &[])],
    };
    scene.distributor.handle(scene.now, Input::Reconfigured(Box::new(next)), &mut out);
    scene.distributor.assert_consistent();
    assert_eq!(out.iter().filter_map(words).collect::<Vec<_>>(), ["withdraw from a2"]);
    assert_eq!((scene.state(1), scene.state(2)), (AgentState::Talking, AgentState::Ready), "nobody is logged out");
    assert_eq!(scene.play("3 up 3\n4 enter 3 queue 1"), "3 offer e2 to a3\n4 offer e3 to a2\n");
    scene.play("5 hang 1\n30 wait");
    assert!(scene.distributor.agent(scene.now, AgentId(1)).is_none(), "who was removed goes after the wrap-up");
    assert_eq!((scene.figures().entered, scene.figures().handled), (2, 1), "and the figures stay");
    // The first queue is removed with a caller in it: it drains.
    let next = Settings { queues: Vec::new(), agents: vec![agent(2, &[]), agent(3, &[])] };
    scene.distributor.handle(scene.now, Input::Reconfigured(Box::new(next)), &mut out);
    scene.distributor.assert_consistent();
    assert!(scene.distributor.queue(scene.now, QueueId(0)).expect("it drains").draining);
    scene.play("31 accept 3\n31 bridge 2\n31 abandon 3");
    assert_eq!(scene.distributor.queues().count(), 1, "its last call goes on");
    scene.play("32 hang 3");
    assert!(scene.distributor.queue(scene.now, QueueId(0)).is_some_and(|queue| queue.figures.handled == 1));
    scene.play("47 wait");
    assert_eq!(scene.distributor.queues().count(), 0, "and the wrap-up is over");
    let told = scene.play("50 enter 4");
    assert_eq!(told, "50 e4 ended: failed\n", "there is no such queue");
}

#[test]
fn why_an_agent_gets_no_calls() {
    let mut scene = Scene::new(settings(vec![two_agents()]));
    let mut expect = |script: &str, number: u32, why: WhyNoCalls| {
        scene.play(script);
        let snapshot = scene.distributor.agent(scene.now, AgentId(number)).expect("there is one");
        assert_eq!(snapshot.why, why, "{script}");
    };
    expect("0 back 1", 1, WhyNoCalls::LoggedOut);
    expect("0 ready 2", 2, WhyNoCalls::Unreachable);
    expect("0 ready 1", 1, WhyNoCalls::NobodyWaits { before: Some(0) });
    expect("0 up 3", 3, WhyNoCalls::NoQueue);
    expect("0 enter 1 wants 9", 1, WhyNoCalls::SkillsLack(vec![SkillId(9)]));
    expect("1 enter 2", 1, WhyNoCalls::Ringing);
    expect("2 busy 1", 1, WhyNoCalls::Resting(secs(5)));
    expect("8 accept 1\n8 bridge 2\n9 hang 1", 1, WhyNoCalls::WrapUp(secs(15)));
    expect("10 pause 1", 1, WhyNoCalls::Paused);
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn agents_who_become_free_at_one_moment_serve_the_first_caller_best() {
    let all = QueueSettings { strategy: Strategy::RingAll, ..two_agents() };
    let members = queue(&[(1, 1), (2, 0)]).members;
    let tiers = QueueSettings { strategy: Strategy::Linear, members, ..QueueSettings::new(QueueId(1)) };
    // Both telephones have rung in vain for the first caller, and both agents rest for as long.
    check(
        settings(vec![all, tiers]),
        "0 up 1
         0 up 2
         1 enter 1
         22 abandon 1
         23 enter 2 queue 1
         30 wait",
        "1 offer e1 to a1
         1 offer e1 to a2
         21 withdraw from a1
         21 withdraw from a2
         21 e1 hears: you are next
         22 e1 ended: abandoned
         26 offer e2 to a2",
    );
}
