//! `sip.trunks`: by whom calls come from and leave for the telephone network.

use std::path::Path;
use std::sync::Arc;

use super::Installation;
use super::settings::Reader;
use crate::flow::document::diagnostic::shortened;
use crate::flow::document::tree::{Content, Entry, Node};
use crate::flow::document::{codes, scalar};
use crate::telephony::{Login, NUMBER_DIGITS_MAX, Network, TransportKind, Trunk};

/// Most trunks.
const MOST_TRUNKS: usize = 100;
/// Most networks, and most prefixes, of one trunk.
const MOST_ITEMS: usize = 1_000;
/// The port of SIP (RFC 3261 section 19.1.2).
const PORT: u16 = 5060;

pub(super) const KEYS: [&str; 4] = ["host", "from", "register", "dial"];
pub(super) const REGISTER_KEYS: [&str; 3] = ["user", "password", "password_file"];

impl Reader<'_> {
    /// `trunks: {carrier: {host: ..., from: [...], register: {...}, dial: [...]}}`.
    pub(super) fn trunks(&mut self, sip: &Node, installation: &mut Installation) {
        let Some(entry) = sip.find("trunks") else { return };
        let entries = match &entry.value.content {
            Content::Table(entries) => entries.as_slice(),
            Content::Nothing => return,
            _ => {
                let message = format!("`trunks` takes a table of trunks, and this is {}", entry.value.described());
                return self.error(codes::WRONG_SHAPE, entry, message, "write `carrier: {host: sip.example.com}`");
            }
        };
        if entries.len() > MOST_TRUNKS {
            self.error(codes::TOO_LARGE, entry, format!("there are more than {MOST_TRUNKS} trunks"), "");
        }
        for entry in entries.iter().take(MOST_TRUNKS) {
            if let Some(trunk) = self.trunk(entry) {
                installation.sip.trunks.push(trunk);
            }
        }
    }

    fn trunk(&mut self, entry: &Entry) -> Option<Trunk> {
        let name = entry.key.as_str();
        if !scalar::is_name(name) {
            let message = format!("`{}` cannot be the name of a trunk", shortened(name));
            let fault = self.page.error(codes::NAME, entry.key_span, message);
            self.faults.push(fault.remedy("names are words of letters, digits, `_` and `-`"));
            return None;
        }
        let Some(entries) = entry.value.table() else {
            let message = format!("the trunk `{name}` is a table of settings, and this is {}", entry.value.described());
            self.error(codes::WRONG_SHAPE, entry, message, "write `{host: sip.example.com, dial: [\"+44\"]}`");
            return None;
        };
        self.tell_unknown(&format!("the trunk `{name}`"), entries, &KEYS);
        let from = self.from(&entry.value);
        let register = self.register(entry, name);
        let dial = self.dial(&entry.value);
        let Some(host) = entry.value.find("host") else {
            let fault =
                self.page.error(codes::MISSING_KEY, entry.key_span, format!("the trunk `{name}` has no `host`"));
            self.faults.push(fault.remedy("name the provider's address: `host: sip.example.com`"));
            return None;
        };
        let (transport, host, port) = self.host(host)?;
        Some(Trunk { name: Arc::from(name), transport, host, port, from, register, dial })
    }

    /// `sip.example.com`, `192.0.2.7:5080`, `tcp://sip.example.com`.
    fn host(&mut self, entry: &Entry) -> Option<(TransportKind, String, u16)> {
        let text = self.text(entry, "a host such as `sip.example.com`")?;
        let (scheme, rest) = text.split_once("://").unwrap_or(("udp", &text));
        let transport = match scheme {
            "udp" => Some(TransportKind::Udp),
            "tcp" => Some(TransportKind::Tcp),
            "tls" => {
                let message = "`tls://` is not available in this version".to_owned();
                self.error(codes::NOT_AVAILABLE, entry, message, "");
                return None;
            }
            _ => None,
        };
        let (host, port) = match rest.rsplit_once(':') {
            _ if rest.parse::<std::net::Ipv6Addr>().is_ok() => (rest, Some(PORT)),
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok().filter(|port| *port > 0)),
            _ => (rest, Some(PORT)),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let address = host.parse::<std::net::IpAddr>();
        let is_host = match address {
            Ok(address) => !address.is_unspecified(),
            Err(_) => is_host_name(host),
        };
        match (transport, port) {
            (Some(transport), Some(port)) if is_host => Some((transport, host.to_ascii_lowercase(), port)),
            _ => {
                let message = format!("`{}` is no host that could be called", shortened(&text));
                self.error(codes::ADDRESS, entry, message, "write `sip.example.com`, `192.0.2.7:5080` or `tcp://...`");
                None
            }
        }
    }

    fn from(&mut self, trunk: &Node) -> Vec<Network> {
        let Some(entry) = trunk.find("from") else { return Vec::new() };
        let mut networks = Vec::new();
        for node in self.items(entry).iter().take(MOST_ITEMS) {
            let Some(text) = self.text_of_node(node, entry, "networks such as `192.0.2.0/24`") else { continue };
            match Network::parse(&text) {
                Some(network) => networks.push(network),
                None => {
                    let message = format!("`{}` is no network", shortened(&text));
                    let fault = self.page.error(codes::ADDRESS, node.span, message);
                    self.faults
                        .push(fault.remedy("write an address, or one with the length of its prefix: `192.0.2.0/24`"));
                }
            }
        }
        networks
    }

    fn register(&mut self, trunk: &Entry, name: &str) -> Option<Login> {
        let entry = trunk.value.find("register")?;
        let Some(entries) = entry.value.table() else {
            let message = format!("`register` takes a name and a password, and this is {}", entry.value.described());
            self.error(codes::WRONG_SHAPE, entry, message, "write `{user: acme, password: \"${ACME_PASSWORD}\"}`");
            return None;
        };
        self.tell_unknown("`register`", entries, &REGISTER_KEYS);
        let user = entry.value.find("user").and_then(|user| self.text(user, "the name of the account"));
        let password = match (entry.value.find("password"), entry.value.find("password_file")) {
            (Some(_), Some(file)) => {
                let message = "there is a `password` as well".to_owned();
                self.error(codes::DUPLICATE_KEY, file, message, "keep one of the two");
                None
            }
            (Some(password), None) => self.text(password, "the password of the account"),
            (None, Some(file)) => self.password_file(file),
            (None, None) => {
                let message = format!("the trunk `{name}` has no password to register with");
                self.error(codes::MISSING_KEY, entry, message, "write `password: \"${ACME_PASSWORD}\"`");
                None
            }
        };
        match user.filter(|user| !user.is_empty() && !user.chars().any(|c| c.is_control() || c.is_whitespace())) {
            Some(user) => Some(Login { user, password: password? }),
            None => {
                let message = format!("the trunk `{name}` has no account to register");
                self.error(codes::MISSING_KEY, entry, message, "write `user: acme`");
                None
            }
        }
    }

    fn password_file(&mut self, entry: &Entry) -> Option<String> {
        let file = self.text(entry, "the path of a file")?;
        match (self.read_secret)(Path::new(&file)) {
            Ok(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Ok(_) => {
                let message = format!("there is no password in `{}`", shortened(&file));
                self.error(codes::UNREADABLE, entry, message, "");
                None
            }
            Err(why) => {
                self.error(codes::UNREADABLE, entry, format!("`{}` cannot be read: {why}", shortened(&file)), "");
                None
            }
        }
    }

    /// How numbers begin that may be called: digits, with a plus before them or not.
    fn dial(&mut self, trunk: &Node) -> Vec<String> {
        let Some(entry) = trunk.find("dial") else { return Vec::new() };
        let mut prefixes: Vec<String> = Vec::new();
        for node in self.items(entry).iter().take(MOST_ITEMS) {
            let Some(text) = self.text_of_node(node, entry, "beginnings of numbers such as `+44`") else { continue };
            let digits = text.strip_prefix('+').unwrap_or(&text);
            let is_prefix = digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() <= NUMBER_DIGITS_MAX;
            if !is_prefix || text.is_empty() {
                let message = format!("no number begins with `{}`", shortened(&text));
                let fault = self.page.error(codes::DIAL_PREFIX, node.span, message);
                self.faults.push(fault.remedy("write digits, with a plus before them or not: `\"+44\"`"));
            } else if prefixes.contains(&text) {
                let fault = self.page.error(codes::DUPLICATE_KEY, node.span, format!("`{text}` stands here twice"));
                self.faults.push(fault);
            } else {
                prefixes.push(text);
            }
        }
        prefixes
    }
}

/// Labels of letters, digits and hyphens, with dots between them (RFC 1123 section 2.1).
fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label) && !name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}
