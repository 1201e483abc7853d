//! Which hosts may be asked.

use std::net::IpAddr;
use std::sync::Arc;

/// A host, or all hosts below a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// This one.
    Exactly(Arc<str>),
    /// `*.example.com`: those whose names end so, and not `example.com` itself.
    Below(Arc<str>),
}

impl HostPattern {
    /// Reads `shop.example.com`, `192.0.2.7` or `*.example.com`.
    pub fn parse(text: &str) -> Option<HostPattern> {
        let text = text.to_ascii_lowercase();
        let (below, name) = text.strip_prefix("*.").map_or((false, &*text), |name| (true, name));
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        let named = name.len() <= 253 && name.split('.').all(label);
        let address: Option<IpAddr> = bare.parse().ok();
        match (below, address) {
            (false, Some(address)) => Some(HostPattern::Exactly(address.to_string().into())),
            (true, None) if named && name.contains('.') => Some(HostPattern::Below(format!(".{name}").into())),
            (false, None) if named => Some(HostPattern::Exactly(name.into())),
            _ => None,
        }
    }

    /// Whether `host`, a name in lower case or an address without brackets, is meant.
    pub fn fits(&self, host: &str) -> bool {
        match self {
            HostPattern::Exactly(name) => **name == *host,
            HostPattern::Below(end) => host.len() > end.len() && host.ends_with(&**end),
        }
    }
}

/// Whether an address is of this machine, of a private network, or of nothing that could be asked: what a service on the internet
/// never has.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || first == 0
                || first >= 224
                // RFC 6598, RFC 2544.
                || first == 100 && (64..128).contains(&second)
                || first == 198 && (second == 18 || second == 19)
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_private(IpAddr::V4(v4)),
            None => {
                v6.is_loopback()
                    || v6.is_unspecified()
                    || v6.is_multicast()
                    || v6.is_unique_local()
                    || v6.is_unicast_link_local()
                    // NAT64 and 6to4 carry an IPv4 address (RFC 6052, RFC 3056).
                    || carried(v6.segments()).is_some_and(|v4| is_private(IpAddr::V4(v4)))
            }
        },
    }
}

fn carried(segments: [u16; 8]) -> Option<std::net::Ipv4Addr> {
    let v4 = |high: u16, low: u16| std::net::Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}
