//! `connectors:`: the web services that steps ask. They are read before the flows, which name them; what they send is held against
//! the values of all flows afterwards.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Reader;
use super::analysis::{Sender, SentSecret};
use super::codes;
use super::diagnostic::{Diagnostic, Faults, Page, Span, listed, shortened};
use super::environment;
use super::fields;
use super::flow::place_in;
use super::scalar;
use super::section::Section;
use super::tree::{Content, Entry, Node};
use super::values::{self, Known as KnownValue};
use crate::flow::connector::{BreakerSpec, HostPattern, JsonTemplate, Method, TextPart, TextTemplate, is_private};
use crate::flow::{Connector, ConnectorIndex, Value};

/// Most connectors.
pub const MAX_CONNECTORS: usize = 200;
/// Most headers of one, and most hosts.
const MOST_HEADERS: usize = 32;
/// Longest header, in octets.
const LONGEST_HEADER: usize = 8_000;

pub(super) const KEYS: [&str; 13] = [
    "url", "method", "headers", "body", "timeout", "retries", "hosts", "private", "ca", "at_once", "breaker", "answer",
    "fields",
];
/// Those of its breaker.
pub(super) const BREAKER_KEYS: [&str; 2] = ["failures", "rest"];
/// Those of a header whose value stands in a file.
pub(super) const HEADER_KEYS: [&str; 2] = ["file", "prefix"];
/// Headers that say how a request is carried, which is none of an operator's business (RFC 9110, RFC 9112).
const OUR_HEADERS: [&str; 9] = [
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// A value that is sent, by whom, and where it is written.
struct Sent {
    name: Arc<str>,
    by: ConnectorIndex,
    file: usize,
    place: Span,
    in_url: bool,
}

/// The connectors of all files.
#[derive(Default)]
pub(super) struct ConnectorBook {
    pub connectors: Vec<Arc<Connector>>,
    /// The file and the place of each.
    places: Vec<(usize, Span)>,
    index: BTreeMap<String, ConnectorIndex>,
    used: Vec<Cell<bool>>,
    sent: Vec<Sent>,
}

impl ConnectorBook {
    /// Reads the connectors of every file.
    pub fn read(
        pages: &[Page<'_>],
        trees: &[Option<Node>],
        known: &super::Known<'_>,
        faults: &mut Faults,
    ) -> ConnectorBook {
        let mut book = ConnectorBook::default();
        for (index, (page, tree)) in pages.iter().zip(trees).enumerate() {
            let Some(entry) = tree.as_ref().and_then(|root| root.find("connectors")) else { continue };
            let mut section = Section { page, faults };
            for connector in section.table(entry, "a table of names and connectors").unwrap_or(&[]) {
                book.add(pages, &mut section, (index, connector), known);
            }
        }
        book
    }

    /// The connector of this name; from now on it counts as used.
    pub fn find(&self, name: &str) -> Option<(ConnectorIndex, &Connector)> {
        let index = *self.index.get(name)?;
        self.used[usize::from(index.0)].set(true);
        Some((index, &self.connectors[usize::from(index.0)]))
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str)
    }

    /// The connector that a step's `lookup` names, whether or not all of it is right.
    pub fn asked_by(&self, lookup: &Entry) -> Option<&Connector> {
        let (name, _) = name_and_path(lookup.value.text()?);
        Some(&*self.connectors[usize::from(self.index.get(name)?.0)])
    }

    /// Tells the connectors that no step asks.
    pub fn tell_unused(&self, pages: &[Page<'_>], faults: &mut Faults) {
        for ((connector, (file, place)), used) in self.connectors.iter().zip(&self.places).zip(&self.used) {
            if !used.get() {
                let message = format!("no step asks `{}`", connector.name);
                let fault = pages[*file].warning(codes::UNUSED_CONNECTOR, *place, message);
                faults.push(fault.remedy(format!("ask it with a step: `lookup: {}`", connector.name)));
            }
        }
    }

    fn add(
        &mut self,
        pages: &[Page<'_>],
        section: &mut Section<'_, '_>,
        (file, entry): (usize, &Entry),
        known: &super::Known<'_>,
    ) {
        let (page, name) = (section.page, entry.key.as_str());
        if !scalar::is_name(name) {
            section.fault(super::outline::bad_name(page, entry.key_span, "a connector", name));
        }
        if let Some(first) = self.index.get(name) {
            let (first_file, first) = self.places[usize::from(first.0)];
            let (line, _) = pages[first_file].line_and_column(first.start);
            let message = format!("there are two connectors named `{}`", shortened(name));
            let fault = page.error(codes::DUPLICATE_CONNECTOR, entry.key_span, message);
            let fault = fault.label(format!("the first is in {}:{line}", pages[first_file].source.file));
            return section.fault(fault.remedy("give this one another name"));
        }
        if self.connectors.len() == MAX_CONNECTORS {
            let message = format!("there are more than {MAX_CONNECTORS} connectors");
            let fault = page.error(codes::TOO_LARGE, entry.key_span, message);
            return section.fault(fault);
        }
        let mut names = Vec::new();
        let connector = connector(section, entry, known, &mut names);
        let index = ConnectorIndex(u16::try_from(self.connectors.len()).expect("connectors are limited"));
        let sent = names.into_iter().map(|(name, place, in_url)| Sent { name, by: index, file, place, in_url });
        self.sent.extend(sent);
        self.index.insert(name.to_owned(), index);
        self.connectors.push(Arc::new(connector));
        self.places.push((file, entry.key_span));
        self.used.push(Cell::new(false));
    }
}

impl Reader<'_> {
    /// Tells the values of connectors that nothing sets, and secrets in addresses.
    pub fn tell_sent(&mut self) {
        let sent = std::mem::take(&mut self.values.connectors.sent);
        for Sent { name, by, file, place, in_url } in sent {
            if let Some(fault) = told_of_sent(&self.pages[file], &self.values, (&name, place), in_url) {
                self.keep_sent(fault, name, Sender::Connector(by));
            }
        }
    }

    /// Tells what is wrong with a value that is sent; of a secret when it is known which way it takes.
    pub fn keep_sent(&mut self, fault: Diagnostic, name: Arc<str>, by: Sender) {
        match fault.code {
            codes::SECRET_SENT => self.sent_secrets.push(SentSecret { fault, name, by }),
            _ => self.faults.push(fault),
        }
    }
}

/// What is told of a value that is sent.
pub(super) fn told_of_sent(
    page: &Page<'_>,
    values: &values::Values,
    (name, place): (&str, Span),
    in_url: bool,
) -> Option<Diagnostic> {
    match values.read(name) {
        KnownValue::Set(value) if value.secret && in_url => {
            let message = format!("`{name}` is a secret, and would stand in an address");
            let fault = page.warning(codes::SECRET_SENT, place, message);
            Some(
                fault
                    .remedy("send it in a `body`, by `method: POST`")
                    .consequence("services and proxies write addresses into their logs"),
            )
        }
        KnownValue::Set(_) | KnownValue::BuiltIn(_) | KnownValue::Untold => None,
        KnownValue::Nothing => {
            Some(values.no_such_value(page, name, place).consequence("the service could not be asked"))
        }
    }
}

/// `orders/{order_number}`: the connector, and what stands behind its URL.
pub(super) fn name_and_path(text: &str) -> (&str, &str) {
    let end = text.find(['/', '?']).unwrap_or(text.len());
    (&text[..end], &text[end..])
}

/// What is told of a connector that does not exist.
pub(super) fn no_such_connector(page: &Page<'_>, name: &str, place: Span, book: &ConnectorBook) -> Diagnostic {
    let fault = page.error(codes::NO_SUCH_CONNECTOR, place, format!("no connector named `{}`", shortened(name)));
    let names: Vec<&str> = book.names().collect();
    let remedy = match names.is_empty() {
        true => format!("add it: `connectors: {{{}: {{url: \"https://...\"}}}}`", shortened(name)),
        false => format!("there are {}", listed(names.iter().copied().take(8)).replace(" or ", " and ")),
    };
    fault.meant(name, names).or_remedy(&remedy).consequence("callers would have nowhere to go")
}

/// A value's name, where it stands, and whether that is in an address.
type Named = (Arc<str>, Span, bool);

fn connector(
    section: &mut Section<'_, '_>,
    entry: &Entry,
    known: &super::Known<'_>,
    names: &mut Vec<Named>,
) -> Connector {
    let entries = section.table(entry, "a table such as `{url: \"https://...\"}`").unwrap_or(&[]);
    section.tell_unknown(entries, &KEYS, "a connector");
    let find = |key: &str| entry.value.find(key);
    let words: Vec<(&str, Method)> = Method::ALL.to_vec();
    let method = find("method").and_then(|entry| section.word(entry, &words)).unwrap_or_default();
    let private = find("private").and_then(|entry| section.truth(entry)).unwrap_or(false);
    let (url, own) = match find("url") {
        Some(entry) => self::url(section, entry, known, names, private).unwrap_or_default(),
        None => {
            let message = format!("the connector `{}` has no `url`", shortened(&entry.key));
            let fault = section.page.error(codes::MISSING_KEY, entry.key_span, message);
            section.fault(fault.remedy("write where the service is asked: `url: https://...`"));
            Default::default()
        }
    };
    let mut hosts: Vec<HostPattern> = own.into_iter().collect();
    if let Some(entry) = find("hosts") {
        hosts.extend(self::hosts(section, entry, private));
    }
    let seconds = Duration::from_secs;
    let timeout = find("timeout").and_then(|entry| section.length(entry, Duration::from_millis(100)..=seconds(60)));
    let body = find("body").and_then(|entry| match method {
        Method::Get | Method::Delete => {
            let message = format!("nothing reads the body of a `{}`", method.name());
            let fault = section.page.error(codes::UNREAD_KEY, entry.key_span, message);
            section.fault(fault.remedy("write `method: POST`, or put the values into the `url`"));
            None
        }
        _ => json(section, &entry.value, names),
    });
    let authorities = find("ca").and_then(|entry| authorities(section, entry, &url, known));
    Connector {
        name: Arc::from(entry.key.as_str()),
        method,
        url,
        headers: find("headers").map(|entry| headers(section, entry, known)).unwrap_or_default(),
        body,
        timeout: timeout.unwrap_or(seconds(5)),
        retries: retries(section, find("retries"), method),
        hosts,
        private,
        authorities,
        at_once: find("at_once")
            .and_then(|entry| section.number(entry, 1..=1000))
            .and_then(|number| u16::try_from(number).ok())
            .unwrap_or(20),
        breaker: find("breaker").map_or(Some(BreakerSpec::default()), |entry| breaker(section, entry)),
        answer: find("answer").and_then(|entry| fields::path(section, entry)).unwrap_or_default(),
        fields: find("fields").map(|entry| fields::fields(section, entry)).unwrap_or_default(),
    }
}

/// The certificates of authorities in the file that `ca` names.
fn authorities(
    section: &mut Section<'_, '_>,
    entry: &Entry,
    url: &TextTemplate,
    known: &super::Known<'_>,
) -> Option<Arc<str>> {
    let page = section.page;
    let path = section.text(entry, "a file with certificates in PEM")?;
    if matches!(url.0.first(), Some(TextPart::Fixed(head)) if head.starts_with("http://")) {
        let fault = page.error(
            codes::UNREAD_KEY,
            entry.key_span,
            "nothing reads the `ca` of a service that is asked without TLS",
        );
        section.fault(fault.remedy("write `url: https://...`, or leave `ca` away"));
        return None;
    }
    let why = match (known.secret)(Path::new(path)) {
        Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => return Some(text.into()),
        Ok(_) => "there is no certificate in PEM in it".to_owned(),
        Err(why) => why,
    };
    let message = format!("the certificates in `{}` cannot be read: {why}", shortened(path));
    let fault = page.error(codes::UNREADABLE, entry.place(), message);
    section.fault(fault.consequence("the service could not be asked: nobody vouches for it"));
    None
}

/// Asking again can do something twice where the method is not made for it.
fn retries(section: &mut Section<'_, '_>, entry: Option<&Entry>, method: Method) -> u8 {
    let Some(entry) = entry else { return u8::from(method.is_idempotent()) };
    let retries = section.number(entry, 0..=5).and_then(|number| u8::try_from(number).ok()).unwrap_or(0);
    if retries > 0 && !method.is_idempotent() {
        let message = format!("a `{}` that failed may have been done", method.name());
        let fault = section.page.error(codes::RETRIES, entry.place(), message);
        let fault = fault.remedy("leave `retries` away; GET, PUT and DELETE can be asked again");
        section.fault(fault.consequence("what a caller asks for once would be done twice"));
        return 0;
    }
    retries
}

/// `{failures: 5, rest: 30s}` or `off`.
fn breaker(section: &mut Section<'_, '_>, entry: &Entry) -> Option<BreakerSpec> {
    if entry.value.text() == Some("off") {
        return None;
    }
    let usual = BreakerSpec::default();
    let entries = section.table(entry, "`off`, or a table such as `{failures: 5, rest: 30s}`").unwrap_or(&[]);
    section.tell_unknown(entries, &BREAKER_KEYS, "`breaker`");
    let find = |key: &str| entry.value.find(key);
    let limits = Duration::from_secs(1)..=Duration::from_secs(3600);
    Some(BreakerSpec {
        failures: find("failures").and_then(|entry| section.number(entry, 1..=1000)).unwrap_or(usual.failures),
        rest: find("rest").and_then(|entry| section.length(entry, limits)).unwrap_or(usual.rest),
    })
}

type Url = (TextTemplate, Option<HostPattern>);

fn url(
    section: &mut Section<'_, '_>,
    entry: &Entry,
    known: &super::Known<'_>,
    names: &mut Vec<Named>,
    private: bool,
) -> Option<Url> {
    let page = section.page;
    let written = section.text(entry, "an address such as `https://shop.example.com/orders`")?;
    let text = expanded(section, &entry.value, written, known, "the service could not be asked")?;
    let fault = |message: String| page.error(codes::CONNECTOR_URL, entry.place(), message);
    let (secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => {
            section.fault(
                fault("an address begins with `https://`".to_owned()).remedy("write `https://...`, or `http://...`"),
            );
            return None;
        }
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains(['{', '}']) {
        section.fault(fault("values cannot say which host is asked".to_owned()).remedy("write the host itself"));
        return None;
    }
    if authority.contains('@') {
        let told = fault("a name and a password cannot stand in an address".to_owned());
        section.fault(told.remedy("send them in a header: `headers: {Authorization: \"Basic ${...}\"}`"));
        return None;
    }
    let colon = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
    let (host, port) = colon.map_or((authority, None), |at| (&authority[..at], Some(&authority[at + 1..])));
    let host = HostPattern::parse(host).filter(|host| matches!(host, HostPattern::Exactly(_)));
    let Some(host) = host.filter(|_| port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))) else {
        section.fault(fault(format!("`{}` is no host that could be asked", shortened(authority))));
        return None;
    };
    if path.contains('#') {
        section.fault(fault("what follows `#` in an address is not sent".to_owned()).remedy("leave it away"));
        return None;
    }
    tell_host(section, entry.place(), &host, private);
    if !secure && !private {
        let told = page.warning(codes::CLEAR_TEXT, entry.place(), "this service is asked without encryption");
        section.fault(
            told.remedy("write `https://...`")
                .consequence("whoever is on the way could read what callers key, and the headers"),
        );
    }
    let path = path.strip_suffix('/').filter(|path| !path.contains('?')).unwrap_or(path);
    let mut template = template(section, &entry.value, path, written.len().saturating_sub(path.len()), names)?;
    let head = &text[..text.len() - rest.len() + end];
    template.0.insert(0, TextPart::Fixed(head.into()));
    Some((template, Some(host)))
}

/// A host on this machine or in a private network is asked only where that is meant.
fn tell_host(section: &mut Section<'_, '_>, place: Span, host: &HostPattern, private: bool) {
    let HostPattern::Exactly(name) = host else { return };
    let near = match name.parse() {
        Ok(address) => is_private(address),
        Err(_) => **name == *"localhost" || name.ends_with(".localhost"),
    };
    if near && !private {
        let message = format!("`{name}` is on this machine or in a private network");
        let fault = section.page.error(codes::HOST, place, message);
        section.fault(
            fault.remedy("write `private: true` if that is meant").consequence("the service would not be asked"),
        );
    }
}

fn hosts(section: &mut Section<'_, '_>, entry: &Entry, private: bool) -> Vec<HostPattern> {
    let nodes = match &entry.value.content {
        Content::List(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(&entry.value),
    };
    let mut found = Vec::new();
    for node in nodes.iter().take(MOST_HEADERS) {
        match node.text().and_then(HostPattern::parse) {
            Some(host) => {
                tell_host(section, node.span, &host, private);
                found.push(host);
            }
            None => {
                let place = if node.is_nothing() { entry.key_span } else { node.span };
                let fault = section.page.error(codes::HOST, place, "this is not the name of a host");
                section.fault(fault.remedy("hosts look like `shop.example.com` or `*.example.com`"));
            }
        }
    }
    found
}

fn headers(section: &mut Section<'_, '_>, entry: &Entry, known: &super::Known<'_>) -> Vec<(Arc<str>, Arc<str>)> {
    let entries = section.table(entry, "a table of names and texts").unwrap_or(&[]);
    if entries.len() > MOST_HEADERS {
        let message = format!("a connector has at most {MOST_HEADERS} headers");
        let fault = section.page.error(codes::TOO_LARGE, entry.key_span, message);
        section.fault(fault);
    }
    let mut seen = BTreeSet::new();
    let mut headers = Vec::new();
    for entry in entries.iter().take(MOST_HEADERS) {
        let name = entry.key.to_ascii_lowercase();
        // RFC 9110 section 5.6.2.
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let message = if name.is_empty() || !name.bytes().all(is_token) {
            format!("`{}` cannot be the name of a header", shortened(&entry.key))
        } else if OUR_HEADERS.contains(&name.as_str()) {
            format!("Helpline says `{}` itself", entry.key)
        } else if !seen.insert(name.clone()) {
            format!("`{}` stands here twice", entry.key)
        } else {
            headers.extend(header(section, entry, known).map(|value| (Arc::from(name), Arc::from(value))));
            continue;
        };
        let fault = section.page.error(codes::HEADER, entry.key_span, message);
        section.fault(fault);
    }
    headers
}

/// The value that a text speaks of: `pin` in `{pin}`, and none in `${PIN}`.
fn value_in(text: &str) -> Option<&str> {
    text.match_indices('{').filter(|(at, _)| !text[..*at].ends_with('$')).find_map(|(at, _)| {
        let (name, _) = text[at + 1..].split_once('}')?;
        name.split('.').all(scalar::is_value_name).then_some(name)
    })
}

/// `"Bearer ${TOKEN}"`, or `{file: /run/secrets/token, prefix: "Bearer "}`.
fn header(section: &mut Section<'_, '_>, entry: &Entry, known: &super::Known<'_>) -> Option<String> {
    let value = match &entry.value.content {
        Content::Table(entries) => {
            section.tell_unknown(entries, &HEADER_KEYS, "a header");
            let file = entry.value.find("file").and_then(|file| Some((file, section.text(file, "a file")?)));
            let Some((file, path)) = file else {
                if entry.value.find("file").is_none() {
                    section.wrong_shape(entry, "a text, or a table with `file`");
                }
                return None;
            };
            let secret = match (known.secret)(Path::new(path)) {
                Ok(secret) => secret,
                Err(why) => {
                    let message = format!("the secret `{}` cannot be read: {why}", shortened(path));
                    let fault = section.page.error(codes::UNREADABLE, file.place(), message);
                    section.fault(fault.consequence("the service would not know who asks"));
                    return None;
                }
            };
            let prefix = entry.value.find("prefix").and_then(|prefix| prefix.value.text()).unwrap_or("");
            format!("{prefix}{}", secret.trim_end())
        }
        _ => {
            let text = section.text(entry, "a text, best with its secret as `${NAME}` from the environment")?;
            if let Some(name) = value_in(text) {
                let message =
                    format!("`{{{}}}` would be sent as it stands: no value can be in a header", shortened(name));
                let fault = section.page.warning(codes::HEADER, entry.place(), message);
                section.fault(fault.remedy("write the value into the `url` or the `body`"));
            }
            expanded(section, &entry.value, text, known, "the service would not know who asks")?
        }
    };
    // RFC 9110 section 5.5.
    if value.len() > LONGEST_HEADER || value.bytes().any(|byte| byte.is_ascii_control() || !byte.is_ascii()) {
        let message = format!("`{}` has letters that a header cannot have, or too many", entry.key);
        let fault = section.page.error(codes::HEADER, entry.place(), message);
        section.fault(fault);
        return None;
    }
    Some(value)
}

/// A text with the variables in place of their names.
fn expanded(
    section: &mut Section<'_, '_>,
    node: &Node,
    text: &str,
    known: &super::Known<'_>,
    consequence: &str,
) -> Option<String> {
    match environment::expand(text, known.environment) {
        Ok(text) => Some(text),
        Err(fault) => {
            let place = place_in(section.page, node, fault.range);
            let told = section.page.error(codes::ENVIRONMENT, place, fault.message).remedy(fault.remedy);
            section.fault(told.consequence(consequence));
            // The rest is read all the same, with the name of each variable in the place of its value.
            environment::expand(text, &|name| Some(name.to_ascii_lowercase().replace('_', "-"))).ok()
        }
    }
}

/// A part of an address, with the values in it; `offset` is where it begins in the node's text, if nothing was expanded.
pub(super) fn template(
    section: &mut Section<'_, '_>,
    node: &Node,
    text: &str,
    offset: usize,
    names: &mut Vec<Named>,
) -> Option<TextTemplate> {
    let placed = |range: std::ops::Range<usize>| {
        let shifted = range.start + offset..range.end + offset;
        match node.text().and_then(|whole| whole.get(shifted.clone())) {
            Some(found) if found == &text[range.clone()] => place_in(section.page, node, shifted),
            _ => node.span,
        }
    };
    match cut(text) {
        Ok(parts) => {
            for (part, range) in &parts {
                match part {
                    TextPart::Value(name) => names.push((name.clone(), placed(range.clone()), true)),
                    TextPart::Fixed(fixed) if fixed.bytes().any(|byte| !byte.is_ascii_graphic()) => {
                        let message = "an address has no spaces and no letters beyond a to z".to_owned();
                        let fault = section.page.error(codes::CONNECTOR_URL, placed(range.clone()), message);
                        section.fault(fault.remedy("write them as `%20` and the like"));
                        return None;
                    }
                    TextPart::Fixed(_) => {}
                }
            }
            Some(TextTemplate(parts.into_iter().map(|(part, _)| part).collect()))
        }
        Err((range, message)) => {
            let fault = section.page.error(codes::PLACEHOLDER, placed(range), message);
            section.fault(fault.remedy("write `{name}`"));
            None
        }
    }
}

type Cut = Vec<(TextPart, std::ops::Range<usize>)>;

/// Fixed texts and values.
fn cut(text: &str) -> Result<Cut, (std::ops::Range<usize>, &'static str)> {
    let mut parts: Cut = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let brace = text[at..].find(['{', '}']).map_or(text.len(), |brace| at + brace);
        if brace > at {
            parts.push((TextPart::Fixed(text[at..brace].into()), at..brace));
        }
        if brace == text.len() {
            break;
        }
        let end = text[brace..].find('}').map(|end| brace + end);
        let name = end.and_then(|end| text.get(brace + 1..end)).map(str::trim);
        match (name, end) {
            (Some(name), Some(end)) if !name.is_empty() && !name.contains(['{', '|']) => {
                parts.push((TextPart::Value(name.into()), brace + 1..end));
                at = end + 1;
            }
            (Some(name), Some(end)) if name.contains('|') => {
                return Err((brace..end + 1, "a value is sent as it is, and takes no format here"));
            }
            _ => return Err((brace..text.len().min(brace + 1), "this is no placeholder")),
        }
    }
    Ok(parts)
}

/// What is sent as JSON.
fn json(section: &mut Section<'_, '_>, node: &Node, names: &mut Vec<Named>) -> Option<JsonTemplate> {
    Some(match &node.content {
        Content::Nothing => JsonTemplate::Fixed(serde_json::Value::Null),
        Content::List(items) => {
            JsonTemplate::List(items.iter().filter_map(|item| json(section, item, names)).collect())
        }
        Content::Table(entries) => JsonTemplate::Table(
            entries.iter().filter_map(|entry| Some((entry.key.clone(), json(section, &entry.value, names)?))).collect(),
        ),
        Content::Text { text, .. } => match values::literal(node)? {
            Value::Truth(truth) => JsonTemplate::Fixed(truth.into()),
            number @ Value::Number { .. } => {
                JsonTemplate::Fixed(serde_json::from_str(&number.written()?).unwrap_or_default())
            }
            _ => match cut(text) {
                Ok(parts) => {
                    let placed = |range: &std::ops::Range<usize>| place_in(section.page, node, range.clone());
                    names.extend(parts.iter().filter_map(|(part, range)| match part {
                        TextPart::Value(name) => Some((name.clone(), placed(range), false)),
                        TextPart::Fixed(_) => None,
                    }));
                    match parts.as_slice() {
                        [(TextPart::Value(name), _)] => JsonTemplate::Value(name.clone()),
                        _ => JsonTemplate::Text(TextTemplate(parts.into_iter().map(|(part, _)| part).collect())),
                    }
                }
                Err((range, message)) => {
                    let place = place_in(section.page, node, range);
                    let fault = section.page.error(codes::PLACEHOLDER, place, message);
                    section.fault(fault.remedy("write `{name}`"));
                    return None;
                }
            },
        },
    })
}
