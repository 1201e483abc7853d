//! Dialogs (RFC 3261 section 12): what both sides must remember to write each other requests.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::message::{HeaderName, Headers, Host, Method, NameAddr, Request, Response, Uri, Via};
use super::peer::Peer;
use super::settings::Settings;
use crate::telephony::TransportKind;

/// The longest route set that is kept; an INVITE with more Record-Route values is refused.
pub(super) const ROUTES_MAX: usize = 32;

/// Who is dialled.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The Request-URI.
    pub(super) uri: Uri,
    /// The way there.
    pub(super) peer: Peer,
    /// The Route: the Path that a registered phone gave.
    pub(super) route: Vec<NameAddr>,
}

/// One side's view of a dialog, or of what will be one.
#[derive(Debug)]
pub(super) struct Dialog {
    pub(super) call_id: String,
    pub(super) local_tag: String,
    pub(super) remote_tag: String,
    /// From of our requests, with the local tag.
    local: String,
    /// To of our requests, with the remote tag where there is one.
    remote: String,
    pub(super) local_cseq: u32,
    pub(super) remote_cseq: Option<u32>,
    route_set: Vec<NameAddr>,
    pub(super) remote_target: Uri,
    /// How the other side was heard, or first spoken to.
    pub(super) peer: Peer,
    /// The Contact is an address that the Via has shown to be out of our reach, so that requests go to where the other
    /// side's came from.
    behind_nat: bool,
    /// The other side registered at this address of ours and was called by that flow, whatever its Contact says: and so
    /// goes all that follows.
    by_flow: bool,
}

impl Dialog {
    /// The dialog that answering `invite` makes (section 12.1.1). `from` is where it came from, `via` its topmost.
    pub(super) fn from_invite(invite: &Request, via: &Via, from: Peer, local_tag: &str) -> Option<Dialog> {
        let headers = &invite.headers;
        let remote = headers.from().ok()?;
        // An RFC 2543 element may leave out Contact: then its From is all we have.
        let contact = headers.contacts().ok()?.into_iter().next();
        if contact.is_none() && headers.contains(&HeaderName::Contact) {
            // `*` is for REGISTER alone (section 10.2.2).
            return None;
        }
        let route_set = headers.routes(&HeaderName::RecordRoute).ok()?;
        let remote_target = contact.map_or_else(|| remote.uri.clone(), |contact| contact.uri);
        let mut dialog = Dialog {
            call_id: headers.call_id().ok()?.to_owned(),
            local_tag: local_tag.to_owned(),
            remote_tag: remote.tag().unwrap_or("").to_owned(),
            local: format!("{};tag={local_tag}", headers.get(&HeaderName::To)?),
            remote: headers.get(&HeaderName::From)?.to_owned(),
            local_cseq: 0,
            remote_cseq: Some(headers.cseq().ok()?.0),
            route_set,
            remote_target,
            peer: from,
            behind_nat: false,
            by_flow: false,
        };
        dialog.note_nat(via);
        Some(dialog)
    }

    /// The beginnings of a dialog with who is dialled, before it has answered. `local` has our tag.
    pub(super) fn dialled(target: Target, local: &NameAddr, call_id: &str) -> Dialog {
        let Target { uri, peer, route } = target;
        let remote = format!("<{}>", Uri { headers: String::new(), ..uri.clone() });
        Dialog {
            call_id: call_id.to_owned(),
            local: local.to_string(),
            local_tag: local.tag().unwrap_or("").to_owned(),
            remote_tag: String::new(),
            remote,
            local_cseq: 0,
            remote_cseq: None,
            route_set: route,
            remote_target: uri,
            peer,
            behind_nat: false,
            by_flow: false,
        }
    }

    /// The dialog that a 2xx to `invite` makes (section 12.1.2), which went to `peer`.
    pub(super) fn from_answer(invite: &Request, response: &Response, peer: Peer) -> Option<Dialog> {
        let remote = response.headers.to().ok()?;
        let mut route_set = response.headers.routes(&HeaderName::RecordRoute).ok()?;
        route_set.reverse();
        route_set.truncate(ROUTES_MAX);
        let contact = response.headers.contacts().ok().and_then(|contacts| contacts.into_iter().next());
        // It was sent elsewhere than its Request-URI says, and by no proxy: to a registered phone that is found so only.
        let by_flow = route_set.is_empty()
            && !invite.headers.contains(&HeaderName::Route)
            && socket_address(&invite.uri).is_some_and(|address| address != peer.remote);
        Some(Dialog {
            call_id: invite.headers.call_id().ok()?.to_owned(),
            local_tag: invite.headers.from().ok()?.tag()?.to_owned(),
            remote_tag: remote.tag().unwrap_or("").to_owned(),
            local: invite.headers.get(&HeaderName::From)?.to_owned(),
            remote: response.headers.get(&HeaderName::To)?.to_owned(),
            local_cseq: invite.headers.cseq().ok()?.0,
            remote_cseq: None,
            route_set,
            remote_target: contact.map_or_else(|| invite.uri.clone(), |contact| contact.uri),
            peer,
            behind_nat: false,
            by_flow,
        })
    }

    /// Whether a request with these is of this dialog (section 12.2.2).
    pub(super) fn is_named(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> bool {
        self.call_id == call_id && self.local_tag == local_tag && self.remote_tag == remote_tag
    }

    /// Target refresh by a re-INVITE or UPDATE, or by the 2xx to one of ours (section 12.2).
    pub(super) fn refresh_target(&mut self, headers: &Headers) {
        if let Ok(contacts) = headers.contacts()
            && let Some(contact) = contacts.into_iter().next()
        {
            self.remote_target = contact.uri;
        }
    }

    /// Notes by which path the other side was heard last, and whether its Contact can be reached.
    pub(super) fn heard(&mut self, via: &Via, from: Peer) {
        self.peer = from;
        self.note_nat(via);
    }

    fn note_nat(&mut self, via: &Via) {
        self.behind_nat = self.route_set.is_empty()
            && via.host == self.remote_target.host
            && via.host.address().is_some_and(|address| address != self.peer.remote.ip());
    }

    /// A request within the dialog (section 12.2.1.1), without Via, which its transaction adds. `None` numbers it with
    /// the next CSeq; an ACK has its INVITE's.
    pub(super) fn request(&mut self, method: Method, cseq: Option<u32>, settings: &Settings) -> Request {
        let number = cseq.unwrap_or_else(|| {
            self.local_cseq += 1;
            self.local_cseq
        });
        let mut headers = Headers::new();
        let mut uri = Uri { headers: String::new(), ..self.remote_target.clone() };
        uri.parameters.remove("method");
        match self.route_set.first() {
            Some(first) if !first.uri.lr() => {
                // A strict router takes its own address as Request-URI, and finds the target at the end.
                for route in &self.route_set[1..] {
                    headers.push(HeaderName::Route, route.to_string());
                }
                headers.push(HeaderName::Route, format!("<{uri}>"));
                uri = Uri { headers: String::new(), ..first.uri.clone() };
                uri.parameters.remove("method");
            }
            _ => {
                for route in &self.route_set {
                    headers.push(HeaderName::Route, route.to_string());
                }
            }
        }
        headers.push(HeaderName::MaxForwards, "70");
        headers.push(HeaderName::From, self.local.as_str());
        headers.push(HeaderName::To, self.remote.as_str());
        headers.push(HeaderName::CallId, self.call_id.as_str());
        headers.push(HeaderName::CSeq, format!("{number} {}", method.as_str()));
        headers.push(HeaderName::UserAgent, settings.product.as_str());
        Request { method, uri, headers, body: Vec::new() }
    }

    /// Where requests go: the first route's address or else the remote target's (section 12.2.1.1), by the stream that
    /// stands between us and that address, if one does. What cannot be found without DNS goes to where the other side's
    /// last request came from, which is the proxy or the phone itself.
    pub(super) fn next_hop(&self, settings: &Settings) -> Peer {
        if self.behind_nat || self.by_flow {
            return self.peer;
        }
        let uri = self.route_set.first().map_or(&self.remote_target, |route| &route.uri);
        let Some(remote) = socket_address(uri) else { return self.peer };
        let transport = transport(uri).unwrap_or(self.peer.transport);
        if transport != self.peer.transport {
            let local = SocketAddr::new(self.peer.local.ip(), settings.port(transport));
            return Peer { transport, local, remote, connection: None };
        }
        let connection = self.peer.connection.filter(|_| remote.ip() == self.peer.remote.ip());
        Peer { remote, connection, ..self.peer }
    }
}

/// The tag of a From or To as it stands, without reading all of it.
pub(super) fn tag_of(value: &str) -> Option<&str> {
    let bytes = value.as_bytes();
    let bracket = bytes.iter().rposition(|byte| *byte == b'>');
    let start = bracket.or_else(|| bytes.iter().position(|byte| *byte == b';'))? + 1;
    // All that is cut at is ASCII, so that each part is whole characters.
    bytes[start..].split(|byte| *byte == b';').find_map(|parameter| {
        let equals = parameter.iter().position(|byte| *byte == b'=')?;
        let (name, tag) = (parameter[..equals].trim_ascii(), parameter[equals + 1..].trim_ascii());
        if !name.eq_ignore_ascii_case(b"tag") || tag.is_empty() {
            return None;
        }
        std::str::from_utf8(tag).ok()
    })
}

/// The address that a URI names by number: `maddr` or the host, with the port or 5060.
pub(super) fn socket_address(uri: &Uri) -> Option<SocketAddr> {
    let address = match uri.maddr() {
        Some(maddr) => maddr.trim_start_matches('[').trim_end_matches(']').parse().ok()?,
        None => uri.host.address()?,
    };
    Some(SocketAddr::new(address, uri.port.unwrap_or(5060)))
}

/// The transport that a URI names, of those that we have.
pub(super) fn transport(uri: &Uri) -> Option<TransportKind> {
    let name = uri.transport()?;
    if name.eq_ignore_ascii_case("tcp") {
        Some(TransportKind::Tcp)
    } else if name.eq_ignore_ascii_case("udp") {
        Some(TransportKind::Udp)
    } else {
        None
    }
}

/// Our Contact for those who hear us at `local`.
pub(super) fn contact(transport: TransportKind, local: SocketAddr) -> String {
    let mut out = String::with_capacity(64);
    // A string takes all that is written to it.
    let _ = write!(out, "<sip:{}:{}", Host::from(local.ip()), local.port());
    out.push_str(match transport {
        TransportKind::Udp => ">",
        TransportKind::Tcp => ";transport=tcp>",
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_as_the_whole_reader_finds_it() {
        for value in [
            "<sip:a@b>;tag=x",
            "\"A; tag=no <q>\" <sip:a@b;tag=no>;x=y; TAG = x",
            "sip:a@b;tag=x;y",
            "sip:a@b",
            "<sip:a@b;tag=no>",
            "A <sip:a@b> ;tag=",
        ] {
            let read = NameAddr::parse(value, "To").ok();
            assert_eq!(tag_of(value), read.as_ref().and_then(NameAddr::tag), "{value}");
        }
    }
}
