//! The schema of `helpline.yaml`.

use serde_json::{Value, json};

use super::shape::{
    Draft, any_of, documented, length, named, names, number, one_or_more, or_nothing, or_variable, pattern, text,
    truth, with_examples, with_required,
};
use crate::config::keys;

/// The schema, and what it lacks beside the reader.
pub(super) fn schema() -> (Value, Vec<String>) {
    let mut draft = Draft::new(keys::tables());
    let mut root = settings(&mut draft);
    root["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    root["title"] = json!("The installation file of Helpline");
    root["description"] = json!(
        "How the line is set up. Every key is optional. `${NAME}` in a value takes an environment variable, \
         `${NAME:-text}` with a default."
    );
    root["definitions"] = json!({ "length": or_variable(super::length_of_time()) });
    draft.finish();
    (root, draft.lacks)
}

fn settings(draft: &mut Draft) -> Value {
    let (sip, media, http, codes) = (sip(draft), media(draft), http(draft), codes(draft));
    let speaker = draft.table(
        "text_to_speech",
        vec![
            (
                "command",
                "The program and what it takes; `{text}`, `{file}`, `{voice}` and `{language}` stand for what they name.",
                any_of(vec![text(&[]), json!({ "type": "array", "items": text(&[]), "minItems": 1, "maxItems": 64 })]),
            ),
            (
                "voices",
                "The voice of a language; without one its code.",
                or_nothing(names("^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", text(&["en-gb"]))),
            ),
            ("at_once", "How many run at once.", or_variable(number(1, 32, 4))),
            ("timeout", "How long one recording may take, 1 s to 10 min.", length("60s")),
        ],
    );
    let limits = draft.table(
        "limits",
        vec![
            ("calls", "As many calls at once.", or_variable(number(1, 100_000, 1000))),
            ("calls_per_second", "As many new calls a second.", or_variable(number(1, 100_000, 100))),
        ],
    );
    let records = draft.table(
        "records",
        vec![
            ("keep", "Records of calls go when they are older, 1 h to 20 years.", length("400d")),
            ("size_mb", "They go when the database is larger.", or_variable(number(16, 1_000_000, 4096))),
        ],
    );
    let mail = draft.table(
        "mail",
        vec![
            (
                "server",
                "The mail server: `smtp://` with TLS where the server offers it, `smtps://` with TLS from the beginning.",
                text(&["smtp://mail.example.com", "smtps://mail.example.com:465"]),
            ),
            ("from", "Who sends.", text(&["helpline@example.com"])),
            ("user", "The name of the account, where the server wants one.", text(&["helpline"])),
            ("password", "Its password; better a variable than written here.", text(&["${MAIL_PASSWORD}"])),
            ("password_file", "The file that holds the password.", text(&["/run/secrets/mail"])),
        ],
    );
    let mail = with_required(mail, &["server", "from"]);
    let keep = |what: &'static str, usual: &str| vec![("keep", what, length(usual))];
    let voicemail = draft.table("voicemail", keep("Messages go when they are older, 1 h to 20 years.", "400d"));
    let recordings =
        draft.table("recordings", keep("Recordings of calls go when they are older, 1 h to 20 years.", "90d"));
    draft.table(
        "installation",
        vec![
            ("helpline", "The version of this format.", json!({ "enum": [1, "1"], "default": 1 })),
            ("sip", "Signalling.", or_nothing(sip)),
            ("media", "Audio.", or_nothing(media)),
            ("http", "Metrics, health and the API.", or_nothing(http)),
            ("limits", "What one server takes on; more is refused.", or_nothing(limits)),
            ("data", "The folder of what is kept.", text(&["data"])),
            ("records", "How many records of calls are kept.", or_nothing(records)),
            ("mail", "How messages are mailed.", or_nothing(mail)),
            ("voicemail", "For how long messages are kept.", or_nothing(voicemail)),
            ("recordings", "For how long recordings of calls are kept.", or_nothing(recordings)),
            ("flows", "The folder of the flow files.", text(&["flows"])),
            ("prompts", "The folder of the recordings.", text(&["prompts"])),
            ("watch", "Whether changed flows and recordings are read again at once.", or_variable(truth())),
            ("drain", "How long calls in progress may go on when Helpline ends, up to 24 h.", length("30s")),
            (
                "text_to_speech",
                "The program that speaks drafts of recordings (`helpline prompts render`).",
                or_nothing(speaker),
            ),
            ("codes", "What agents dial to steer their working day; `off` for nothing.", codes),
        ],
    )
}

fn sip(draft: &mut Draft) -> Value {
    let register = draft.table(
        "register",
        vec![
            ("user", "The name of the account.", text(&["acme"])),
            ("password", "Its password; better a variable than written here.", text(&["${CARRIER_PASSWORD}"])),
            ("password_file", "The file that holds the password.", text(&["/run/secrets/carrier"])),
        ],
    );
    let trunk = draft.table(
        "trunk",
        vec![
            (
                "host",
                "Where it is reached: a name or an address, with a port where it is not 5060, and `tcp://` before it where \
                 it is not UDP.",
                text(&["sip.example.com"]),
            ),
            ("from", "The networks whose calls count as the trunk's.", one_or_more(text(&["203.0.113.0/24"]))),
            ("register", "The account to register.", with_required(register, &["user"])),
            (
                "dial",
                "How the numbers begin that may be called, as they are sent. Without it nothing is called.",
                one_or_more(or_variable(pattern(r"^\+?[0-9]*$", &["+44"]))),
            ),
        ],
    );
    let trunks = names("^[A-Za-z0-9][A-Za-z0-9_-]*$", with_required(trunk, &["host"]));
    draft.table(
        "sip",
        vec![
            (
                "listen",
                "Where calls come in: `udp://` or `tcp://`, an address and a port.",
                one_or_more(or_variable(pattern("^(udp|tcp)://", &["udp://0.0.0.0:5060", "tcp://0.0.0.0:5060"]))),
            ),
            (
                "advertise",
                "The address that phones are told to use; `auto` takes the one that routes to the phone.",
                with_examples(json!({ "type": "string", "default": "auto" }), &["auto", "192.0.2.1"]),
            ),
            ("realm", "The realm of passwords.", json!({ "type": "string", "maxLength": 64, "default": "helpline" })),
            (
                "trunks",
                "The ways to the telephone network, by name; the first that may call a number takes it out.",
                or_nothing(trunks),
            ),
        ],
    )
}

fn media(draft: &mut Draft) -> Value {
    let codec = json!({ "enum": keys::codecs().collect::<Vec<_>>() });
    draft.table(
        "media",
        vec![
            (
                "ports",
                "The ports for audio, two a call: RTP on the even one, RTCP on the odd one after it.",
                or_variable(pattern("^ *[0-9]+ *- *[0-9]+ *$", &["16384-20479"])),
            ),
            ("codecs", "In order of preference.", one_or_more(or_variable(codec))),
            (
                "inband_digits",
                "Looks for key tones in the audio: `auto` where the phone agreed on no telephone-events.",
                or_variable(json!({ "enum": ["auto", "on", "off", true, false], "default": "auto" })),
            ),
        ],
    )
}

fn http(draft: &mut Draft) -> Value {
    draft.table(
        "http",
        vec![
            ("listen", "Where to listen, an address and a port.", text(&["127.0.0.1:8080"])),
            (
                "advertise",
                "Where others reach it; `auto` is the address that is listened on, where it is not a loopback one.",
                text(&["auto", "https://helpline.example.com"]),
            ),
            (
                "token",
                "Asked for as `Authorization: Bearer …` where the address is not a loopback one.",
                text(&["${HELPLINE_TOKEN:-}"]),
            ),
            ("token_file", "The file that holds the token.", text(&["/run/secrets/token"])),
        ],
    )
}

fn codes(draft: &mut Draft) -> Value {
    let code = || pattern(r"^([0-9*#]{2,16}|off|.*\$\{.*)$", &["*11"]);
    let table = draft.table(
        "codes",
        vec![
            ("ready", "Ready for calls.", code()),
            ("pause", "A pause.", code()),
            ("pauses", "A code for each reason of a pause.", or_nothing(names("^[A-Za-z0-9][A-Za-z0-9_-]*$", code()))),
            ("log_out", "Logging out.", code()),
            ("end_wrap_up", "The end of a wrap-up.", code()),
            ("extend_wrap_up", "A longer wrap-up.", code()),
            ("why", "Hearing why no call comes.", code()),
            ("pause_recording", "Silence on the recording of the call.", code()),
            ("resume_recording", "No silence any more.", code()),
            ("close_today", "All hours are closed until midnight.", code()),
            ("as_written", "All hours stand as they are written again.", code()),
            (
                "hours",
                "Keys after `close_today` and `as_written` for these hours alone.",
                names("^[A-Za-z0-9][A-Za-z0-9_-]*$", pattern("^[0-9]{1,4}$", &["1"])),
            ),
            ("messages", "Hearing the messages of their mailboxes.", code()),
            ("extend_by", "By how much `extend_wrap_up` makes it longer, 10 s to 30 min.", named("length")),
        ],
    );
    documented(&json!({ "anyOf": [table, { "enum": ["off", false] }] }), "What agents dial.")
}
