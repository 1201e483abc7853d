//! What agents ask for by telephone, and why they get no calls.

use super::*;

fn why(scene: &Scene, agent: u32) -> WhyNoCalls {
    scene.distributor.agent(scene.now, AgentId(agent)).expect("there is one").why
}

#[test]
fn who_listens_is_offered_nothing_and_stays_what_they_are() {
    let scene = check(
        settings(vec![two_agents()]),
        "0 up 1
         1 listen 1
         2 enter 1
         5 unlisten 1
         6 accept 1
         6 bridge 1
         7 listen 1
         8 unlisten 1
         9 unlisten 1",
        "5 offer e1 to a1
         6 connect e1 to a1
         6 e1 ended: answered",
    );
    assert_eq!(scene.state(1), AgentState::Talking);
    // A telephone that rings when they dial goes on ringing.
    check(
        settings(vec![two_agents()]),
        "0 up 1
         1 enter 1
         2 listen 1
         3 unlisten 1
         4 accept 1",
        "1 offer e1 to a1
         4 connect e1 to a1",
    );
}

#[test]
fn a_wrap_up_that_another_call_interrupts_can_be_ended_and_extended() {
    let play = |script: &str| {
        let mut scene = Scene::new(settings(vec![two_agents()]));
        scene.play("0 up 1\n1 enter 1\n2 accept 1\n2 bridge 1\n10 hang 1\n12 direct 1");
        scene.play(script);
        scene
    };
    let left = |scene: &Scene| scene.distributor.agent(scene.now, AgentId(1)).expect("there is one").wrap_up_left;
    let secs = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(left(&play("13 wait")), secs(13), "two of fifteen seconds were over");
    assert_eq!(left(&play("13 more 1 60")), secs(73));
    assert_eq!(left(&play("13 more 1 60\n20 indirect 1\n21 wait")), secs(72));
    assert_eq!(left(&play("13 more 1 99999")), secs(1798), "half an hour in all");
    let ended = play("13 done 1\n20 indirect 1");
    assert_eq!((left(&ended), ended.state(1)), (None, AgentState::Ready));
}

#[test]
fn who_comes_before_is_counted_as_the_strategy_chooses() {
    let check = |strategy: Strategy, script: &str, expected: [Option<u32>; 3]| {
        let members = QueueSettings { strategy, ..queue(&[(1, 0), (2, 0), (3, 1)]) };
        let mut scene = Scene::new(settings(vec![members]));
        scene.play(script);
        let before = [1, 2, 3].map(|agent| match why(&scene, agent) {
            WhyNoCalls::NobodyWaits { before } => before,
            other => panic!("{other:?}"),
        });
        assert_eq!(before, expected, "{strategy:?}");
    };
    let up = "0 up 2\n1 up 1\n2 up 3";
    check(Strategy::LongestIdle, up, [Some(1), Some(0), Some(2)]);
    check(Strategy::Linear, up, [Some(0), Some(1), Some(2)]);
    check(Strategy::RingAll, up, [Some(0), Some(0), Some(0)]);
    check(Strategy::Random, up, [None, None, Some(2)]);
    check(Strategy::RoundRobin, up, [Some(0), Some(1), Some(2)]);
    // Who was offered a caller last comes last of their tier.
    let after_one = "0 up 2\n1 up 1\n2 up 3\n3 enter 1\n4 accept 1\n4 bridge 1\n5 hang 1\n6 done 1";
    check(Strategy::RoundRobin, after_one, [Some(1), Some(0), Some(2)]);
}

#[test]
fn more_than_ten_before_are_not_counted() {
    let members: Vec<(u32, u8)> = (1..=20).map(|agent| (agent, 0)).collect();
    let queues = vec![QueueSettings { strategy: Strategy::Linear, ..queue(&members) }];
    let mut scene = Scene::new(Settings { queues, agents: (1..=20).map(|number| agent(number, &[])).collect() });
    let up: Vec<String> = (1..=20).map(|agent| format!("0 up {agent}")).collect();
    scene.play(&up.join("\n"));
    assert_eq!(why(&scene, 11), WhyNoCalls::NobodyWaits { before: Some(10) });
    assert_eq!(why(&scene, 20), WhyNoCalls::NobodyWaits { before: Some(11) });
}

#[test]
fn callers_for_whom_others_ring_and_those_who_are_called_back_later_are_told_apart() {
    let mut scene = Scene::new(settings(vec![two_agents()]));
    scene.play("0 up 1\n1 enter 1\n2 up 2");
    assert_eq!(why(&scene, 2), WhyNoCalls::OthersRing);
    scene.play("3 callback 1");
    assert_eq!(why(&scene, 2), WhyNoCalls::CallbacksLater);
    scene.play("4 direct 2");
    assert_eq!(why(&scene, 2), WhyNoCalls::DirectCall);
}

#[test]
fn who_listens_is_told_so_whoever_waits() {
    let mut scene = Scene::new(settings(vec![two_agents()]));
    scene.play("0 up 1\n0 listen 1\n1 enter 1");
    assert_eq!(why(&scene, 1), WhyNoCalls::Listening);
    scene.play("2 unlisten 1");
    assert_eq!(why(&scene, 1), WhyNoCalls::Ringing);
}

#[test]
fn what_is_to_be_after_a_call_is_known_during_it() {
    let mut scene = Scene::new(settings(vec![two_agents()]));
    scene.play("0 up 1\n1 enter 1\n2 accept 1\n2 bridge 1\n3 pause 1");
    let snapshot = scene.distributor.agent(scene.now, AgentId(1)).expect("there is one");
    let tea = PauseReason::Said("tea".into());
    assert_eq!((snapshot.state, snapshot.presence), (AgentState::Talking, Presence::Paused(tea)));
    assert_eq!(snapshot.why, WhyNoCalls::OnCall);
}
