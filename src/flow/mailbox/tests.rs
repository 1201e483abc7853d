use super::*;
use crate::flow::FlowSet;
use crate::flow::speech::Languages;
use crate::telephony::{PhoneNumber, TapeId, TapeKind, TapeLabel};

fn message(number: u64, heard: bool) -> Message {
    let label = TapeLabel {
        mailbox: Some("support".into()),
        call: "c1".to_owned(),
        caller: PhoneNumber::new("0307"),
        caller_name: None,
        dialled: "1000".to_owned(),
        started: "2026-03-02T14:05:00Z".to_owned(),
        language: "en".into(),
        mail: Vec::new(),
    };
    let tape = KeptTape {
        name: TapeKind::Message.name(TapeId(number)),
        kind: TapeKind::Message,
        folder: "voicemail/support".into(),
        label,
        length: Duration::from_secs(2),
        octets: 32_044,
    };
    Message { tape, heard }
}

fn act(act: MailboxAct) -> String {
    let talk = |talk: MessageTalk| match talk {
        MessageTalk::Count { new, heard } => format!("count {new} {heard}"),
        MessageTalk::About { first, tape } => format!("{} {}", if first { "first" } else { "next" }, tape.name),
        other => format!("{other:?}").to_lowercase(),
    };
    match act {
        MailboxAct::Say(talks) => talks.into_iter().map(talk).collect::<Vec<_>>().join(" + "),
        MailboxAct::Play(tape) => format!("play {}", tape.name),
        MailboxAct::Heard(tape) => format!("heard {}", tape.name),
        MailboxAct::Delete(tape) => format!("delete {}", tape.name),
        MailboxAct::HangUp => "hang up".to_owned(),
    }
}

/// What an agent meets with two new messages and an old one. Of `script`, `.` is the end of what is heard, `r` a message that
/// was read, `x` one that cannot be, `_` a deadline; the rest are keys.
#[track_caller]
fn check(script: &str, expected: &[&str]) {
    let mut now = Moment::ZERO;
    let mut listening = Listening::begin(now);
    let messages = vec![message(1, false), message(2, false), message(3, true)];
    let first = listening.handle(now, MailboxInput::Listed(Some(messages)));
    let mut met: Vec<String> = vec![first.into_iter().map(act).collect::<Vec<_>>().join(", ")];
    for step in script.chars() {
        let input = match step {
            '.' => MailboxInput::Finished,
            'r' => MailboxInput::Read(true),
            'x' => MailboxInput::Read(false),
            '_' => {
                now = listening.deadline().expect("it acts by itself");
                MailboxInput::Expired
            }
            key => MailboxInput::Key(Digit::from_char(key).expect("a key")),
        };
        met.push(listening.handle(now, input).into_iter().map(act).collect::<Vec<_>>().join(", "));
    }
    let met: Vec<&str> = met.iter().map(String::as_str).skip_while(|met| expected.first() != Some(met)).collect();
    assert_eq!(met, expected, "{script}");
}

#[test]
fn messages_are_told_one_after_another() {
    check(
        "..r..2.r..2.r..2.",
        &[
            "count 2 1",
            "first m1",
            "play m1",
            "",
            "heard m1, choices",
            "",
            "next m2",
            "play m2",
            "",
            "heard m2, choices",
            "",
            "next m3",
            "play m3",
            "",
            // It was heard before.
            "choices",
            "",
            "nomore",
            "hang up",
        ],
    );
}

#[test]
fn a_key_in_a_message_has_heard_it() {
    check("..r1", &["heard m1, play m1"]);
    check("..r2", &["heard m1, next m2"]);
    check("..r3", &["heard m1, delete"]);
    check("..r#", &["heard m1, choices"]);
    // Who hangs up, or ends it all, finds it again.
    check("..r*", &["hang up"]);
    check(".2", &["next m2"]);
    check(".#", &["play m1"]);
    check("#", &["first m1"]);
    check("..r.1", &["heard m1, choices", "play m1"]);
    check("..5", &[""]);
}

#[test]
fn nothing_is_deleted_that_nobody_confirms() {
    check("..r.33.", &["delete", "delete m1, deleted + next m2", "play m2"]);
    check("..r.31", &["delete", "kept + choices"]);
    check("..r.32", &["delete", "next m2"]);
    check("..r.3#", &["delete", "next m2"]);
    check("..r.3*", &["delete", "hang up"]);
    check("..r.35", &["delete", ""]);
    check("..r.3._", &["delete", "", "kept + choices"]);
    check(".33", &["delete", "delete m1, deleted + next m2"]);
}

#[test]
fn who_presses_nothing_hears_the_choices_again_and_then_nothing() {
    check("..r.._._", &["heard m1, choices", "", "choices", "", "hang up"]);
    check("..x", &["unreadable + choices"]);
    check(".._", &["unreadable + choices"]);
    // What comes too late is not played.
    check(".._r", &["unreadable + choices", ""]);
}

#[test]
fn no_message_and_no_list_are_told() {
    for (listed, expected) in [(Some(Vec::new()), "count 0 0"), (None, "unavailable")] {
        let mut listening = Listening::begin(Moment::ZERO);
        let said = listening.handle(Moment::ZERO, MailboxInput::Listed(listed));
        assert_eq!(said.into_iter().map(act).collect::<Vec<_>>(), [expected]);
        assert_eq!(listening.handle(Moment::ZERO, MailboxInput::Finished), [MailboxAct::HangUp]);
    }
    let mut listening = Listening::begin(Moment::ZERO);
    let deadline = listening.deadline().expect("it does not wait for ever");
    assert_eq!(listening.handle(deadline, MailboxInput::Expired), [MailboxAct::Say(vec![MessageTalk::Unavailable])]);
    assert_eq!(listening.handle(deadline, MailboxInput::Listed(Some(vec![message(1, false)]))), []);
}

#[track_caller]
fn check_words(language: &str, talk: &MessageTalk, expected: &str) {
    let flows = FlowSet { languages: Languages::built_in(), ..FlowSet::default() };
    let wall = "2026-03-02T18:00:00Z".parse().expect("a time");
    let names = talk.recordings(&flows, language, wall, |name| name == "agents/1001");
    let known = flows.languages.phrases(language);
    let unknown = names.iter().find(|name| !known.iter().any(|(phrase, _)| phrase == *name) && *name != "agents/1001");
    assert_eq!(unknown, None, "{talk:?} is said in a phrase that there is not");
    let short: Vec<&str> = names.iter().map(|name| name.trim_start_matches("phrases/")).collect();
    assert_eq!(short.join(" "), expected, "{talk:?} in {language}");
}

#[test]
fn what_is_told_is_made_of_phrases() {
    let count = |new, heard| MessageTalk::Count { new, heard };
    check_words("en", &count(0, 0), "agent/no_messages");
    check_words("en", &count(1, 0), "agent/you_have number/1 agent/new_message");
    let both = "agent/you_have number/2 agent/new_messages agent/you_have number/1 agent/heard_message";
    check_words("en", &count(2, 1), both);
    check_words("es", &count(0, 1), "agent/you_have number/1_un agent/heard_message");
    let about = |first, caller: &str| {
        let mut tape = message(1, false).tape;
        tape.label.caller = PhoneNumber::new(caller);
        MessageTalk::About { first, tape: Box::new(tape) }
    };
    let left = "agent/message_left day/today time/at number/2 time/oh number/5 time/pm";
    let number = "agent/first_message agent/message_from digit/0 digit/3 digit/0 digit/7";
    check_words("en", &about(true, "0307"), &format!("{number} {left}"));
    check_words("en", &about(false, "1001"), &format!("agent/next_message agent/message_from agents/1001 {left}"));
    check_words("en", &about(false, ""), &format!("agent/next_message agent/message_withheld {left}"));
    for (talk, expected) in [
        (MessageTalk::Choices, "message_choices"),
        (MessageTalk::Delete, "message_delete"),
        (MessageTalk::Deleted, "message_deleted"),
        (MessageTalk::Kept, "message_kept"),
        (MessageTalk::Unreadable, "message_unreadable"),
        (MessageTalk::NoMore, "no_more_messages"),
        (MessageTalk::Unavailable, "messages_unavailable"),
    ] {
        check_words("en", &talk, &format!("agent/{expected}"));
        check_words("es", &talk, &format!("agent/{expected}"));
    }
}
