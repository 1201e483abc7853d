//! `mail:`: how messages are mailed; and for how long messages and recordings are kept.

use std::path::Path;
use std::time::Duration;

use super::settings::Reader;
use super::{Installation, MailSettings, Secured};
use crate::flow::document::diagnostic::shortened;
use crate::flow::document::tree::{Entry, Node};
use crate::flow::document::{codes, is_mail_address, scalar};

pub(super) const MAIL_KEYS: [&str; 5] = ["server", "from", "user", "password", "password_file"];
pub(super) const KEEP_KEYS: [&str; 1] = ["keep"];
/// For how long messages and recordings may be kept.
const KEPT: std::ops::RangeInclusive<Duration> = Duration::from_secs(3_600)..=Duration::from_secs(20 * 366 * 86_400);
/// Submission (RFC 6409), ...
const SUBMISSION: u16 = 587;
/// ... the same within TLS from the beginning (RFC 8314), ...
const SUBMISSIONS: u16 = 465;
/// ... and the port of mail itself.
const SMTP: u16 = 25;

impl Reader<'_> {
    pub(super) fn mail(&mut self, root: &Node, installation: &mut Installation) {
        let Some(mail) = self.section(root, "mail", &MAIL_KEYS) else { return };
        let lacks = |reader: &mut Self, key: &str, remedy: &str| {
            if let (None, Some(entry)) = (mail.find(key), root.find("mail")) {
                let fault = reader.page.error(codes::MISSING_KEY, entry.key_span, format!("`mail` has no `{key}`"));
                reader.faults.push(fault.remedy(remedy));
            }
        };
        lacks(self, "server", "name the mail server: `server: smtp://mail.example.com`");
        lacks(self, "from", "say who sends: `from: helpline@example.com`");
        let user = mail.find("user").and_then(|entry| self.text(entry, "the name of an account"));
        let password = self.mail_password(mail);
        let server = mail.find("server").and_then(|entry| self.mail_server(entry, user.is_some()));
        let from = mail.find("from").and_then(|entry| {
            let text = self.text(entry, "an address of mail")?;
            if is_mail_address(&text) {
                return Some(text);
            }
            let message = format!("`{}` is not an address of mail", shortened(&text));
            self.error(codes::MAIL_ADDRESS, entry, message, "write it like `helpline@example.com`");
            None
        });
        if let (Some((secured, host, port)), Some(from)) = (server, from) {
            let login = user.map(|user| (user, password.unwrap_or_default()));
            installation.mail = Some(MailSettings { secured, host, port, login, from });
        }
    }

    /// `smtp://mail.example.com`, `smtps://mail.example.com:465`.
    fn mail_server(&mut self, entry: &Entry, has_login: bool) -> Option<(Secured, String, u16)> {
        let text = self.text(entry, "a mail server such as `smtp://mail.example.com`")?;
        let (scheme, rest) = text.split_once("://").unwrap_or(("", &text));
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok().filter(|port: &u16| *port > 0)),
            None if scheme == "smtps" => (rest, Some(SUBMISSIONS)),
            None if has_login => (rest, Some(SUBMISSION)),
            None => (rest, Some(SMTP)),
        };
        let secured = match scheme {
            "smtps" => Some(Secured::Always),
            // A password is never sent in clear, but within this machine.
            "smtp" if has_login && !matches!(host, "localhost" | "127.0.0.1") => Some(Secured::Upgraded),
            "smtp" => Some(Secured::IfOffered),
            _ => None,
        };
        let named = !host.is_empty()
            && host.len() <= 253
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
        match (secured, port) {
            (Some(secured), Some(port)) if named => Some((secured, host.to_ascii_lowercase(), port)),
            _ => {
                let message = format!("`{}` is no mail server", shortened(&text));
                let remedy = "write `smtp://mail.example.com`, or `smtps://mail.example.com:465`; the account goes into \
                              `user` and `password`";
                self.error(codes::ADDRESS, entry, message, remedy);
                None
            }
        }
    }

    fn mail_password(&mut self, mail: &Node) -> Option<String> {
        let password = mail.find("password").and_then(|entry| self.text(entry, "a password"));
        let Some(entry) = mail.find("password_file") else { return password };
        if password.is_some() {
            let message = "there is a `password` as well".to_owned();
            self.error(codes::DUPLICATE_KEY, entry, message, "keep one of the two");
            return password;
        }
        let file = self.text(entry, "the path of a file")?;
        match (self.read_secret)(Path::new(&file)) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(why) => {
                let message = format!("`{}` cannot be read: {why}", shortened(&file));
                self.error(codes::UNREADABLE, entry, message, "");
                None
            }
        }
    }

    /// For how long messages and recordings are kept.
    pub(super) fn keep_tapes(&mut self, root: &Node, installation: &mut Installation) {
        let kept =
            [("voicemail", &mut installation.tapes.messages), ("recordings", &mut installation.tapes.recordings)];
        for (name, kept) in kept {
            let Some(section) = self.section(root, name, &KEEP_KEYS) else { continue };
            let Some(entry) = section.find("keep") else { continue };
            let Some(text) = self.text(entry, "a length of time such as `90d`") else { continue };
            match scalar::duration(&text).filter(|keep| KEPT.contains(keep)) {
                Some(keep) => *kept = keep,
                None => {
                    let message = format!("`{}` is no length of time from 1h to 7320d", shortened(&text));
                    self.error(codes::DURATION, entry, message, "write it like `90d` or `12h`");
                }
            }
        }
    }
}
