//! Who is called: a SIP address, where it is, and by which of our addresses it is reached.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _, UdpSocket};

use crate::sip::message::{Host, Scheme, Uri};
use crate::telephony::TransportKind;

/// Shown wherever an address is not understood.
pub const EXAMPLE: &str = "sip:1000@127.0.0.1 or sip:1000@pbx.example.com:5080;transport=tcp";

/// Why an address cannot be called.
#[derive(Debug, thiserror::Error)]
pub enum TargetFault {
    /// It cannot be read.
    #[error("`{0}` is no SIP address; write it as in {EXAMPLE}")]
    NoUri(String),
    /// It is read and not understood.
    #[error("`{0}:` addresses cannot be called; write one as in {EXAMPLE}")]
    Scheme(String),
    /// `;transport=` says something else.
    #[error("the transport `{0}` is not spoken here; udp and tcp are")]
    Transport(String),
    /// No address of the host is known.
    #[error("the host `{host}` was not found: {error}")]
    Unknown {
        /// As written.
        host: String,
        /// What the operating system said.
        error: io::Error,
    },
    /// There is no way there.
    #[error("no network leads to {remote}: {error}")]
    NoRoute {
        /// Where it is.
        remote: SocketAddr,
        /// What the operating system said.
        error: io::Error,
    },
}

impl TargetFault {
    /// Whether the person wrote something wrong, rather than that it could not be done.
    pub fn is_usage(&self) -> bool {
        matches!(self, TargetFault::NoUri(_) | TargetFault::Scheme(_) | TargetFault::Transport(_))
    }
}

/// Who is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The Request-URI, with its transport where that is not UDP.
    pub uri: String,
    /// Its host, without brackets.
    pub host: String,
    /// Where the host is.
    pub remote: SocketAddr,
    /// Our address towards it.
    pub local: IpAddr,
    /// How.
    pub transport: TransportKind,
}

/// A URI that can be called, and how: pure, and without knowing where its host is.
fn read(text: &str, wished: Option<TransportKind>) -> Result<(Uri, TransportKind), TargetFault> {
    let no_uri = || TargetFault::NoUri(text.to_owned());
    let with_scheme = |text: &str| Uri::parse(&format!("sip:{text}")).ok().filter(|uri| uri.user.is_some());
    let mut uri = match Uri::parse(text) {
        Ok(uri) if matches!(uri.scheme, Scheme::Other(_)) => match with_scheme(text) {
            // `1000@127.0.0.1:5080`, whose colon is that of the port.
            Some(completed) if text.contains('@') => completed,
            _ => return Err(TargetFault::Scheme(uri.scheme.as_str().to_owned())),
        },
        Ok(uri) => uri,
        Err(_) => with_scheme(text).ok_or_else(no_uri)?,
    };
    if uri.scheme != Scheme::Sip {
        return Err(TargetFault::Scheme(uri.scheme.as_str().to_owned()));
    }
    let transport = match (uri.transport().map(str::to_ascii_lowercase).as_deref(), wished) {
        (None, wished) => wished.unwrap_or(TransportKind::Udp),
        (Some("udp"), None | Some(TransportKind::Udp)) => TransportKind::Udp,
        (Some("tcp"), None | Some(TransportKind::Tcp)) => TransportKind::Tcp,
        (Some("udp" | "tcp"), Some(wished)) => wished,
        (Some(other), _) => return Err(TargetFault::Transport(other.to_owned())),
    };
    match transport {
        TransportKind::Tcp => uri.parameters.set("transport", Some("tcp")),
        TransportKind::Udp if uri.transport().is_some() => uri.parameters.set("transport", Some("udp")),
        TransportKind::Udp => {}
    }
    // Headers in an address have no meaning in a Request-URI (RFC 3261 section 19.1.5).
    uri.headers.clear();
    Ok((uri, transport))
}

impl Target {
    /// Finds who `text` means.
    ///
    /// # Errors
    /// Every `TargetFault`.
    pub fn find(text: &str, wished: Option<TransportKind>) -> Result<Target, TargetFault> {
        let (uri, transport) = read(text, wished)?;
        let port = uri.port.unwrap_or(5060);
        let host = match &uri.host {
            Host::Name(name) => name.to_string(),
            Host::Address(address) => address.to_string(),
        };
        let remote = match uri.host.address() {
            Some(address) => SocketAddr::new(address, port),
            None => look_up(&host, port).map_err(|error| TargetFault::Unknown { host: host.clone(), error })?,
        };
        let local = way_to(remote).map_err(|error| TargetFault::NoRoute { remote, error })?;
        Ok(Target { uri: uri.to_string(), host, remote, local, transport })
    }
}

/// The first address of a host, IPv4 before IPv6: what answers telephones answers there.
fn look_up(host: &str, port: u16) -> io::Result<SocketAddr> {
    let found: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    first.copied().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
}

/// The address of ours that packets to `remote` come from; nothing is sent.
fn way_to(remote: SocketAddr) -> io::Result<IpAddr> {
    let any = if remote.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(remote)?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use TransportKind::{Tcp, Udp};

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let check = |text: &str, wished: Option<TransportKind>, expected: Result<(&str, TransportKind), &str>| {
            let told = read(text, wished).map(|(uri, transport)| (uri.to_string(), transport));
            let told = told.map_err(|fault| fault.to_string());
            assert_eq!(
                told.as_ref()
                    .map(|(uri, transport)| (uri.as_str(), *transport))
                    .map_err(|fault| { fault.split(';').next().expect("a part") }),
                expected,
                "{text} {wished:?}"
            );
        };
        check("sip:1000@127.0.0.1", None, Ok(("sip:1000@127.0.0.1", Udp)));
        check("sip:1000@127.0.0.1", Some(Tcp), Ok(("sip:1000@127.0.0.1;transport=tcp", Tcp)));
        check("sip:1000@127.0.0.1;transport=TCP", None, Ok(("sip:1000@127.0.0.1;transport=tcp", Tcp)));
        check("sip:1000@127.0.0.1;transport=tcp", Some(Udp), Ok(("sip:1000@127.0.0.1;transport=udp", Udp)));
        check("1000@127.0.0.1", None, Ok(("sip:1000@127.0.0.1", Udp)));
        check("1000@127.0.0.1:5080", None, Ok(("sip:1000@127.0.0.1:5080", Udp)));
        check("sip:pbx.example.com", None, Ok(("sip:pbx.example.com", Udp)));
        check("sip:1000@[::1]:5070", None, Ok(("sip:1000@[::1]:5070", Udp)));
        check("sip:1000@host?Subject=x", None, Ok(("sip:1000@host", Udp)));
        check("127.0.0.1", None, Err("`127.0.0.1` is no SIP address"));
        check("", None, Err("`` is no SIP address"));
        check("sip:", None, Err("`sip:` is no SIP address"));
        check("tel:+442079460123", None, Err("`tel:` addresses cannot be called"));
        check("https://example.com", None, Err("`https:` addresses cannot be called"));
        check("sips:1000@host", None, Err("`sips:` addresses cannot be called"));
        check("sip:1000@host;transport=ws", None, Err("the transport `ws` is not spoken here"));
    }

    #[test]
    fn the_way_to_ourselves_is_known() {
        let target = Target::find("sip:1000@127.0.0.1:5099", None).expect("found");
        assert_eq!(target.remote, "127.0.0.1:5099".parse().expect("an address"));
        assert_eq!(target.local, IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert_eq!(target.host, "127.0.0.1");
    }
}
