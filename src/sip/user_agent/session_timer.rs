//! Session timers (RFC 4028), in both roles.

use std::time::Duration;

use super::answer::Refused;
use crate::clock::Moment;
use crate::sip::message::{HeaderName, Headers, Refresher};
use crate::sip::settings::Settings;

/// A session that lives only as long as it is refreshed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    /// In seconds.
    pub(super) interval: u32,
    /// Whether refreshing is our task.
    pub(super) ours: bool,
    /// When we refresh, or say BYE.
    pub(super) next: Moment,
    /// When it is over.
    pub(super) expires: Moment,
}

impl Session {
    /// A session that was agreed or refreshed at `now`.
    pub(super) fn starting(now: Moment, interval: u32, ours: bool) -> Session {
        let whole = Duration::from_secs(interval.into());
        // Section 10: the side that refreshes does so at half time; the other ends it min(32 s, a third) before.
        let wait = if ours { whole / 2 } else { whole - (whole / 3).min(Duration::from_secs(32)) };
        Session { interval, ours, next: now + wait, expires: now + whole }
    }
}

/// What our 2xx will grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) interval: u32,
    pub(super) refresher: Refresher,
    /// The other side knows the extension, so that Require may name it.
    require: bool,
}

impl Granted {
    /// Writes it into the 2xx (section 9).
    pub(super) fn write(&self, headers: &mut Headers) {
        let side = match self.refresher {
            Refresher::Uac => "uac",
            Refresher::Uas => "uas",
        };
        headers.push(HeaderName::SessionExpires, format!("{};refresher={side}", self.interval));
        if self.require {
            headers.push(HeaderName::Require, "timer");
        }
    }

    /// The session, seen from the side that answers.
    pub(super) fn session(&self, now: Moment) -> Session {
        Session::starting(now, self.interval, self.refresher == Refresher::Uas)
    }
}

/// What to grant to an INVITE or UPDATE: nothing when neither side asks for it, 422 when the interval is too short
/// (section 9 with its table 2).
pub(super) fn grant(headers: &Headers, settings: &Settings) -> Result<Option<Granted>, Refused> {
    let bad = |_| Refused::status(400).because("Bad Session-Expires");
    let asked = headers.session_expires().map_err(bad)?;
    let least = headers.min_se().map_err(bad)?.unwrap_or(0).max(settings.min_se);
    let knows = headers.has_option_tag(&HeaderName::Supported, "timer")
        || headers.has_option_tag(&HeaderName::Require, "timer");
    let Some((interval, refresher)) = asked else {
        let interval = settings.session_expires.max(least);
        return Ok(knows.then_some(Granted { interval, refresher: Refresher::Uac, require: true }));
    };
    if interval < settings.min_se {
        return Err(Refused::status(422).with(HeaderName::MinSe, settings.min_se.to_string()));
    }
    let interval = interval.min(settings.session_expires.max(least));
    let refresher = if knows { refresher.unwrap_or(Refresher::Uac) } else { Refresher::Uas };
    Ok(Some(Granted { interval, refresher, require: knows }))
}

/// The session that the 2xx to our INVITE or UPDATE has agreed; none when the other side wants none.
pub(super) fn agreed(headers: &Headers, settings: &Settings, now: Moment) -> Option<Session> {
    let (interval, refresher) = headers.session_expires().ok()??;
    // Nobody may make us refresh more often than we said that we would.
    Some(Session::starting(now, interval.max(settings.min_se), refresher != Some(Refresher::Uas)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(asked: &[(HeaderName, &str)], expected: Result<Option<(u32, Refresher, bool)>, u16>) {
        let mut headers = Headers::new();
        for (name, value) in asked {
            headers.push(name.clone(), *value);
        }
        let granted = grant(&headers, &Settings::default());
        let granted = granted.map(|granted| granted.map(|one| (one.interval, one.refresher, one.require)));
        assert_eq!(granted.map_err(|refused| refused.status), expected, "{asked:?}");
    }

    #[test]
    fn the_table_of_section_9() {
        use HeaderName::{MinSe, SessionExpires, Supported};
        use Refresher::{Uac, Uas};
        check(&[], Ok(None));
        check(&[(Supported, "timer")], Ok(Some((1_800, Uac, true))));
        check(&[(Supported, "timer"), (MinSe, "3600")], Ok(Some((3_600, Uac, true))));
        check(&[(Supported, "timer"), (SessionExpires, "600")], Ok(Some((600, Uac, true))));
        check(&[(Supported, "timer"), (SessionExpires, "600;refresher=uas")], Ok(Some((600, Uas, true))));
        check(&[(Supported, "timer"), (SessionExpires, "7200;refresher=uac")], Ok(Some((1_800, Uac, true))));
        check(&[(SessionExpires, "600")], Ok(Some((600, Uas, false))));
        check(&[(Supported, "timer"), (SessionExpires, "60")], Err(422));
        check(&[(SessionExpires, "soon")], Err(400));
    }

    #[test]
    fn who_refreshes_does_so_at_half_time_and_the_other_waits_longer() {
        let at = |seconds: u64| Moment::ZERO + Duration::from_secs(seconds);
        for (interval, ours, next) in [(1_800, true, 900), (1_800, false, 1_768), (90, true, 45), (90, false, 60)] {
            let session = Session::starting(Moment::ZERO, interval, ours);
            assert_eq!((session.next, session.expires), (at(next), at(interval.into())));
        }
    }
}
