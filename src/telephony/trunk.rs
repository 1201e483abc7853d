//! Trunks: by whom calls leave for the telephone network, and which numbers may be called at all.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::TransportKind;

/// Fewest digits of a number that is called.
pub const NUMBER_DIGITS_MIN: usize = 3;
/// The most (E.164, section 6.2.1).
pub const NUMBER_DIGITS_MAX: usize = 15;

/// Whether a text is a number that can be called: 3 to 15 digits, with a plus before them or not.
pub fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (NUMBER_DIGITS_MIN..=NUMBER_DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A way to the telephone network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trunk {
    /// Its name, in metrics and logs.
    pub name: Arc<str>,
    /// How its host is spoken to.
    pub transport: TransportKind,
    /// A name or an address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whose INVITEs count as the trunk's.
    pub from: Vec<Network>,
    /// How we register there, and what we answer challenges with.
    pub register: Option<Login>,
    /// How the numbers begin that may be called; none where it is empty.
    pub dial: Vec<String>,
}

impl Trunk {
    /// Whether this number may be called by it.
    pub fn may_dial(&self, number: &str) -> bool {
        allows(&self.dial, number)
    }
}

/// The name and password of an account.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The account, and the user part of our address there.
    pub user: String,
    /// Its password.
    pub password: String,
}

// The password is a secret.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).field("password", &"...").finish()
    }
}

/// A network by its address and the length of its prefix (RFC 4632 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// `192.0.2.0/24`, `2001:db8::/32`, or an address, which is a network of one.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) if bits.len() <= 3 && bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().ok()?,
            Some(_) => return None,
            None => most,
        };
        (bits <= most).then_some(Network { address, bits })
    }

    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |one: u128, other: u128, width: u32| {
            let free = width - u32::from(self.bits);
            one.checked_shr(free).unwrap_or(0) == other.checked_shr(free).unwrap_or(0)
        };
        match (self.address, address) {
            (IpAddr::V4(one), IpAddr::V4(other)) => same(one.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(one), IpAddr::V6(other)) => same(one.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

/// Which numbers may be called, and by which trunk: what all who would have somebody called must ask first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DialPlan(Vec<(Arc<str>, Vec<String>)>);

impl DialPlan {
    /// That of the trunks, in their order.
    pub fn new<'a>(trunks: impl IntoIterator<Item = &'a Trunk>) -> DialPlan {
        DialPlan(trunks.into_iter().map(|trunk| (trunk.name.clone(), trunk.dial.clone())).collect())
    }

    /// The first trunk that may call this number.
    pub fn trunk_for(&self, number: &str) -> Option<&Arc<str>> {
        self.0.iter().find(|(_, prefixes)| allows(prefixes, number)).map(|(name, _)| name)
    }

    /// Whether no number at all may be called.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, prefixes)| prefixes.is_empty())
    }
}

fn allows(prefixes: &[String], number: &str) -> bool {
    is_number(number) && prefixes.iter().any(|prefix| !prefix.is_empty() && number.starts_with(prefix.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunk(name: &str, dial: &[&str]) -> Trunk {
        Trunk {
            name: name.into(),
            transport: TransportKind::Udp,
            host: "192.0.2.1".into(),
            port: 5060,
            from: Vec::new(),
            register: None,
            dial: dial.iter().map(|prefix| (*prefix).to_owned()).collect(),
        }
    }

    #[test]
    fn nothing_is_called_that_is_not_allowed() {
        let plan = DialPlan::new(&[trunk("none", &[]), trunk("uk", &["+44", "0"]), trunk("all", &["+"])]);
        for (number, expected) in [
            ("+442079460123", Some("uk")),
            ("02079460123", Some("uk")),
            ("+12025550123", Some("all")),
            ("12025550123", None),
            ("+44", None),
            ("+4420794601234567", None),
            ("+44207946012x", None),
            ("+442079460123@192.0.2.9", None),
            ("+44 2079460123", None),
            ("+44\r\n2079", None),
            ("0٠٠٠٠", None),
            ("sip:+442079460123", None),
            ("", None),
        ] {
            assert_eq!(plan.trunk_for(number).map(|name| &**name), expected, "{number}");
        }
        assert!(DialPlan::new(&[trunk("none", &[])]).is_empty() && DialPlan::default().is_empty());
        assert!(!trunk("odd", &[""]).may_dial("+442079460123"), "an empty prefix allows nothing");
    }

    #[test]
    fn a_network_is_told_from_its_neighbours() {
        for (network, address, inside) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
        ] {
            let read = Network::parse(network).expect(network);
            assert_eq!(read.contains(address.parse().expect("an address")), inside, "{address} in {network}");
        }
        for wrong in ["", "192.0.2.0/33", "192.0.2.0/", "192.0.2/24", "::/129", "192.0.2.0/+8", "example.com"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        let login = Login { user: "acme".into(), password: "hunter2".into() };
        assert!(!format!("{login:?}").contains("hunter2"));
    }
}
