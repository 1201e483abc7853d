//! Messages by mail: each is sent with its WAV file, and tried again for two days while the mail server does not take it.
//! What is still to be sent is in the database, so that neither a restart nor a server that is down loses any.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use lettre::message::header::ContentType;
use lettre::message::{Attachment, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport};
use tokio::runtime::Runtime;
use tracing::{info, warn};

use crate::config::{MailSettings, Secured};
use crate::journal::StoredTape;
use crate::metrics::{MailCounts, MailResult};
use crate::store::{Shelf, ToMail};

/// How long the mail server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pauses between tries; the last one over and over.
const PAUSES: [Duration; 6] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
    Duration::from_secs(1_800),
    Duration::from_secs(3_600),
];
/// Two days of tries.
const TRIES_MAX: u32 = 52;
/// A refusal for good is tried again so often: some servers say so too soon.
const REFUSALS_MAX: u32 = 3;
/// Without news the database is looked at so often.
const LOOK: Duration = Duration::from_secs(3_600);

/// The thread that mails; it ends when this is dropped.
pub struct Post {
    news: Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Post {
    /// Starts it.
    ///
    /// # Errors
    /// There is no thread, or no way to the server could ever work.
    pub fn start(mail: MailSettings, shelf: Shelf, counts: MailCounts) -> anyhow::Result<Post> {
        let transport = transport(&mail).context("messages cannot be mailed")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let (news, told) = mpsc::channel();
        let posting = Posting { mail, transport, shelf, counts, runtime };
        let thread = thread::Builder::new().name("post".into()).spawn(move || posting.run(&told))?;
        Ok(Post { news, thread: Some(thread) })
    }

    /// What tells it that there is something to mail.
    pub fn bell(&self) -> impl Fn() + Send + 'static {
        let news = self.news.clone();
        move || {
            // A thread that has ended mails nothing more.
            let _ = news.send(true);
        }
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        let _ = self.news.send(false);
        // It is not waited for: a mail server may take its time, and what is left is sent after the next start.
        drop(self.thread.take());
    }
}

fn transport(mail: &MailSettings) -> anyhow::Result<SmtpTransport> {
    let parameters = || TlsParameters::new(mail.host.clone());
    let tls = match mail.secured {
        Secured::Always => Tls::Wrapper(parameters()?),
        Secured::Upgraded => Tls::Required(parameters()?),
        Secured::IfOffered => Tls::Opportunistic(parameters()?),
    };
    let mut builder = SmtpTransport::builder_dangerous(&mail.host).port(mail.port).tls(tls).timeout(Some(PATIENCE));
    if let Some((user, password)) = &mail.login {
        builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
    }
    Ok(builder.build())
}

struct Posting {
    mail: MailSettings,
    transport: SmtpTransport,
    shelf: Shelf,
    counts: MailCounts,
    runtime: Runtime,
}

impl Posting {
    fn run(self, told: &mpsc::Receiver<bool>) {
        loop {
            let patience = match self.runtime.block_on(self.shelf.to_mail()) {
                Ok(None) => LOOK,
                Ok(Some((due, message))) => match Duration::try_from(due.duration_since(Timestamp::now())) {
                    Ok(wait) if !wait.is_zero() => wait.min(LOOK),
                    _ => {
                        self.send(&message);
                        Duration::ZERO
                    }
                },
                Err(reason) => {
                    warn!(%reason, "what is to be mailed cannot be read");
                    PAUSES[0]
                }
            };
            match told.recv_timeout(patience) {
                Ok(true) | Err(RecvTimeoutError::Timeout) => {}
                Ok(false) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn send(&self, message: &ToMail) {
        let name = &message.tape.tape.name;
        let done = match self.try_to_send(message) {
            Ok(()) => {
                info!(message = name, "a message was mailed");
                self.counts.count(MailResult::Sent);
                self.runtime.block_on(self.shelf.mailed(name))
            }
            Err(Failure { reason, for_good }) => {
                let tries = message.tries + 1;
                let most = if for_good { REFUSALS_MAX } else { TRIES_MAX };
                if tries >= most {
                    warn!(
                        message = name,
                        reason, tries, "a message could not be mailed and is tried no more; it is kept"
                    );
                    self.counts.count(MailResult::GivenUp);
                    self.runtime.block_on(self.shelf.mailed(name))
                } else {
                    let pause = PAUSES[(tries as usize - 1).min(PAUSES.len() - 1)];
                    warn!(message = name, reason, tries, ?pause, "a message could not be mailed; it is tried again");
                    self.counts.count(MailResult::Failed);
                    let pause = SignedDuration::try_from(pause).unwrap_or_default();
                    let due = Timestamp::now().checked_add(pause).unwrap_or(Timestamp::MAX);
                    self.runtime.block_on(self.shelf.mail_again(name, tries, due))
                }
            }
        };
        if let Err(reason) = done {
            warn!(%reason, message = name, "what was mailed cannot be noted: it may be sent again");
            // Without the database it would be sent over and over.
            thread::sleep(PAUSES[0]);
        }
    }

    fn try_to_send(&self, message: &ToMail) -> Result<(), Failure> {
        let audio = std::fs::read(self.shelf.path(&message.tape.tape));
        let audio =
            audio.map_err(|reason| Failure { reason: format!("its audio is gone: {reason}"), for_good: true })?;
        let written = letter(&self.mail.from, &message.tape, &message.to, audio)
            .map_err(|reason| Failure { reason: reason.to_string(), for_good: true })?;
        match self.transport.send(&written) {
            Ok(_) => Ok(()),
            Err(reason) => Err(Failure { for_good: reason.is_permanent(), reason: told(&reason) }),
        }
    }
}

struct Failure {
    reason: String,
    for_good: bool,
}

/// The reason with what lies beneath it.
fn told(reason: &dyn std::error::Error) -> String {
    let mut text = reason.to_string();
    let mut beneath = reason.source();
    while let Some(cause) = beneath {
        text += &format!(": {cause}");
        beneath = cause.source();
    }
    text
}

/// The mail: who called, when, how long, and the audio.
fn letter(from: &str, stored: &StoredTape, to: &[String], audio: Vec<u8>) -> anyhow::Result<Message> {
    let tape = &stored.tape;
    let label = &tape.label;
    let mailbox: Arc<str> = label.mailbox.clone().unwrap_or_default();
    let number = match label.caller.reveal() {
        "" => "a withheld number",
        number => number,
    };
    let caller = match &label.caller_name {
        Some(name) => format!("{} ({number})", name.replace(char::is_control, " ")),
        None => number.to_owned(),
    };
    let seconds = tape.length.as_secs_f64().round();
    let length = match seconds as u64 {
        1 => "1 second".to_owned(),
        seconds @ ..120 => format!("{seconds} seconds"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    };
    let body = format!(
        "A message for {mailbox}.\n\nFrom:    {caller}\nTo:      {}\nWhen:    {}\nLength:  {length}\nCall:    {}\n",
        label.dialled, label.started, label.call
    );
    let attachment = Attachment::new(format!("{}.wav", tape.name)).body(audio, ContentType::parse("audio/wav")?);
    let mut builder = Message::builder()
        .from(format!("Helpline <{from}>").parse()?)
        .subject(format!("Voicemail for {mailbox} from {caller}, {length}"));
    for address in to {
        builder = builder.to(address.parse()?);
    }
    Ok(builder.multipart(MultiPart::mixed().singlepart(SinglePart::plain(body)).singlepart(attachment))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telephony::{KeptTape, PhoneNumber, TapeKind, TapeLabel};

    #[test]
    fn a_letter_tells_who_called_and_has_the_audio() {
        let label = TapeLabel {
            mailbox: Some("support".into()),
            call: "c1".into(),
            caller: PhoneNumber::new("+442079460123"),
            caller_name: Some("Ann\r\nBcc: x@example.com".into()),
            dialled: "1000".into(),
            started: "2026-12-18T17:29:00.000Z".into(),
            language: "en".into(),
            mail: Vec::new(),
        };
        let tape = KeptTape {
            name: "m17".into(),
            kind: TapeKind::Message,
            folder: "voicemail/support".into(),
            label,
            length: Duration::from_millis(71_600),
            octets: 4,
        };
        let stored = StoredTape { tape, heard: None };
        let to = ["support@example.com".to_owned()];
        let written = letter("helpline@example.com", &stored, &to, vec![0xFF, 1, 2, 3]).expect("a letter").formatted();
        let written = String::from_utf8(written).expect("text");
        for part in ["To: support@example.com", "Content-Type: audio/wav", "m17.wav", "/wECAw==", "72 seconds", "123"] {
            assert!(written.contains(part), "{part} is not in\n{written}");
        }
        assert!(!written.contains("\nBcc:"), "{written}");
    }
}
