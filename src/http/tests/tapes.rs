//! Messages and recordings, as programs ask for them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::House;
use crate::http::{Answer, Shelf};
use crate::journal::{StoredTape, TapePage, TapeQuery};
use crate::switchboard::{OperatorCommand, RecordingWish};
use crate::telephony::{CallId, KeptTape, PhoneNumber, TapeKind, TapeLabel};

/// A shelf with one message for `support` and one recording, and a file of ten octets.
pub(super) struct FewTapes {
    tapes: Mutex<Vec<StoredTape>>,
    folder: tempfile::TempDir,
}

pub(super) fn shelf() -> FewTapes {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("audio"), b"0123456789").expect("a file");
    let tape = |kind: TapeKind, name: &str, mailbox: Option<&str>| {
        let label = TapeLabel {
            mailbox: mailbox.map(Arc::from),
            call: "c7".to_owned(),
            caller: PhoneNumber::new("+442079460123"),
            caller_name: None,
            dialled: "1000".to_owned(),
            started: "2026-12-18T17:29:00.000Z".to_owned(),
            language: "en".into(),
            mail: Vec::new(),
        };
        let length = Duration::from_millis(7_500);
        let tape = KeptTape { name: name.to_owned(), kind, folder: "x".into(), label, length, octets: 10 };
        StoredTape { tape, heard: None }
    };
    let tapes = vec![tape(TapeKind::Message, "m17", Some("support")), tape(TapeKind::Conversation, "r18", None)];
    FewTapes { tapes: Mutex::new(tapes), folder }
}

fn ready<T: Send + 'static>(value: T) -> Answer<T> {
    Box::pin(std::future::ready(Ok(value)))
}

impl FewTapes {
    fn all(&self, fits: impl Fn(&StoredTape) -> bool) -> Vec<StoredTape> {
        self.tapes.lock().expect("nobody panics with it").iter().filter(|tape| fits(tape)).cloned().collect()
    }
}

impl Shelf for FewTapes {
    fn mailboxes(&self) -> Answer<Vec<(String, u32, u32)>> {
        let messages = self.all(|stored| stored.tape.kind == TapeKind::Message);
        let heard = messages.iter().filter(|stored| stored.heard.is_some()).count() as u32;
        ready(vec![("support".to_owned(), messages.len() as u32 - heard, heard)])
    }

    fn page(&self, query: TapeQuery) -> Answer<TapePage> {
        let tapes = self.all(|stored| {
            let label = &stored.tape.label;
            stored.tape.kind == query.kind
                && query.mailbox.as_deref().is_none_or(|mailbox| label.mailbox.as_deref() == Some(mailbox))
                && query.heard.is_none_or(|heard| stored.heard.is_some() == heard)
                && query.call.as_ref().is_none_or(|call| label.call == *call)
        });
        ready(TapePage { tapes, next: None })
    }

    fn find(&self, kind: TapeKind, name: String) -> Answer<Option<StoredTape>> {
        ready(self.all(|stored| stored.tape.kind == kind && stored.tape.name == name).pop())
    }

    fn set_heard(&self, stored: StoredTape, heard: bool) -> Answer<Option<StoredTape>> {
        let mut tapes = self.tapes.lock().expect("nobody panics with it");
        let found = tapes.iter_mut().find(|other| other.tape == stored.tape);
        ready(found.map(|found| {
            found.heard = heard.then(|| "2026-12-18T18:00:00.000Z".to_owned());
            found.clone()
        }))
    }

    fn remove(&self, stored: StoredTape) -> Answer<()> {
        self.tapes.lock().expect("nobody panics with it").retain(|other| other.tape != stored.tape);
        ready(())
    }

    fn path(&self, _: &KeptTape) -> PathBuf {
        self.folder.path().join("audio")
    }
}

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

#[test]
fn a_message_is_listed_marked_played_and_deleted() {
    let house = House::furnished();
    let list = house.ask("GET /api/v1/voicemail").json();
    let support = list["items"].as_array().and_then(|items| items.iter().find(|item| item["mailbox"] == "support"));
    assert_eq!(support.map(|support| (&support["new"], &support["heard"])), Some((&json!(1), &json!(0))), "{list}");
    let message = &house.ask("GET /api/v1/voicemail/support").json()["items"][0];
    assert_eq!((&message["id"], &message["duration"], &message["heard"]), (&json!("m17"), &json!(7.5), &Value::Null));
    let address = "/api/v1/voicemail/support/m17";
    assert_eq!(message["audio"], json!(format!("{address}/audio")));
    let marked = house.send(&format!("PUT {address}"), &JSON, r#"{"heard": true}"#);
    assert_eq!((marked.status, marked.json()["heard"].is_string()), (200, true));
    assert_eq!(house.ask("GET /api/v1/voicemail/support?heard=false").json()["items"], json!([]));
    assert_eq!(house.ask(&format!("DELETE {address}")).status, 204);
    assert_eq!(house.ask(&format!("GET {address}")).status, 404);
}

#[test]
fn audio_is_served_whole_and_in_parts() {
    let house = House::furnished();
    for address in ["/api/v1/voicemail/support/m17/audio", "/api/v1/recordings/r18/audio"] {
        let ask = |range: &str| house.send(&format!("GET {address}"), &[("Range", range)], "");
        let whole = house.ask(&format!("GET {address}"));
        assert_eq!((whole.status, whole.body.as_str()), (200, "0123456789"));
        assert_eq!((whole.header("Content-Type"), whole.header("Accept-Ranges")), (Some("audio/wav"), Some("bytes")));
        let part = ask("bytes=2-5");
        assert_eq!((part.status, part.body.as_str()), (206, "2345"));
        assert_eq!(part.header("Content-Range"), Some("bytes 2-5/10"));
        assert_eq!(ask("bytes=-3").body, "789");
        let beyond = ask("bytes=10-");
        assert_eq!((beyond.status, beyond.header("Content-Range")), (416, Some("bytes */10")));
        assert_eq!(beyond.header("Content-Type"), Some("application/problem+json"));
    }
}

#[test]
fn what_is_wrong_is_said() {
    let house = House::furnished();
    let put = |path: &str, body: &str| house.send(&format!("PUT /api/v1/{path}"), &JSON, body).status;
    for (status, path) in [
        (404, "voicemail/nobody"),
        (404, "voicemail/support/m1"),
        (404, "voicemail/other/m17"),
        (404, "recordings/r1"),
        (404, "recordings/m17"),
        (400, "voicemail?heard=true"),
        (400, "voicemail/support?heard=perhaps"),
        (400, "recordings?limit=0"),
        (400, "recordings?call=c%201"),
        (200, "recordings?call=c7&limit=5"),
    ] {
        assert_eq!(house.ask(&format!("GET /api/v1/{path}")).status, status, "{path}");
    }
    assert_eq!(put("voicemail/support/m17", r#"{"heard": "yes"}"#), 422);
    assert_eq!(put("voicemail/support/m17", "{"), 400);
    // The call c7 is not recorded.
    assert_eq!(put("calls/c7/recording", r#"{"state": "paused"}"#), 409);
    assert_eq!(put("calls/c9/recording", r#"{"state": "paused"}"#), 404);
    assert_eq!(put("calls/c8/recording", r#"{"state": "begun"}"#), 422);
    assert_eq!(put("calls/c8/recording", r#"{"state": "paused"}"#), 204);
    let wish = RecordingWish::Pause;
    assert_eq!(house.commands(), [OperatorCommand::Recording { call: CallId(8), wish }]);
}
