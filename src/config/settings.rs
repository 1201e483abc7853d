//! The reading of the installation file's settings, with every fault told at once.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Installation, ListenAddress};
use crate::flow::document::diagnostic::{listed, shortened};
use crate::flow::document::tree::{self, Content, Entry, Node};
use crate::flow::document::{Code, Diagnostic, Faults, Page, Source, codes, environment, scalar};
use crate::telephony::{Codec, InbandDigits, TransportKind};

/// The most calls that a server takes on, at once or a second.
const MOST_CALLS: u32 = 100_000;
/// The longest that a shutdown takes.
const LONGEST_DRAIN: Duration = Duration::from_secs(24 * 3600);
/// The version of the file that this program reads.
const VERSION: &str = "1";

pub(super) const KEYS: [&str; 16] = [
    "helpline",
    "sip",
    "media",
    "http",
    "limits",
    "data",
    "records",
    "mail",
    "voicemail",
    "recordings",
    "flows",
    "prompts",
    "watch",
    "drain",
    "codes",
    "text_to_speech",
];
pub(super) const SIP_KEYS: [&str; 4] = ["listen", "advertise", "realm", "trunks"];
pub(super) const MEDIA_KEYS: [&str; 3] = ["ports", "codecs", "inband_digits"];
pub(super) const HTTP_KEYS: [&str; 4] = ["listen", "advertise", "token", "token_file"];
/// The longest address that is told of HTTP: a header of SIP holds it.
const LONGEST_URL: usize = 200;
pub(super) const LIMIT_KEYS: [&str; 2] = ["calls", "calls_per_second"];
pub(super) const RECORD_KEYS: [&str; 2] = ["keep", "size_mb"];
/// For how long records of calls may be kept.
const RECORDS_KEPT: RangeInclusive<Duration> = Duration::from_secs(3600)..=Duration::from_secs(20 * 366 * 86_400);
/// How large the database may become, in MiB.
const SIZE_MB: RangeInclusive<u32> = 16..=1_000_000;
/// Settings that this version does not have.
const LATER: [&str; 1] = ["tls"];
pub(super) const CODECS: [(&str, Codec); 2] = [("pcmu", Codec::Pcmu), ("pcma", Codec::Pcma)];
const LATER_CODECS: [&str; 2] = ["g722", "opus"];
const LATER_TRANSPORTS: [&str; 3] = ["tls", "ws", "wss"];

/// Reads the text of an installation file.
pub(super) fn read(
    source: &Source,
    environment: &dyn Fn(&str) -> Option<String>,
    read_secret: &dyn Fn(&Path) -> Result<String, String>,
) -> (Installation, Vec<Diagnostic>) {
    let page = Page::new(source);
    let mut reader = Reader { page: &page, faults: Faults::default(), environment, read_secret };
    let mut installation = Installation::default();
    if let Some(root) = tree::read(&page, &mut reader.faults) {
        reader.installation(&root, &mut installation);
    }
    (installation, reader.faults.in_order(std::slice::from_ref(source)))
}

pub(super) struct Reader<'a> {
    pub(super) page: &'a Page<'a>,
    pub(super) faults: Faults,
    environment: &'a dyn Fn(&str) -> Option<String>,
    pub(super) read_secret: &'a dyn Fn(&Path) -> Result<String, String>,
}

impl Reader<'_> {
    fn installation(&mut self, root: &Node, installation: &mut Installation) {
        let Some(entries) = root.table() else {
            if !root.is_nothing() {
                let message = format!("the installation file is a table of settings, and this is {}", root.described());
                self.faults.push(self.page.error(codes::WRONG_SHAPE, root.span, message));
            }
            return;
        };
        self.tell_unknown("the installation file", entries, &KEYS);
        if let Some(entry) = root.find("helpline")
            && let Some(version) = self.text(entry, "the version of the file, `1`")
            && version != VERSION
        {
            let message = format!("this file is for version {} of the settings", shortened(&version));
            self.error(codes::VERSION, entry, message, "this program reads `helpline: 1`");
        }
        self.sip(root, installation);
        self.media(root, installation);
        self.http(root, installation);
        self.limits(root, installation);
        let folders = [
            ("data", &mut installation.data),
            ("flows", &mut installation.flows),
            ("prompts", &mut installation.prompts),
        ];
        for (key, path) in folders {
            let Some(entry) = root.find(key) else { continue };
            match self.text(entry, "a folder") {
                Some(folder) if !folder.trim().is_empty() => *path = PathBuf::from(folder),
                Some(_) => self.error(codes::WRONG_SHAPE, entry, format!("`{key}` names no folder"), ""),
                None => {}
            }
        }
        self.watch(root, installation);
        self.drain(root, installation);
        self.records(root, installation);
        self.mail(root, installation);
        self.keep_tapes(root, installation);
        installation.codes = self.codes(root);
        installation.text_to_speech = self.text_to_speech(root);
        let pairs = installation.media.pairs();
        if pairs > 0 && pairs < installation.limits.calls {
            let place = root.find("media").and_then(|media| media.value.find("ports"));
            let place = place.or_else(|| root.find("limits").and_then(|limits| limits.value.find("calls")));
            if let Some(entry) = place {
                let calls = installation.limits.calls;
                let message = format!("there are ports for {pairs} calls, and the limit is {calls}");
                let fault = self.page.warning(codes::PORTS, entry.place(), message);
                self.faults.push(
                    fault
                        .remedy("every call takes two ports")
                        .consequence(format!("caller {} would be refused", pairs + 1)),
                );
            }
        }
    }

    fn sip(&mut self, root: &Node, installation: &mut Installation) {
        let Some(sip) = self.section(root, "sip", &SIP_KEYS) else { return };
        if let Some(entry) = sip.find("listen") {
            let mut listen: Vec<ListenAddress> = Vec::new();
            for node in self.items(entry) {
                let Some(address) = self.listen(entry, node) else { continue };
                if listen.contains(&address) && address.address.port() != 0 {
                    let message = format!("`{}` stands here twice", shortened(node.text().unwrap_or_default()));
                    self.faults.push(self.page.error(codes::DUPLICATE_KEY, node.span, message));
                } else {
                    listen.push(address);
                }
            }
            if !listen.is_empty() {
                installation.sip.listen = listen;
            } else if matches!(&entry.value.content, Content::Nothing)
                || matches!(&entry.value.content, Content::List(items) if items.is_empty())
            {
                self.error(
                    codes::LISTEN,
                    entry,
                    "`listen` names no address".to_owned(),
                    "write `[udp://0.0.0.0:5060]`",
                );
            }
        }
        if let Some(entry) = sip.find("advertise")
            && let Some(text) = self.text(entry, "an address, or `auto`")
            && text != "auto"
        {
            match text.parse::<IpAddr>() {
                Ok(address) if !address.is_unspecified() => installation.sip.advertise = Some(address),
                _ => {
                    let message = format!("`{}` is not an address that callers could reach", shortened(&text));
                    self.error(codes::ADDRESS, entry, message, "write an IP address such as `192.0.2.1`, or `auto`");
                }
            }
        }
        if let Some(entry) = sip.find("realm")
            && let Some(realm) = self.text(entry, "a name")
        {
            // It stands in a quoted-string of RFC 3261.
            if realm.is_empty() || realm.len() > 64 || realm.chars().any(|c| c.is_control() || matches!(c, '"' | '\\'))
            {
                let message = "`realm` is a short name without quotation marks".to_owned();
                self.error(codes::WRONG_WORD, entry, message, "write something like `helpline`");
            } else {
                installation.sip.realm = realm;
            }
        }
        self.trunks(sip, installation);
    }

    fn listen(&mut self, entry: &Entry, node: &Node) -> Option<ListenAddress> {
        let text = self.text_of_node(node, entry, "addresses such as `udp://0.0.0.0:5060`")?;
        let (scheme, rest) = text.split_once("://").unwrap_or(("", &text));
        let transport = match scheme {
            "udp" => TransportKind::Udp,
            "tcp" => TransportKind::Tcp,
            _ => {
                let fault = if LATER_TRANSPORTS.contains(&scheme) {
                    let message = format!("`{scheme}://` is not available in this version");
                    self.page.error(codes::NOT_AVAILABLE, node.span, message)
                } else {
                    let message = format!("`{}` does not say how to listen", shortened(&text));
                    self.page
                        .error(codes::LISTEN, node.span, message)
                        .remedy("write `udp://` or `tcp://` before the address")
                };
                self.faults.push(fault);
                return None;
            }
        };
        match rest.parse::<SocketAddr>() {
            Ok(address) => Some(ListenAddress { transport, address }),
            Err(_) => {
                // The port of SIP (RFC 3261 section 19.1.2) where none is written.
                if let Ok(address) = rest.parse::<IpAddr>() {
                    return Some(ListenAddress { transport, address: SocketAddr::from((address, 5060)) });
                }
                let message = format!("`{}` is not an address and port", shortened(rest));
                let fault = self.page.error(codes::LISTEN, node.span, message);
                self.faults.push(fault.remedy("write `udp://0.0.0.0:5060`, or `\"udp://[::]:5060\"` in quotes"));
                None
            }
        }
    }

    fn media(&mut self, root: &Node, installation: &mut Installation) {
        let Some(media) = self.section(root, "media", &MEDIA_KEYS) else { return };
        if let Some(entry) = media.find("ports")
            && let Some(text) = self.text(entry, "a range of ports such as `16384-20479`")
        {
            let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port >= 1024);
            let ports = text.split_once('-').and_then(|(first, last)| Some(port(first)?..=port(last)?));
            let before = installation.media.ports.clone();
            installation.media.ports = ports.unwrap_or(0..=0);
            if installation.media.pairs() == 0 || installation.media.ports.is_empty() {
                let message = format!("`{}` is no range of ports", shortened(&text));
                self.error(codes::PORTS, entry, message, "write two ports from 1024 to 65535, such as `16384-20479`");
                installation.media.ports = before;
            }
        }
        if let Some(entry) = media.find("codecs") {
            let mut codecs = Vec::new();
            for node in self.items(entry) {
                let Some(name) = self.text_of_node(node, entry, "codecs") else { continue };
                let known = CODECS.iter().find(|(known, _)| *known == name);
                match known {
                    Some((_, codec)) if codecs.contains(codec) => {
                        let fault =
                            self.page.error(codes::DUPLICATE_KEY, node.span, format!("`{name}` stands here twice"));
                        self.faults.push(fault);
                    }
                    Some((_, codec)) => codecs.push(*codec),
                    None if LATER_CODECS.contains(&name.as_str()) => {
                        let message = format!("`{name}` is not available in this version");
                        self.faults.push(self.page.error(codes::NOT_AVAILABLE, node.span, message));
                    }
                    None => {
                        let message = format!("no codec is named `{}`", shortened(&name));
                        let names = CODECS.iter().map(|(name, _)| *name);
                        let fault = self.page.error(codes::CODEC, node.span, message).meant(&name, names.clone());
                        self.faults
                            .push(fault.or_remedy(&format!("there are {}", listed(names).replace(" or ", " and "))));
                    }
                }
            }
            match codecs.is_empty() {
                true => self.error(codes::CODEC, entry, "no codec is left to speak".to_owned(), "write `[pcmu, pcma]`"),
                false => installation.media.codecs = codecs,
            }
        }
        if let Some(entry) = media.find("inband_digits")
            && let Some(text) = self.text(entry, "`auto`, `on` or `off`")
        {
            match text.as_str() {
                "auto" => installation.media.inband_digits = InbandDigits::Auto,
                "on" | "true" => installation.media.inband_digits = InbandDigits::On,
                "off" | "false" => installation.media.inband_digits = InbandDigits::Off,
                _ => {
                    let message = "`inband_digits` is `auto`, `on` or `off`".to_owned();
                    self.error(codes::WRONG_WORD, entry, message, "");
                }
            }
        }
    }

    fn http(&mut self, root: &Node, installation: &mut Installation) {
        let Some(http) = self.section(root, "http", &HTTP_KEYS) else { return };
        if let Some(entry) = http.find("listen")
            && let Some(text) = self.text(entry, "an address and port such as `127.0.0.1:8080`")
        {
            match text.parse::<SocketAddr>() {
                Ok(address) => installation.http.listen = address,
                Err(_) => {
                    let message = format!("`{}` is not an address and port", shortened(&text));
                    self.error(codes::ADDRESS, entry, message, "write something like `127.0.0.1:8080`");
                }
            }
        }
        if let Some(entry) = http.find("advertise")
            && let Some(text) = self.text(entry, "an address such as `https://helpline.example.com`, or `auto`")
            && text != "auto"
        {
            let address = text.trim_end_matches('/');
            let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
            let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"".contains(&byte));
            if rest.is_some_and(|rest| !rest.is_empty() && plain(rest)) && address.len() <= LONGEST_URL {
                installation.http.advertise = Some(address.to_owned());
            } else {
                let message = format!("`{}` is not an address of HTTP", shortened(&text));
                self.error(codes::ADDRESS, entry, message, "write something like `https://helpline.example.com`");
            }
        }
        let mut token = http.find("token").and_then(|entry| self.text(entry, "a secret word"));
        let token_is_empty = token.as_deref() == Some("");
        if let Some(entry) = http.find("token_file") {
            if token.as_ref().is_some_and(|token| !token.is_empty()) {
                let message = "there is a `token` as well".to_owned();
                self.error(codes::DUPLICATE_KEY, entry, message, "keep one of the two");
            } else if let Some(file) = self.text(entry, "the path of a file") {
                match (self.read_secret)(Path::new(&file)) {
                    Ok(text) if text.trim().is_empty() => {
                        self.error(codes::TOKEN, entry, format!("there is no token in `{}`", shortened(&file)), "");
                    }
                    Ok(text) => token = Some(text.trim().to_owned()),
                    Err(why) => {
                        self.error(
                            codes::UNREADABLE,
                            entry,
                            format!("`{}` cannot be read: {why}", shortened(&file)),
                            "",
                        );
                    }
                }
            }
        }
        installation.http.token = token.filter(|token| !token.is_empty());
        // A token that is written, and could not be read, is told already.
        let written = http.find("token_file").is_some() || http.find("token").is_some() && !token_is_empty;
        if !installation.http.listen.ip().is_loopback()
            && !written
            && let Some(entry) = http.find("listen")
        {
            let message = "others than this machine could reach this address, and there is no token".to_owned();
            self.error(codes::TOKEN, entry, message, "set `token: ${HELPLINE_TOKEN}`, or listen on 127.0.0.1");
        }
    }

    fn limits(&mut self, root: &Node, installation: &mut Installation) {
        let Some(limits) = self.section(root, "limits", &LIMIT_KEYS) else { return };
        let settings = [
            ("calls", &mut installation.limits.calls),
            ("calls_per_second", &mut installation.limits.calls_per_second),
        ];
        for (key, limit) in settings {
            let Some(entry) = limits.find(key) else { continue };
            let Some(text) = self.text(entry, "a number") else { continue };
            match text.parse().ok().filter(|number| (1..=MOST_CALLS).contains(number)) {
                Some(number) => *limit = number,
                None => {
                    let message = format!("`{key}` is a number from 1 to {MOST_CALLS}");
                    self.error(codes::WRONG_NUMBER, entry, message, "");
                }
            }
        }
    }

    fn watch(&mut self, root: &Node, installation: &mut Installation) {
        let Some(entry) = root.find("watch") else { return };
        let Some(text) = self.text(entry, "`true` or `false`") else { return };
        match scalar::truth(&text) {
            Some(watch) => installation.watch = watch,
            None => {
                let message = format!("`{}` is neither `true` nor `false`", shortened(&text));
                self.error(
                    codes::WRONG_SHAPE,
                    entry,
                    message,
                    "write `watch: true` to have changed files read at once",
                );
            }
        }
    }

    fn drain(&mut self, root: &Node, installation: &mut Installation) {
        let Some(entry) = root.find("drain") else { return };
        let Some(text) = self.text(entry, "a length of time such as `30s`") else { return };
        match scalar::duration(&text).filter(|drain| *drain <= LONGEST_DRAIN) {
            Some(drain) => installation.drain = drain,
            None => {
                let message = format!("`{}` is no length of time of at most 24h", shortened(&text));
                self.error(codes::DURATION, entry, message, "write it like `30s` or `5m`");
            }
        }
    }

    fn records(&mut self, root: &Node, installation: &mut Installation) {
        let Some(records) = self.section(root, "records", &RECORD_KEYS) else { return };
        if let Some(entry) = records.find("keep")
            && let Some(text) = self.text(entry, "a length of time such as `400d`")
        {
            match scalar::duration(&text).filter(|keep| RECORDS_KEPT.contains(keep)) {
                Some(keep) => installation.records.keep = keep,
                None => {
                    let message = format!("`{}` is no length of time from 1h to 7320d", shortened(&text));
                    self.error(codes::DURATION, entry, message, "write it like `400d` or `12h`");
                }
            }
        }
        if let Some(entry) = records.find("size_mb")
            && let Some(text) = self.text(entry, "a number of megabytes")
        {
            match text.parse().ok().filter(|number| SIZE_MB.contains(number)) {
                Some(number) => installation.records.size_mb = number,
                None => {
                    let (least, most) = (SIZE_MB.start(), SIZE_MB.end());
                    let message = format!("`size_mb` is a number from {least} to {most}");
                    self.error(codes::WRONG_NUMBER, entry, message, "");
                }
            }
        }
    }

    /// A table of settings; nothing where it is not written.
    pub(super) fn section<'n>(&mut self, root: &'n Node, key: &str, keys: &[&str]) -> Option<&'n Node> {
        let entry = root.find(key)?;
        match &entry.value.content {
            Content::Nothing => None,
            Content::Table(entries) => {
                self.tell_unknown(&format!("`{key}`"), entries, keys);
                Some(&entry.value)
            }
            _ => {
                let message = format!("`{key}` takes a table of settings, and this is {}", entry.value.described());
                self.error(codes::WRONG_SHAPE, entry, message, "");
                None
            }
        }
    }

    pub(super) fn tell_unknown(&mut self, whose: &str, entries: &[Entry], keys: &[&str]) {
        for entry in entries.iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
            if LATER.contains(&entry.key.as_str()) {
                let empty = matches!(&entry.value.content, Content::Table(entries) if entries.is_empty());
                if !empty && !entry.value.is_nothing() {
                    let message = format!("`{}` is not available in this version", entry.key);
                    self.faults.push(self.page.error(codes::NOT_AVAILABLE, entry.key_span, message));
                }
                continue;
            }
            let message = format!("{whose} has no `{}`", shortened(&entry.key));
            let fault = self.page.error(codes::UNKNOWN_KEY, entry.key_span, message);
            let known = format!("it has {}", listed(keys.iter().copied()).replace(" or ", " and "));
            self.faults.push(fault.meant(&entry.key, keys.iter().copied()).or_remedy(&known));
        }
    }

    pub(super) fn items<'n>(&self, entry: &'n Entry) -> &'n [Node] {
        match &entry.value.content {
            Content::List(items) => items,
            Content::Nothing => &[],
            _ => std::slice::from_ref(&entry.value),
        }
    }

    pub(super) fn text(&mut self, entry: &Entry, wanted: &str) -> Option<String> {
        self.text_of_node(&entry.value, entry, wanted)
    }

    /// The text of a node, with the environment's variables in it.
    pub(super) fn text_of_node(&mut self, node: &Node, entry: &Entry, wanted: &str) -> Option<String> {
        let place = if node.is_nothing() { entry.key_span } else { node.span };
        let Some(text) = node.text() else {
            let message = format!("`{}` takes {wanted}, and this is {}", shortened(&entry.key), node.described());
            self.faults.push(self.page.error(codes::WRONG_SHAPE, place, message));
            return None;
        };
        match environment::expand(text, self.environment) {
            Ok(text) => Some(text),
            Err(fault) => {
                // The place within the text where the text stands as it is, else the whole of it.
                let raw = self.page.at(node.span);
                let place = match raw.find(text) {
                    Some(at) => {
                        let start = node.span.start + at;
                        crate::flow::document::Span::new(start + fault.range.start, start + fault.range.end)
                    }
                    None => place,
                };
                self.faults.push(self.page.error(codes::ENVIRONMENT, place, fault.message).remedy(fault.remedy));
                None
            }
        }
    }

    pub(super) fn error(&mut self, code: Code, entry: &Entry, message: String, remedy: &str) {
        let fault = self.page.error(code, entry.place(), message);
        self.faults.push(if remedy.is_empty() { fault } else { fault.remedy(remedy) });
    }
}
