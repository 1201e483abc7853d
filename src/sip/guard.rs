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

/// REGISTERs, and calls of those who say to be agents, a second and source that are looked at. Behind one NAT there may be a whole office.
const CLAIMS_PER_SECOND: u32 = 100;

/// Wrong passwords that a source has in a minute.
const GUESSES_PER_MINUTE: u32 = 30;

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

/// A rate with a burst of one period's worth, as the time at which the next one is due (the generic cell rate
/// algorithm of ITU-T I.371).
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    period: Duration,
    interval: Duration,
    next: Moment,
}

impl Rate {
    pub(super) fn per_second(count: u32) -> Rate {
        Rate::within(count, Duration::from_secs(1))
    }

    fn within(count: u32, period: Duration) -> Rate {
        Rate { period, interval: period / count.max(1), next: Moment::ZERO }
    }

    /// Whether one is to be had.
    fn has(&self, now: Moment) -> bool {
        self.next <= now + self.period.saturating_sub(self.interval)
    }

    /// Takes one, if one is to be had.
    pub(super) fn take(&mut self, now: Moment) -> bool {
        if !self.has(now) {
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
    claims: BTreeMap<IpAddr, Rate>,
    guesses: BTreeMap<IpAddr, Rate>,
}

impl Guard {
    pub(super) fn new(calls_per_second: u32) -> Guard {
        Guard {
            calls: Rate::per_second(calls_per_second),
            complaints: BTreeMap::new(),
            claims: BTreeMap::new(),
            guesses: BTreeMap::new(),
        }
    }

    /// Whether one more call may begin.
    pub(super) fn takes_call(&mut self, now: Moment) -> bool {
        self.calls.take(now)
    }

    /// Whether a fault of this source's may be answered.
    pub(super) fn may_complain(&mut self, now: Moment, source: IpAddr) -> bool {
        rate_of(&mut self.complaints, source, Rate::per_second(COMPLAINTS_PER_SECOND)).take(now)
    }

    /// Whether one more request of this source's is looked at that has to be proven an agent's.
    pub(super) fn takes_claim(&mut self, now: Moment, source: IpAddr) -> bool {
        rate_of(&mut self.claims, source, Rate::per_second(CLAIMS_PER_SECOND)).take(now)
    }

    /// Whether this source may try a password.
    pub(super) fn may_guess(&self, now: Moment, source: IpAddr) -> bool {
        self.guesses.get(&source).is_none_or(|rate| rate.has(now))
    }

    /// Notes a wrong password.
    pub(super) fn guessed_wrong(&mut self, now: Moment, source: IpAddr) {
        rate_of(&mut self.guesses, source, Rate::within(GUESSES_PER_MINUTE, Duration::from_secs(60))).take(now);
    }
}

fn rate_of(rates: &mut BTreeMap<IpAddr, Rate>, source: IpAddr, fresh: Rate) -> &mut Rate {
    if rates.len() >= SOURCES_MAX && !rates.contains_key(&source) {
        rates.clear();
    }
    rates.entry(source).or_insert(fresh)
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
    fn passwords_can_be_guessed_a_few_times_only() {
        let mut guard = Guard::new(1);
        let (one, two) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let start = Moment::from_millis(1_000);
        let mut tries = 0;
        while guard.may_guess(start, one) {
            guard.guessed_wrong(start, one);
            tries += 1;
        }
        assert_eq!(tries, GUESSES_PER_MINUTE);
        assert!(guard.may_guess(start, two));
        assert!(!guard.may_guess(start + Duration::from_millis(1_999), one));
        assert!(guard.may_guess(start + Duration::from_secs(2), one));
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
