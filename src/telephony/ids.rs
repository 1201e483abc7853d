//! Names of things by number: other rooms hold these and never the thing itself.

use std::fmt;

/// One caller's visit, from the first INVITE to the last BYE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// One SIP dialog with its audio. `sip` numbers the legs that come in and the switchboard those that go out, each from
/// its own half of the numbers, so that neither has to ask the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegId(u64);

impl LegId {
    const OUTBOUND: u64 = 1 << 63;

    /// The `count`th leg that came in.
    pub const fn inbound(count: u64) -> LegId {
        LegId(count & !Self::OUTBOUND)
    }

    /// The `count`th leg that was dialled.
    pub const fn outbound(count: u64) -> LegId {
        LegId(count | Self::OUTBOUND)
    }

    /// Whether the leg was dialled by Helpline.
    pub const fn is_outbound(self) -> bool {
        self.0 & Self::OUTBOUND != 0
    }
}

/// One act of playing. A `PlaybackFinished` that names an older one is late and means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaybackId(pub u64);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

impl fmt::Display for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_outbound() { write!(f, "out{}", self.0 & !Self::OUTBOUND) } else { write!(f, "in{}", self.0) }
    }
}
