//! What callers hear while queues change: a script of what happens, and the transcript of all that is heard, word for word,
//! in virtual time. Every recording lasts a second.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use helpline::acd::AgentCommand;
use helpline::clock::Moment;
use helpline::flow::document::{self, Known, Source};
use helpline::switchboard::{Input, OperatorCommand, Output, Revision, Switchboard};
use helpline::telephony::{
    Cause, Clip, Digit, DigitSource, Direction, LegId, MediaCommand, MediaEvent, PhoneNumber, PlaybackId, SipCommand,
    SipEvent, StreamReport, Unreachable,
};

use super::{house, phone};

/// A line with its callers and agents.
struct Scene {
    board: Switchboard,
    now: Moment,
    /// What each recording says, by where it lies.
    words: BTreeMap<usize, String>,
    /// Keeps the recordings where they lie.
    _clips: Vec<Arc<Clip>>,
    callers: BTreeMap<String, LegId>,
    agents: BTreeMap<String, LegId>,
    legs: u64,
    /// What is heard, and until when.
    playing: BTreeMap<LegId, (PlaybackId, Moment)>,
    told: String,
}

fn second() -> Arc<Clip> {
    let audio = vec![0xFF; 8_000].into_boxed_slice();
    Arc::new(Clip { pcmu: audio.clone(), pcma: audio })
}

fn place(clip: &Arc<Clip>) -> usize {
    Arc::as_ptr(clip) as usize
}

impl Scene {
    fn new(flow: &str) -> Scene {
        let sources = [Source { file: "main.yaml".to_owned(), text: flow.to_owned() }];
        let reading = document::read(&sources, &Known::of(&BTreeSet::new()));
        let flows = Arc::new(reading.flows.unwrap_or_else(|| panic!("{:#?}", reading.diagnostics)));
        let clips: Vec<Arc<Clip>> = flows.prompts.iter().map(|_| second()).collect();
        let said = clips.iter().zip(&flows.prompts);
        let words = said.map(|(clip, prompt)| (place(clip), prompt.text.to_string())).collect();
        let revision = Revision {
            flows,
            clips: clips.iter().cloned().map(Some).collect(),
            music: BTreeMap::from([(None, vec![second()]), (Some("jazz".into()), vec![second()])]),
            ..house::revision(0)
        };
        let random = fastrand::Rng::with_seed(1);
        Scene {
            board: Switchboard::new(house::settings(), house::calendar(), Arc::new(revision), random),
            now: Moment::ZERO,
            words,
            _clips: clips,
            callers: BTreeMap::new(),
            agents: BTreeMap::new(),
            legs: 0,
            playing: BTreeMap::new(),
            told: String::new(),
        }
    }

    /// Lines of `SECONDS who does what`; the transcript.
    fn play(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (at, act) = line.split_once(' ').expect("a time and what happens");
            self.wait(Moment::ZERO + Duration::from_secs_f64(at.parse().expect("seconds")));
            let (who, act) = act.split_once(' ').unwrap_or((act, ""));
            self.act(who, act);
        }
    }

    fn act(&mut self, who: &str, act: &str) {
        let extension = || who.to_owned();
        let input = match act {
            "calls" => return self.call(who),
            "hangs up" if self.callers.contains_key(who) => {
                Input::Sip(SipEvent::Ended { leg: self.callers[who], cause: Cause::RemoteHungUp })
            }
            "is cut off" => Input::Media(MediaEvent::Silent { leg: self.callers[who] }),
            "registers" => Input::Sip(SipEvent::AgentReachable { extension: extension() }),
            "is gone" => Input::Sip(SipEvent::AgentUnreachable { extension: extension(), why: Unreachable::Silent }),
            "is done" => {
                let command = AgentCommand::EndWrapUp;
                Input::Operator(OperatorCommand::Agent { extension: who.into(), command })
            }
            "answers" => {
                let answer = phone::description(Direction::SendReceive);
                Input::Sip(SipEvent::Answered { leg: self.agents[who], answer, local: phone::LOCAL })
            }
            "refuses" => Input::Sip(SipEvent::Ended { leg: self.agents[who], cause: Cause::RefusedBy(486) }),
            "hangs up" => Input::Sip(SipEvent::Ended { leg: self.agents[who], cause: Cause::RemoteHungUp }),
            "waits" => return,
            keys => {
                for key in keys.strip_prefix("presses ").expect("something that is known").chars() {
                    let digit = Digit::from_char(key).expect("a key");
                    let leg = self.callers[who];
                    self.give(Input::Media(MediaEvent::Digit { leg, digit, source: DigitSource::Rtp }));
                }
                return;
            }
        };
        self.give(input);
    }

    fn call(&mut self, who: &str) {
        self.legs += 1;
        let leg = LegId::inbound(self.legs);
        self.callers.insert(who.to_owned(), leg);
        let mut incoming = phone::invite(leg, house::NUMBER, Some(phone::description(Direction::SendReceive)));
        incoming.caller.number = PhoneNumber::new(format!("+4420794600{}", who.as_bytes()[0]));
        self.give(Input::Sip(SipEvent::Incoming(Box::new(incoming))));
        self.give(Input::Sip(SipEvent::Confirmed { leg, answer: None }));
    }

    fn wait(&mut self, until: Moment) {
        loop {
            let heard = self.playing.iter().map(|(leg, (_, end))| (*end, *leg)).min();
            let due = self.board.deadline();
            let Some(next) = heard.map(|heard| heard.0).into_iter().chain(due).min().filter(|next| *next <= until)
            else {
                break;
            };
            self.now = self.now.max(next);
            match heard.filter(|(end, _)| *end == next) {
                Some((_, leg)) => {
                    let (playback, _) = self.playing.remove(&leg).expect("it plays");
                    self.give(Input::Media(MediaEvent::PlaybackFinished { leg, playback }));
                }
                None => self.give(Input::Expired),
            }
        }
        self.now = until;
    }

    fn give(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let out = self.board.handle(self.now, input);
            self.board.assert_consistent();
            for output in out {
                match output {
                    Output::Sip(SipCommand::DialAgent { leg, extension, .. }) => {
                        self.tell(&extension, "rings");
                        self.agents.insert(extension, leg);
                    }
                    Output::Sip(SipCommand::HangUp { leg, cause }) => {
                        if !leg.is_outbound() {
                            self.tell(&self.name(leg), "is hung up on");
                        }
                        inputs.insert(0, Input::Sip(SipEvent::Ended { leg, cause }));
                    }
                    Output::Media { command, .. } => inputs.extend(self.hear(command)),
                    _ => {}
                }
            }
        }
    }

    fn hear(&mut self, command: MediaCommand) -> Option<Input> {
        let leg = command.leg();
        let who = self.name(leg);
        match command {
            MediaCommand::Play { playback, clips, .. } => {
                let words: Vec<&str> = clips.iter().map(|clip| self.words[&place(clip)].as_str()).collect();
                let words = words.join(" ");
                self.playing.insert(leg, (playback, self.now + Duration::from_secs(clips.len() as u64)));
                self.tell(&who, &format!("hears: {words}"));
            }
            MediaCommand::Music { together, .. } => {
                self.playing.remove(&leg);
                self.tell(&who, if together { "hears music with all" } else { "hears music" });
            }
            MediaCommand::Stop { .. } => {
                self.playing.remove(&leg);
                self.tell(&who, "hears no more");
            }
            MediaCommand::Bridge { with, .. } => {
                let cut = if self.playing.remove(&leg).is_some() { ", in the middle of a word" } else { "" };
                self.tell(&who, &format!("talks to {}{cut}", self.name(with)));
            }
            MediaCommand::Close { leg } => {
                self.playing.remove(&leg);
                return Some(Input::Media(MediaEvent::Closed { leg, report: StreamReport::default() }));
            }
            _ => {}
        }
        None
    }

    /// Whose leg it is.
    fn name(&self, leg: LegId) -> String {
        let all = self.callers.iter().chain(&self.agents);
        all.rev().find(|(_, other)| **other == leg).map(|(name, _)| name.clone()).unwrap_or_default()
    }

    fn tell(&mut self, who: &str, what: &str) {
        let seconds = self.now.as_micros() as f64 / 1e6;
        self.told.push_str(&format!("{seconds} {who} {what}\n"));
    }
}

/// Plays a script against a flow and compares all that is heard, line by line.
#[track_caller]
fn check(flow: &str, script: &str, expected: &str) {
    let mut scene = Scene::new(flow);
    scene.play(script);
    let expected: String =
        expected.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect();
    assert_eq!(scene.told, expected, "\n--- heard\n{}--- expected\n{expected}", scene.told);
}

/// `support` with what a test writes of it, and `sales`; each with one agent.
fn flow(support: &str) -> String {
    format!(
        "flow: main
numbers: [any]
start: person
always: {{9: sales}}
steps:
  person: {{queue: support, next: bye}}
  busy: {{say: You are sent on., next: sales}}
  news: {{say: Nothing is new., next: person}}
  sales: {{queue: sales, next: bye}}
  bye: {{hangup: Bye.}}
agents:
  1001: {{name: Ada}}
  1002: {{name: Grace}}
queues:
  support:
    agents: [1001]
{support}
  sales: {{agents: [1002], music: {{name: jazz, together: true}}}}
"
    )
}

#[test]
fn the_place_only_improves_and_is_told_in_time() {
    check(
        &flow("    wrap_up: 0s"),
        "0 A calls
         2 B calls
         4 C calls
         26 A hangs up
         70 1001 registers
         71 1001 refuses
         77 1001 answers
         130 B waits",
        "0 A hears: Please hold while I find somebody to help you.
         1 A hears music
         2 B hears: Please hold while I find somebody to help you.
         3 B hears music
         4 C hears: Please hold while I find somebody to help you.
         5 C hears music
         20 A hears: You are next in line.
         21 A hears music
         22 B hears: You are number two in line.
         24 C hears: You are number three in line.
         25 B hears music
         26 A hears no more
         27 C hears music
         45 B hears: You are next in line.
         46 B hears music
         47 C hears: You are number two in line.
         50 C hears music
         70 1001 rings
         76 1001 rings
         77 B talks to 1001
         77 C hears: You are next in line.
         78 C hears music",
    );
}

#[test]
fn who_is_sent_on_keeps_the_time_of_their_place() {
    check(
        &flow("    when_full: {over: 1, go: busy}\n    when_too_long: {after: 30s, go: busy}"),
        "0 A calls
         10 B calls
         60 1002 registers
         61 1002 answers
         100 B waits",
        "0 A hears: Please hold while I find somebody to help you.
         1 A hears music
         10 B hears: Please hold while I find somebody to help you.
         10 B hears: You are sent on.
         11 B hears: Please hold while I find somebody to help you.
         12 B hears music with all
         20 A hears: You are next in line.
         21 A hears music
         30 A hears no more
         30 A hears: You are sent on.
         31 A hears: Please hold while I find somebody to help you.
         31 B hears: You are next in line.
         32 A hears music with all
         32 B hears music with all
         51 A hears: You are next in line.
         52 A hears music with all
         60 1002 rings
         61 A talks to 1002
         92 B hears: You are next in line.
         93 B hears music with all",
    );
}

#[test]
fn who_is_cut_off_after_being_sent_on_does_not_begin_anew() {
    check(
        &flow("    when_too_long: {after: 30s, go: busy}"),
        "0 A calls
         38 A is cut off
         40 C calls
         50 A calls
         65 1001 registers
         66 1001 answers
         68 C waits",
        "0 A hears: Please hold while I find somebody to help you.
         1 A hears music
         20 A hears: You are next in line.
         21 A hears music
         30 A hears no more
         30 A hears: You are sent on.
         31 A hears: Please hold while I find somebody to help you.
         32 A hears music with all
         38 A hears no more
         38 A is hung up on
         40 C hears: Please hold while I find somebody to help you.
         41 C hears music
         50 A hears: Please hold while I find somebody to help you.
         51 A hears music
         60 C hears: You are number two in line.
         63 C hears music
         65 1001 rings
         66 A talks to 1001",
    );
}

#[test]
fn a_look_at_something_else_costs_nobody_their_place() {
    let support = "    while_waiting:
      choices:
        1: For news -> news
    resume_window: 1m";
    check(
        &flow(support),
        "0 A calls
         1 B calls
         28 A presses 1
         40 1001 registers
         41 1001 answers",
        "0 A hears: Please hold while I find somebody to help you.
         1 A hears music
         1 B hears: Please hold while I find somebody to help you.
         2 B hears music
         20 A hears: You are next in line. For news, press one.
         21 B hears: You are number two in line. For news, press one.
         22 A hears music
         25 B hears music
         28 A hears no more
         28 A hears: Nothing is new.
         29 A hears: Please hold while I find somebody to help you.
         30 A hears music
         40 1001 rings
         41 A talks to 1001",
    );
}

#[test]
fn comfort_messages_are_cut_off_by_keys_and_by_the_agent() {
    let support = "    announce:
      comfort: [All lines are busy. You can also write., We are still here.]
      comfort_every: 25s
    music: {name: jazz, together: true}";
    check(
        &flow(support),
        "0 A calls
         46.5 A presses 5
         107.2 1001 registers
         107.6 1001 answers",
        "0 A hears: Please hold while I find somebody to help you.
         1 A hears music with all
         20 A hears: You are next in line.
         21 A hears music with all
         46 A hears: All lines are busy. You can also write.
         46.5 A hears no more
         46.5 A hears music with all
         81 A hears: You are next in line.
         82 A hears music with all
         107 A hears: We are still here.
         107.2 1001 rings
         107.6 A talks to 1001, in the middle of a word",
    );
}

#[test]
fn the_wait_is_told_where_enough_is_known() {
    let mut script = String::from("0 1001 registers\n");
    for call in 0..30 {
        let at = call * 200;
        script.push_str(&format!("{at} Z calls\n{} 1001 answers\n{} 1001 hangs up\n", at + 5, at + 105));
    }
    script.push_str("5990 Z waits");
    let mut scene = Scene::new(&flow("    wrap_up: 20s"));
    scene.play(&script);
    scene.told.clear();
    scene.play(
        "6000 Z calls
         6005 1001 answers
         6010 A calls
         6011 B calls
         6012 C calls
         6013 D calls
         6105 1001 hangs up
         6126 1001 answers
         6180 D waits",
    );
    let expected = "6000 Z hears: Please hold while I find somebody to help you.
        6000 1001 rings
        6001 Z hears music
        6005 Z talks to 1001
        6010 A hears: Please hold while I find somebody to help you.
        6011 A hears music
        6011 B hears: Please hold while I find somebody to help you.
        6012 B hears music
        6012 C hears: Please hold while I find somebody to help you.
        6013 C hears music
        6013 D hears: Please hold while I find somebody to help you.
        6014 D hears music
        6030 A hears: You are next in line.
        6031 A hears music
        6031 B hears: You are number two in line.
        6032 C hears: You are number three in line. You will wait about six minutes.
        6033 D hears: You are number four in line. You will wait about eight minutes.
        6034 B hears music
        6038 C hears music
        6039 D hears music
        6091 A hears: You are next in line.
        6092 A hears music
        6094 B hears: You are number two in line.
        6097 B hears music
        6098 C hears: You are number three in line.
        6099 D hears: You are number four in line.
        6101 C hears music
        6102 D hears music
        6105 Z hears: Bye.
        6106.2 Z is hung up on
        6125 1001 rings
        6126 A talks to 1001
        6126 B hears: You are next in line.
        6126 C hears: You are number two in line.
        6126 D hears: You are number three in line. You will wait about six minutes.
        6127 B hears music
        6129 C hears music
        6132 D hears music
";
    let expected: String = expected.lines().map(|line| format!("{}\n", line.trim())).collect();
    assert_eq!(scene.told, expected, "\n--- heard\n{}", scene.told);
}

/// A caller is passed on to Ada, with a word before.
const PASSED_ON: &str = "flow: main
numbers: [any]
start: pass
steps:
  pass:
    transfer: 1001
    ring: 20s
    announce: A caller from the shop.
    busy: busy
    no_answer: gone
    next: more
  more: {say: Was that all?, next: bye}
  busy: {say: They are busy., next: bye}
  gone: {say: They are not there., next: bye}
  bye: {hangup: Bye.}
agents:
  1001: {name: Ada}
queues:
  support: {agents: [1001], wrap_up: 0s}
";

#[test]
fn who_is_passed_on_hears_music_and_comes_back_into_the_flow() {
    check(
        PASSED_ON,
        "0 1001 registers
         1 A calls
         5 1001 answers
         30 1001 hangs up
         40 A waits",
        "1 A hears: Please hold while I find somebody to help you.
         1 1001 rings
         2 A hears music
         5 1001 hears: A caller from the shop.
         6 A talks to 1001
         30 A hears: Was that all?
         31 A hears: Bye.
         32.2 A is hung up on",
    );
}

#[test]
fn who_is_passed_on_to_an_agent_without_a_telephone_does_not_wait_for_it() {
    let flow = PASSED_ON.replace("    next: more\n", "    failed: lost\n    next: more\n");
    check(
        &flow.replace("  bye:", "  lost: {say: There is no telephone., next: bye}\n  bye:"),
        "1 A calls
         10 A waits",
        "1 A hears: Please hold while I find somebody to help you.
         1 A hears: There is no telephone.
         2 A hears: Bye.
         3.2 A is hung up on",
    );
}

#[test]
fn who_is_not_answered_goes_the_way_that_is_written() {
    check(
        PASSED_ON,
        "0 1001 registers
         1 A calls
         4 1001 refuses
         10 B calls
         45 B waits",
        "1 A hears: Please hold while I find somebody to help you.
         1 1001 rings
         2 A hears music
         4 A hears no more
         4 A hears: They are busy.
         5 A hears: Bye.
         6.2 A is hung up on
         10 B hears: Please hold while I find somebody to help you.
         10 1001 rings
         11 B hears music
         30 B hears no more
         30 B hears: They are not there.
         31 B hears: Bye.
         32.2 B is hung up on",
    );
}

#[test]
fn an_agent_who_talks_is_busy_and_one_who_leaves_before_the_word_is_over_did_not_answer() {
    check(
        PASSED_ON,
        "0 1001 registers
         1 A calls
         2 1001 answers
         2.5 1001 hangs up
         10 B calls
         12 1001 answers
         14 C calls
         16 B hangs up
         20 D calls
         21 1001 answers
         21.5 D hangs up
         30 C waits",
        "1 A hears: Please hold while I find somebody to help you.
         1 1001 rings
         2 A hears music
         2 1001 hears: A caller from the shop.
         2.5 A hears no more
         2.5 A hears: They are not there.
         3.5 A hears: Bye.
         4.7 A is hung up on
         10 B hears: Please hold while I find somebody to help you.
         10 1001 rings
         11 B hears music
         12 1001 hears: A caller from the shop.
         13 B talks to 1001
         14 C hears: Please hold while I find somebody to help you.
         14 C hears: They are busy.
         15 C hears: Bye.
         16.2 C is hung up on
         20 D hears: Please hold while I find somebody to help you.
         20 1001 rings
         21 D hears music
         21 1001 hears: A caller from the shop.
         21.5 D hears no more",
    );
}
