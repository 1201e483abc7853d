//! Digest authentication (RFC 7616, and RFC 8760 for SIP): who says to be an agent has to know the agent's password.
//!
//! A nonce carries its own time and seal, so that nothing is kept for those who only ask for one. Of a nonce that has
//! served, the counts that were used are kept, so that nothing that was heard on the way can be said again.

mod nonce;
mod offers;

use std::fmt;
use std::hint::black_box;

use md5::Md5;
use sha2::Sha256;

use super::message::{HeaderName, Headers, Parameters, list_values};
use crate::telephony::AgentSecret;
pub(super) use nonce::{Nonces, Use};
pub(super) use offers::Offers;

/// The longest Authorization that is looked at, in octets.
const CREDENTIALS_BYTES_MAX: usize = 2_048;

/// The hash functions that we take, of those that RFC 8760 names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// MD5 (RFC 1321), for the phones that know nothing else.
    Md5,
}

impl Algorithm {
    /// As the `algorithm` parameter has it.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Md5 => "MD5",
        }
    }

    /// The one that a parameter names; MD5 where there is none (RFC 7616 section 3.3).
    pub fn from_name(name: Option<&str>) -> Option<Algorithm> {
        match name {
            None => Some(Algorithm::Md5),
            Some(name) => {
                [Algorithm::Sha256, Algorithm::Md5].into_iter().find(|one| one.name().eq_ignore_ascii_case(name))
            }
        }
    }

    /// The hash of the parts joined by colons, in hexadecimal: `H` of RFC 7616 section 3.3.
    fn hash(self, parts: &[&str]) -> String {
        match self {
            Algorithm::Sha256 => hashed::<Sha256>(parts),
            Algorithm::Md5 => hashed::<Md5>(parts),
        }
    }

    /// `H(A1)`: all that a verifier has to keep of a password (RFC 7616 section 3.4.2).
    pub fn ha1(self, username: &str, realm: &str, password: &str) -> String {
        self.hash(&[username, realm, password])
    }
}

fn hashed<H: sha2::Digest>(parts: &[&str]) -> String {
    let mut hash = H::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            hash.update(b":");
        }
        hash.update(part.as_bytes());
    }
    hexadecimal(&hash.finalize())
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).expect("half an octet is a hexadecimal digit"));
        }
    }
    text
}

/// Compares in a time that tells nothing of where the two differ.
fn same(one: &str, two: &str) -> bool {
    let mut difference = one.len() ^ two.len();
    for (one, two) in one.bytes().zip(two.bytes()) {
        difference = black_box(difference | usize::from(one ^ two));
    }
    black_box(difference) == 0
}

/// What both sides put into a response besides the password.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// The hash function.
    pub algorithm: Algorithm,
    /// The request's method.
    pub method: &'a str,
    /// The `uri` parameter.
    pub uri: &'a str,
    /// The server's nonce.
    pub nonce: &'a str,
    /// The nonce count as written, eight hexadecimal digits.
    pub nc: &'a str,
    /// The client's nonce.
    pub cnonce: &'a str,
}

impl Exchange<'_> {
    /// The response with `qop=auth` (RFC 7616 section 3.4.1).
    pub fn response(&self, ha1: &str) -> String {
        let ha2 = self.algorithm.hash(&[self.method, self.uri]);
        self.algorithm.hash(&[ha1, self.nonce, self.nc, self.cnonce, "auth", &ha2])
    }
}

/// An agent's secret as it is kept: the two hashes, never the password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Hashes {
    sha256: String,
    md5: String,
}

impl fmt::Debug for Hashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hashes")
    }
}

impl Hashes {
    pub(super) fn of(secret: &AgentSecret, username: &str, realm: &str) -> Hashes {
        match secret {
            AgentSecret::Password(password) => Hashes {
                sha256: Algorithm::Sha256.ha1(username, realm, password),
                md5: Algorithm::Md5.ha1(username, realm, password),
            },
            AgentSecret::Hashes { sha256, md5 } => {
                Hashes { sha256: sha256.to_ascii_lowercase(), md5: md5.to_ascii_lowercase() }
            }
        }
    }

    fn get(&self, algorithm: Algorithm) -> &str {
        match algorithm {
            Algorithm::Sha256 => &self.sha256,
            Algorithm::Md5 => &self.md5,
        }
    }
}

/// One value of WWW-Authenticate (RFC 7616 section 3.3).
pub fn challenge(algorithm: Algorithm, realm: &str, nonce: &str, stale: bool) -> String {
    let realm = realm.replace(['\\', '"'], "");
    let stale = if stale { ", stale=true" } else { "" };
    format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={}, qop=\"auth\"{stale}", algorithm.name())
}

/// What an Authorization says (RFC 7616 section 3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) nonce: String,
    pub(super) uri: String,
    /// None where it is one that we do not offer.
    pub(super) algorithm: Option<Algorithm>,
    response: String,
    /// The count as written and as a number, and the client's nonce; none without `qop=auth`.
    counted: Option<(String, u32, String)>,
}

impl Credentials {
    /// Those for `realm` among a request's; none where there are none, or they cannot be read.
    pub(super) fn of(headers: &Headers, realm: &str) -> Option<Credentials> {
        headers.all(&HeaderName::Authorization).take(4).find_map(|value| Credentials::parse(value, realm))
    }

    fn parse(value: &str, realm: &str) -> Option<Credentials> {
        let parameters = parameters(value)?;
        if parameters.text("realm").as_deref() != Some(realm) {
            return None;
        }
        let text = |name: &str| parameters.text(name).map(|text| text.into_owned());
        let username = match parameters.get("username*") {
            Some(extended) => extended_value(extended)?,
            None => text("username")?,
        };
        let counted = match (text("qop"), text("nc"), text("cnonce")) {
            (Some(qop), Some(nc), Some(cnonce)) if qop.eq_ignore_ascii_case("auth") && nc.len() == 8 => {
                let count = u32::from_str_radix(&nc, 16).ok()?;
                Some((nc, count, cnonce))
            }
            _ => None,
        };
        Some(Credentials {
            username,
            nonce: text("nonce")?,
            uri: text("uri")?,
            algorithm: Algorithm::from_name(text("algorithm").as_deref()),
            response: text("response")?,
            counted,
        })
    }

    /// The nonce count; none where the phone counts nothing, so that nothing would keep it from being repeated.
    pub(super) fn count(&self) -> Option<u32> {
        self.counted.as_ref().map(|(_, count, _)| *count)
    }

    /// Whether they show the knowledge of the password, in a time that tells nothing about it.
    pub(super) fn prove(&self, method: &str, hashes: &Hashes) -> bool {
        let (Some(algorithm), Some((nc, _, cnonce))) = (self.algorithm, &self.counted) else { return false };
        let exchange = Exchange { algorithm, method, uri: &self.uri, nonce: &self.nonce, nc, cnonce };
        same(&exchange.response(hashes.get(algorithm)), &self.response.to_ascii_lowercase())
    }
}

/// What we answer a challenge with: WWW-Authenticate with Authorization, Proxy-Authenticate with Proxy-Authorization.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Our name there.
    pub username: &'a str,
    /// Our password there.
    pub password: &'a str,
    /// The method of the request that was challenged.
    pub method: &'a str,
    /// Its Request-URI.
    pub uri: &'a str,
    /// Something that was never used before.
    pub cnonce: &'a str,
    /// How many requests were sent with this nonce, this one included; from 1.
    pub count: u32,
}

impl Answer<'_> {
    /// The value of Authorization or Proxy-Authorization that answers the best challenge of `headers`, of the lines
    /// called `name`. The topmost that we know is the other side's preference (RFC 8760 section 2.4).
    ///
    /// None where no challenge can be answered: its algorithm is unknown, or it wants `auth-int` alone.
    pub fn to(&self, headers: &Headers, name: &HeaderName) -> Option<String> {
        headers.all(name).take(8).find_map(|challenge| self.answer(challenge))
    }

    fn answer(&self, challenge: &str) -> Option<String> {
        let parameters = parameters(challenge)?;
        let algorithm = Algorithm::from_name(parameters.text("algorithm").as_deref())?;
        let (realm, nonce) = (parameters.text("realm")?, parameters.text("nonce")?);
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let ha1 = algorithm.ha1(self.username, &realm, self.password);
        let nc = format!("{:08x}", self.count);
        let mut value = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", algorithm={}",
            quoted(self.username),
            quoted(&realm),
            quoted(&nonce),
            self.uri,
            algorithm.name()
        );
        let response = match parameters.text("qop") {
            Some(qop) if list_values(&qop).any(|one| one.eq_ignore_ascii_case("auth")) => {
                value.push_str(&format!(", qop=auth, nc={nc}, cnonce=\"{}\"", quoted(self.cnonce)));
                let cnonce = self.cnonce;
                Exchange { algorithm, method: self.method, uri: self.uri, nonce: &nonce, nc: &nc, cnonce }
                    .response(&ha1)
            }
            Some(_) => return None,
            // RFC 2069, as RFC 7616 no longer has it and old registrars still want it.
            None => algorithm.hash(&[&ha1, &nonce, &algorithm.hash(&[self.method, self.uri])]),
        };
        value.push_str(&format!(", response=\"{response}\""));
        if let Some(opaque) = parameters.text("opaque") {
            value.push_str(&format!(", opaque=\"{}\"", quoted(&opaque)));
        }
        Some(value)
    }
}

/// Whether a challenge says that only the nonce was too old (RFC 7616 section 3.3).
pub(super) fn is_stale(headers: &Headers, name: &HeaderName) -> bool {
    headers
        .all(name)
        .take(8)
        .filter_map(parameters)
        .any(|challenge| challenge.text("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")))
}

/// The parameters of a challenge or of credentials of the Digest scheme.
fn parameters(value: &str) -> Option<Parameters> {
    let (scheme, rest) = value.split_once([' ', '\t'])?;
    if !scheme.eq_ignore_ascii_case("Digest") || rest.len() > CREDENTIALS_BYTES_MAX {
        return None;
    }
    let mut text = String::with_capacity(rest.len() + 8);
    for parameter in list_values(rest) {
        text.push(';');
        // A comma outside quotes cannot be here: these are the items of the list.
        text.push_str(parameter);
    }
    Parameters::parse(&text, "credentials").ok()
}

/// `ext-value` of RFC 5987 section 3.2.1, in UTF-8.
fn extended_value(text: &str) -> Option<String> {
    let (charset, rest) = text.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("UTF-8") {
        return None;
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%' {
            let [high, low, after @ ..] = after else { return None };
            let half = |byte: &u8| char::from(*byte).to_digit(16);
            bytes.push(u8::try_from(half(high)? << 4 | half(low)?).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616 section 3.9.1.
    const REALM: &str = "http-auth@example.org";
    const NONCE: &str = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    const CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    const EXPECTED: [(Algorithm, &str); 2] = [
        (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
        (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ];

    fn line(name: HeaderName, value: &str) -> Headers {
        let mut headers = Headers::new();
        headers.push(name, value);
        headers
    }

    #[test]
    fn the_vectors_of_rfc_7616() {
        for (algorithm, expected) in EXPECTED {
            let exchange = Exchange {
                algorithm,
                method: "GET",
                uri: "/dir/index.html",
                nonce: NONCE,
                nc: "00000001",
                cnonce: CNONCE,
            };
            let ha1 = algorithm.ha1("Mufasa", REALM, "Circle of Life");
            assert_eq!(exchange.response(&ha1), expected, "{algorithm:?}");
        }
    }

    #[test]
    fn the_credentials_of_rfc_7616_are_believed_and_no_others() {
        let hashes = Hashes::of(&AgentSecret::Password("Circle of Life".to_owned()), "Mufasa", REALM);
        for (algorithm, response) in EXPECTED {
            let value = format!(
                "Digest username=\"Mufasa\",realm=\"{REALM}\", uri=\"/dir/index.html\",\talgorithm={}, nonce=\"{NONCE}\",\
                 nc=00000001, cnonce=\"{CNONCE}\", qop=auth, response=\"{response}\", opaque=\"FQhe/qaU925\"",
                algorithm.name()
            );
            let check = |value: &str, method: &str, proves: bool| {
                let read = Credentials::of(&line(HeaderName::Authorization, value), REALM);
                assert_eq!(read.is_some_and(|read| read.prove(method, &hashes)), proves, "{value}");
            };
            check(&value, "GET", true);
            check(&value, "PUT", false);
            check(&value.replace("qop=auth", "qop=\"auth\"").replace("cnonce=\"", "CNonce = \""), "GET", true);
            check(&value.replace("username=\"Mufasa\"", "username*=UTF-8''Muf%61sa"), "GET", true);
            check(&value.replace(response, &response.to_ascii_uppercase()), "GET", true);
            check(&value.replace("00000001", "00000002"), "GET", false);
            check(&value.replace("index", "other"), "GET", false);
            check(&value.replace("qop=auth, ", ""), "GET", false);
            check(&value.replace("qop=auth", "qop=auth-int"), "GET", false);
            check(&value.replace(", nonce=", ", nuncio="), "GET", false);
            check(&value.replace(REALM, "elsewhere"), "GET", false);
            check(&value.replace("algorithm=", "algorithm=x"), "GET", false);
            check(&value.replace("Digest ", "Basic "), "GET", false);
        }
    }

    #[test]
    fn a_username_is_read_in_both_forms() {
        for (written, read) in [
            ("username=\"a \\\"b\\\" \\\\ c\"", Some("a \"b\" \\ c")),
            ("username*=UTF-8''J%C3%A4s%C3%B8n%20Doe", Some("Jäsøn Doe")),
            ("username*=utf-8'en'plain", Some("plain")),
            ("username*=iso-8859-1''x", None),
            ("username*=UTF-8''%C3", None),
            ("username*=UTF-8''%zz", None),
            ("user=\"x\"", None),
        ] {
            let value = format!("Digest {written}, realm=\"r\", nonce=\"n\", uri=\"u\", response=\"x\"");
            let found = Credentials::of(&line(HeaderName::Authorization, &value), "r");
            assert_eq!(found.map(|found| found.username).as_deref(), read, "{written}");
        }
    }

    #[test]
    fn our_answer_satisfies_our_challenge() {
        let headers = {
            let mut headers = Headers::new();
            for challenge in [
                "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512-256, qop=\"auth\"".to_owned(),
                challenge(Algorithm::Sha256, "r", "n", false),
                challenge(Algorithm::Md5, "r", "n", true),
            ] {
                headers.push(HeaderName::WwwAuthenticate, challenge);
            }
            headers
        };
        let answer = Answer {
            username: "a\"b",
            password: "secret",
            method: "REGISTER",
            uri: "sip:r;x=\"y\"",
            cnonce: "c",
            count: 17,
        };
        let value = Answer { uri: "sip:r", ..answer }.to(&headers, &HeaderName::WwwAuthenticate).expect("one is ours");
        let read = Credentials::of(&line(HeaderName::Authorization, &value), "r").expect("it can be read");
        assert_eq!((read.algorithm, read.count()), (Some(Algorithm::Sha256), Some(17)));
        assert!(read.prove("REGISTER", &Hashes::of(&AgentSecret::Password("secret".to_owned()), "a\"b", "r")));
        assert!(!read.prove("REGISTER", &Hashes::of(&AgentSecret::Password("Secret".to_owned()), "a\"b", "r")));
        assert_eq!(answer.to(&headers, &HeaderName::ProxyAuthenticate), None);
    }

    #[test]
    fn old_challenges_are_answered_as_rfc_2069_says() {
        // The example of RFC 2069 section 2.4, with the response as its errata 749 corrects it.
        let challenge =
            "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc\"";
        let answer = Answer {
            username: "Mufasa",
            password: "CircleOfLife",
            method: "GET",
            uri: "/dir/index.html",
            cnonce: "",
            count: 1,
        };
        let value = answer.to(&line(HeaderName::ProxyAuthenticate, challenge), &HeaderName::ProxyAuthenticate);
        let value = value.expect("it can be answered");
        assert!(value.contains("response=\"1949323746fe6a43ef61f9606e7febea\", opaque=\"5ccc\""), "{value}");
        let integrity = challenge.to_owned() + ", qop=\"auth-int\"";
        assert_eq!(answer.answer(&integrity), None);
    }

    #[test]
    fn comparison_is_whole() {
        for (one, two, equal) in
            [("", "", true), ("ab", "ab", true), ("ab", "ac", false), ("ab", "abc", false), ("ab", "", false)]
        {
            assert_eq!(same(one, two), equal, "{one} {two}");
        }
    }
}
