//! Waiting for an agent: what is heard, what keys do, and the ways on.

use super::super::{LeaveWhy, SessionInput, SpokenPlace, SpokenWaitMinutes, Unqueued, WaitingTalk};
use super::walks::{Walk, check, read};
use crate::flow::{QueueIndex, Untransferred};
use crate::telephony::PhoneNumber;

const LINE: &str = "\
flow: main
numbers: [1000]
languages: [en, es]
start: ask
steps:
  ask:
    menu: {en: Yes?, es: Diga.}
    choices:
      1: {say: {en: A person, es: Una persona}, go: person}
      2: {say: {en: Spanish, es: Ingles}, go: spanish}
      3: {say: {en: Sales, es: Ventas}, go: sales}
  spanish: {language: es, next: ask}
  person: {queue: support, skill: billing, priority: 2, next: after}
  sales: {queue: sales}
  after: {say: {en: How was it?, es: Que tal?}}
  closed: {say: {en: Closed., es: Cerrado.}}
  message: {say: {en: Speak., es: Hable.}}
queues:
  support:
    agents: [1001]
    while_waiting:
      choices:
        1: {say: {en: To be called back, es: Para ser llamado}, go: callback}
        22: {say: {en: To leave a message, es: Para dejar un mensaje}, go: message}
    when_full: {over: 10, go: closed}
    when_too_long: {after: 5m, go: ask}
  sales: {agents: [1001]}
agents:
  1001: {name: Ada, skills: [billing]}
";

const MENU: &str = "says Yes? A person, press one. Spanish, press two. Sales, press three.";
const CHOICES: &str = "To be called back, press one. To leave a message, press two two.";
const HOLD: &str = "says Please hold while I find somebody to help you.";
const ENTERS: &str = "ask: choice 1
        waits in support for [\"billing\"] with priority 2";

fn check_line(script: &str) {
    let script = script.replace("ENTERS", ENTERS).replace("HOLD", HOLD);
    check(LINE, &script.replace("CHOICES", CHOICES).replace("MENU", MENU));
}

#[test]
fn a_caller_waits_knowing_their_place_and_talks() {
    check_line(
        "MENU
        > 1
        ENTERS
        HOLD
        > .
        > place 3
        says You are number three in line. CHOICES
        > .
        > place 1 wait 1
        says You are next in line. You will wait about one minute. CHOICES
        > .
        > place 11 wait 21
        says There are more than ten callers ahead of you. You will wait more than twenty minutes. CHOICES
        > place 10 wait 15
        says You are number ten in line. You will wait about fifteen minutes. CHOICES
        > connected
        falls silent
        > 1
        > place 1
        > 0
        > done
        person: answered
        says How was it?
        > .
        after: next
        says Thank you for calling. Goodbye.
        > .
        hangs up",
    );
}

#[test]
fn keys_that_mean_nothing_lose_nothing() {
    check_line(
        "MENU
        > 1000
        ENTERS
        HOLD
        falls silent
        > 0
        > 9
        > *
        > 0#
        > 2
        menu opened
        > 3
        menu closed
        > comfort
        says Thank you for waiting. Somebody will be with you as soon as possible. CHOICES
        > 2
        menu opened
        falls silent
        > comfort
        > ~
        menu closed
        > gone
        leaves the queue HungUp
        person: caller_hung_up",
    );
}

#[test]
fn comfort_messages_come_in_turn() {
    let flow = LINE.replace(
        "    when_full:",
        "    announce:
      comfort: [{en: All lines are busy., es: Todo ocupado.}, {en: We are still here., es: Aqui estamos.}]
      comfort_every: 30s
    when_full:",
    );
    let script = "MENU
        > 1
        ENTERS
        HOLD
        > .
        > aside
        says All lines are busy.
        > .
        > place 3
        says You are number three in line. CHOICES
        > .
        > aside
        says We are still here.
        > 9
        falls silent
        > comfort
        says All lines are busy. CHOICES
        > connected
        falls silent";
    let script = script.replace("ENTERS", ENTERS).replace("HOLD", HOLD);
    check(&flow, &script.replace("CHOICES", CHOICES).replace("MENU", MENU));
    // In the caller's language, also where the queue belongs to another flow; without messages, thanks for waiting.
    let script = "MENU
        > 3
        ask: choice 3
        waits in sales for [] with priority 0
        HOLD
        > .
        > aside
        says Thank you for waiting. Somebody will be with you as soon as possible.";
    check(LINE, &script.replace("HOLD", HOLD).replace("MENU", MENU));
}

#[test]
fn a_key_leads_away() {
    check_line(
        "MENU
        > 1
        ENTERS
        HOLD
        > .
        > 22
        menu opened
        menu closed
        leaves the queue ByKey
        person: choice 22
        says Speak.",
    );
}

#[test]
fn a_caller_is_called_back_on_the_number_that_they_wish() {
    let own = "says We will call you back on plus four four two zero seven nine four six zero one two three";
    let right = "If that is right, press one. For another number, press two. To keep waiting, press star.";
    let enter = "says Please enter the number on which we can call you, then press hash. To keep waiting, press star.";
    check_line(
        &"MENU
        > 1
        ENTERS
        HOLD
        > 1
        menu opened
        OWN RIGHT
        > *
        menu closed
        falls silent
        > 1
        menu opened
        OWN RIGHT
        > .
        > ~
        menu closed
        > 1
        menu opened
        OWN RIGHT
        > 7
        > place 1
        > 2
        ASKS
        > 12
        falls silent
        > #
        > 34#
        says We will call you back on one two three four RIGHT
        > 1
        menu closed
        leaves the queue to be called back on 1234
        person: callback
        says Thank you. You keep your place in line, and we will call you when it is your turn. Goodbye.
        > full
        > connected
        > .
        hangs up"
            .replace("OWN", own)
            .replace("RIGHT", right)
            .replace("ASKS", enter),
    );
}

#[test]
fn an_agent_comes_before_a_menu() {
    check_line(
        "MENU
        > 1
        ENTERS
        HOLD
        > 2
        menu opened
        falls silent
        > connected
        menu closed
        > again
        > 22
        menu opened
        menu closed
        leaves the queue ByKey
        person: choice 22
        says Speak.",
    );
}

#[test]
fn who_is_sent_away_goes_where_the_queue_says() {
    check_line(
        "MENU
        > 1
        ENTERS
        HOLD
        > full
        person: full
        says Closed.",
    );
    check_line(
        "MENU
        > 1
        ENTERS
        HOLD
        > too long
        person: timed_out
        MENU",
    );
    check_line(
        "MENU
        > 1
        ENTERS
        HOLD
        > nobody
        person: no_agents
        says How was it?",
    );
    check_line(
        "MENU
        > 3
        ask: choice 3
        waits in sales for [] with priority 0
        HOLD
        > connected
        falls silent
        > failed
        sales: failed
        says I am sorry, nobody can take your call at the moment. Thank you for calling. Goodbye.
        > .
        hangs up",
    );
}

/// The language that a caller has chosen is theirs while they wait too.
#[test]
fn a_chosen_language_is_kept_in_the_line() {
    check_line(
        "MENU
        > 2
        ask: choice 2
        spanish: next
        says Diga. Una persona, pulse uno. Ingles, pulse dos. Ventas, pulse tres.
        > 1
        ENTERS
        says Espere, por favor, mientras busco a alguien que le ayude.
        > place 3 wait 5
        says Usted es el número tres de la cola. La espera será de aproximadamente cinco minutos. Para ser llamado, pulse uno. Para dejar un mensaje, pulse dos dos.
        > place 1
        says Usted es el siguiente en la cola. Para ser llamado, pulse uno. Para dejar un mensaje, pulse dos dos.
        > 1
        menu opened
        says Le llamaremos al número más cuatro cuatro dos cero siete nueve cuatro seis cero uno dos tres Si es correcto, pulse uno. Para otro número, pulse dos. Para seguir esperando, pulse asterisco.",
    );
}

#[test]
fn a_language_without_rules_speaks_what_needs_none() {
    let flow = LINE.replace("[en, es]", "[en, fi]").replace(" es:", " fi:").replace("language: es", "language: fi");
    let script = "MENU
        > 2
        ask: choice 2
        spanish: next
        says Diga. Una persona: 1. Ingles: 2. Ventas: 3.
        > 1
        ENTERS
        HOLD
        > place 3 wait 5
        person: unspeakable
        says Thank you for waiting. Somebody will be with you as soon as possible. Para ser llamado: 1. Para dejar un mensaje: 22.
        > place 1
        says You are next in line. Para ser llamado: 1. Para dejar un mensaje: 22.";
    check(&flow, &script.replace("ENTERS", ENTERS).replace("HOLD", HOLD).replace("MENU", MENU));
}

/// A queue in a file without a flow belongs to the only flow that uses it: callers go over to that one, or back to it.
#[test]
fn a_queue_leads_into_its_own_flow() {
    let flows = "\
flow: main
numbers: [1000]
start: inside
steps:
  inside: {flow: other, next: home}
  home: {say: Back.}
  closed: {say: Closed., next: home}
queues:
  support: {agents: [1001], when_full: {go: closed}}
agents: {1001: {}}
---
flow: other
start: wait
steps:
  wait: {queue: support}
";
    check(
        flows,
        "inside: flow
        waits in support for [] with priority 0
        HOLD
        > full
        wait: full
        says Closed.
        > .
        closed: next
        says Back."
            .replace("HOLD", HOLD)
            .as_str(),
    );
    let mut walk = Walk::start(read(flows));
    walk.follow("nobody");
    assert_eq!(walk.written[walk.written.len() - 2..], ["wait: no_agents", "says Back."]);
}

/// What the lines of a walk mean.
pub(super) fn input(line: &str) -> Option<SessionInput> {
    Some(match line {
        "booked" => SessionInput::CallbackBooked(true),
        "not booked" => SessionInput::CallbackBooked(false),
        "connected" => SessionInput::Connected,
        "again" => SessionInput::WaitsAgain,
        "done" => SessionInput::Done,
        "full" => SessionInput::Unqueued(Unqueued::Full),
        "too long" => SessionInput::Unqueued(Unqueued::TimedOut),
        "nobody" => SessionInput::Unqueued(Unqueued::NoAgents),
        "failed" => SessionInput::Unqueued(Unqueued::Failed),
        "untransferred busy" => SessionInput::NotTransferred(Untransferred::Busy),
        "untransferred no_answer" => SessionInput::NotTransferred(Untransferred::NoAnswer),
        "untransferred failed" => SessionInput::NotTransferred(Untransferred::Failed),
        "sent support" => SessionInput::SentToQueue(QueueIndex(0)),
        "aside" => SessionInput::Announce(WaitingTalk { comfort: true, aside: true, ..WaitingTalk::default() }),
        "comfort" => SessionInput::Announce(WaitingTalk { comfort: true, ..WaitingTalk::default() }),
        _ => {
            let rest = line.strip_prefix("place ")?;
            let (place, wait) = rest.split_once(" wait ").map_or((rest, None), |(place, wait)| (place, Some(wait)));
            let place = match place.parse().expect("a place") {
                1 => SpokenPlace::Next,
                11.. => SpokenPlace::MoreThanTen,
                number => SpokenPlace::Number(number),
            };
            let wait = wait.map(|minutes| match minutes.parse().expect("minutes") {
                21.. => SpokenWaitMinutes::MoreThanTwenty,
                minutes => SpokenWaitMinutes::Minutes(minutes),
            });
            SessionInput::Announce(WaitingTalk { place: Some(place), wait, ..WaitingTalk::default() })
        }
    })
}

/// A callback's number appears in no print of the action.
#[test]
fn a_number_is_masked() {
    let why = LeaveWhy::Callback { number: PhoneNumber::new("+442079460123") };
    assert!(!format!("{why:?}").contains("2079460"));
}
