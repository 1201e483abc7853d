//! What is kept off before it costs anything: floods, scanners, and the other side of our own complaints.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Moment;

/// Sources whose faults are remembered. When there are more, all are forgotten: under a flood from forged addresses
/// their memory is worth nothing.
const SOURCES_MAX: usize = 4_096;

/// Answers to malformed or misplaced requests, a second and source: a complaint to a forged address is a weapon.
const COMPLAINTS_PER_SECOND: u32 = 50;

/// What programs that look for open telephone systems call themselves.
const SCANNERS: [&str; 9] = [
    "friendly-scanner",
    "sipvicious",
    "sundayddr",
    "sip-scan",
    "sipcli",
    "iwar",
    "vaxsip",
    "pplsip",
    "friendly-request",
];

/// A rate with a burst of one second's worth, as the time at which the next one is due (the generic cell rate
/// algorithm of ITU-T I.371).
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    interval: Duration,
    next: Moment,
}

impl Rate {
    pub(super) fn per_second(count: u32) -> Rate {
        Rate { interval: Duration::from_secs(1) / count.max(1), next: Moment::ZERO }
    }

    /// Takes one, if one is to be had.
    pub(super) fn take(&mut self, now: Moment) -> bool {
        if self.next > now + Duration::from_secs(1).saturating_sub(self.interval) {
            return false;
        }
        self.next = self.next.max(now) + self.interval;
        true
    }
}

/// The limits of what is listened to.
#[derive(Debug)]
pub(super) struct Guard {
    calls: Rate,
    complaints: BTreeMap<IpAddr, Rate>,
}

impl Guard {
    pub(super) fn new(calls_per_second: u32) -> Guard {
        Guard { calls: Rate::per_second(calls_per_second), complaints: BTreeMap::new() }
    }

    /// Whether one more call may begin.
    pub(super) fn takes_call(&mut self, now: Moment) -> bool {
        self.calls.take(now)
    }

    /// Whether a fault of this source's may be answered.
    pub(super) fn may_complain(&mut self, now: Moment, source: IpAddr) -> bool {
        if self.complaints.len() >= SOURCES_MAX && !self.complaints.contains_key(&source) {
            self.complaints.clear();
        }
        self.complaints.entry(source).or_insert_with(|| Rate::per_second(COMPLAINTS_PER_SECOND)).take(now)
    }
}

/// Whether a User-Agent is a scanner's, which is best not answered at all.
pub(super) fn is_scanner(user_agent: &str) -> bool {
    SCANNERS.iter().any(|scanner| {
        user_agent.as_bytes().windows(scanner.len()).any(|part| part.eq_ignore_ascii_case(scanner.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_allows_a_burst_and_then_its_pace() {
        let mut rate = Rate::per_second(10);
        let taken =
            |rate: &mut Rate, from: u64, to: u64| (from..to).filter(|ms| rate.take(Moment::from_millis(*ms))).count();
        assert_eq!(taken(&mut rate, 0, 50), 10);
        assert_eq!(taken(&mut rate, 50, 1_050), 10);
        assert_eq!(taken(&mut rate, 9_000, 9_001), 1);
    }

    #[test]
    fn complaints_are_limited_for_each_source() {
        let mut guard = Guard::new(1);
        let (one, two) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let answered = (0..1_000).filter(|_| guard.may_complain(Moment::ZERO, one)).count();
        assert_eq!(answered, COMPLAINTS_PER_SECOND as usize);
        assert!(guard.may_complain(Moment::ZERO, two));
    }

    #[test]
    fn scanners_are_known_by_name() {
        for (user_agent, scanner) in [
            ("friendly-scanner", true),
            ("SIPVicious 0.3", true),
            ("sipsak 0.9.8", false),
            ("baresip v3", false),
            ("", false),
        ] {
            assert_eq!(is_scanner(user_agent), scanner, "{user_agent}");
        }
    }
}
