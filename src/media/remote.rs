//! Where a leg's packets go, and whose are heard: symmetric RTP (RFC 4961) that locks on to the caller's real address.
//!
//! Behind a NAT the address in the caller's SDP is not the one that packets come from. So the first who sends valid audio
//! is the caller, and from then on everybody else is a stranger, until a new address is agreed. Only the agreed address
//! itself, when audio comes from there after all, is believed before one that was found: whoever sends to our ports in the
//! hope of a call that begins there (known as RTP bleed) loses it to the caller's first two packets.

use std::net::SocketAddr;
use std::time::Duration;

use crate::clock::Moment;

use super::rtp::Header;

/// After a change of address, how long the one before may not be locked on to: its last packets are still on the way.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

/// The other side's address, as agreed and as found.
#[derive(Clone, Debug)]
pub struct Remote {
    signalled: Option<SocketAddr>,
    locked: Option<SocketAddr>,
    candidate: Option<Candidate>,
    left: Option<Left>,
}

/// An address that was not agreed and sent one valid packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate {
    address: SocketAddr,
    ssrc: u32,
    /// The sequence number that proves it.
    next: u16,
}

/// What held before the agreement changed.
#[derive(Clone, Copy, Debug)]
struct Left {
    signalled: Option<SocketAddr>,
    locked: SocketAddr,
    until: Moment,
}

impl Remote {
    /// Not yet heard from.
    pub fn new(signalled: Option<SocketAddr>) -> Remote {
        Remote { signalled, locked: None, candidate: None, left: None }
    }

    /// Where to send; `None` while nobody knows.
    pub fn target(&self) -> Option<SocketAddr> {
        self.locked.or(self.signalled)
    }

    /// Whether the caller was heard from elsewhere than agreed.
    pub fn moved(&self) -> bool {
        self.locked.is_some() && self.locked != self.signalled
    }

    /// Whether `from` is known to be the caller.
    pub fn is_locked_on(&self, from: SocketAddr) -> bool {
        self.locked == Some(from)
    }

    /// The agreement has changed. The same address keeps the lock; another one unlocks.
    pub fn change(&mut self, now: Moment, signalled: Option<SocketAddr>) {
        if signalled == self.signalled {
            return;
        }
        let restored = self.left.filter(|left| left.signalled == signalled && signalled.is_some());
        if let Some(locked) = self.locked {
            self.left = Some(Left { signalled: self.signalled, locked, until: now + LEFT_BEHIND });
        }
        // Back to where the caller was before, as after a hold that took the address away (RFC 3264 section 8.4).
        self.locked = restored.map(|left| left.locked).or(self.locked.filter(|locked| Some(*locked) == signalled));
        self.signalled = signalled;
        self.candidate = None;
    }

    /// Whether a valid packet comes from the caller. While nobody is known to be, the agreed address is believed at once,
    /// any other when a second packet follows in sequence; so is the agreed one once another was found.
    pub fn admit(&mut self, now: Moment, from: SocketAddr, header: &Header) -> bool {
        let agreed = self.signalled == Some(from);
        match self.locked {
            Some(locked) if locked == from => return true,
            Some(_) if !agreed => return false,
            Some(_) => {
                if !self.is_proven(from, header) {
                    return false;
                }
            }
            None if agreed => {}
            None => {
                let left_behind = self.left.is_some_and(|left| left.locked == from && now < left.until);
                if left_behind || !self.is_proven(from, header) {
                    return false;
                }
            }
        }
        self.locked = Some(from);
        self.candidate = None;
        true
    }

    /// Whether this packet follows the last one of the same source and address.
    fn is_proven(&mut self, from: SocketAddr, header: &Header) -> bool {
        let seen = Candidate { address: from, ssrc: header.ssrc, next: header.sequence };
        let proven = self.candidate == Some(seen);
        self.candidate = Some(Candidate { next: header.sequence.wrapping_add(1), ..seen });
        proven
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Act {
        /// At a millisecond, from the port, with source and sequence: admitted?
        Hears(u64, u16, u32, u16, bool),
        Changes(u64, u16),
    }
    use Act::*;

    fn at(port: u16) -> Option<SocketAddr> {
        (port != 0).then(|| SocketAddr::from(([127, 0, 0, 1], port)))
    }

    fn check(what: &str, signalled: u16, acts: &[Act], target: u16) {
        let mut remote = Remote::new(at(signalled));
        for (n, act) in acts.iter().enumerate() {
            match *act {
                Hears(ms, port, ssrc, sequence, admitted) => {
                    let header = Header { marker: false, payload_type: 0, sequence, timestamp: 0, ssrc };
                    let from = at(port).expect("a port");
                    assert_eq!(remote.admit(Moment::from_millis(ms), from, &header), admitted, "{what}, act {n}");
                }
                Changes(ms, port) => remote.change(Moment::from_millis(ms), at(port)),
            }
        }
        assert_eq!(remote.target(), at(target), "{what}");
    }

    #[test]
    fn locks_once() {
        check("nothing heard", 5, &[], 5);
        check(
            "the agreed address",
            5,
            &[Hears(0, 5, 1, 9, true), Hears(20, 6, 2, 1, false), Hears(40, 6, 2, 2, false)],
            5,
        );
        check("behind a NAT", 5, &[Hears(0, 6, 1, 9, false), Hears(20, 6, 1, 10, true), Hears(40, 5, 2, 1, false)], 6);
        check(
            "one packet of a stranger",
            5,
            &[Hears(0, 6, 2, 9, false), Hears(20, 5, 1, 1, true), Hears(20, 6, 2, 10, false)],
            5,
        );
        check("no sequence", 5, &[Hears(0, 6, 2, 9, false), Hears(20, 6, 2, 11, false), Hears(40, 6, 3, 12, false)], 5);
        check(
            "a stranger was faster",
            5,
            &[
                Hears(0, 6, 2, 9, false),
                Hears(20, 6, 2, 10, true),
                Hears(40, 5, 1, 1, false),
                Hears(50, 6, 2, 11, true),
                Hears(60, 5, 1, 2, true),
                Hears(70, 6, 2, 12, false),
                Hears(90, 6, 2, 13, false),
            ],
            5,
        );
        check("no address agreed", 0, &[Hears(0, 6, 1, 65_535, false), Hears(20, 6, 1, 0, true)], 6);
    }

    #[test]
    fn a_change_of_address_unlocks() {
        let lock = [Hears(0, 6, 1, 9, false), Hears(20, 6, 1, 10, true)];
        let then = |acts: &[Act]| -> Vec<Act> {
            let copy = |act: &Act| match *act {
                Hears(a, b, c, d, e) => Hears(a, b, c, d, e),
                Changes(a, b) => Changes(a, b),
            };
            lock.iter().chain(acts).map(copy).collect()
        };
        check("the same address", 5, &then(&[Changes(30, 5), Hears(40, 7, 2, 1, false)]), 6);
        check("another address", 5, &then(&[Changes(30, 8)]), 8);
        check(
            "its last packets",
            5,
            &then(&[Changes(30, 8), Hears(40, 6, 1, 11, false), Hears(60, 6, 1, 12, false)]),
            8,
        );
        check(
            "the new one heard",
            5,
            &then(&[Changes(30, 8), Hears(40, 8, 2, 1, true), Hears(60, 6, 1, 12, false)]),
            8,
        );
        check(
            "to where it was found",
            5,
            &then(&[Changes(30, 6), Hears(40, 7, 2, 1, false), Hears(40, 7, 2, 2, false)]),
            6,
        );
        check("no address for a while", 5, &then(&[Changes(30, 0)]), 0);
        check("and back", 5, &then(&[Changes(30, 0), Changes(9_000, 5)]), 6);
        let late = [Changes(30, 8), Hears(1_040, 6, 1, 60, false), Hears(1_060, 6, 1, 61, true)];
        check("signalled anew behind the same NAT", 5, &then(&late), 6);
    }
}
