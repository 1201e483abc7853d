//! Session descriptions as text (RFC 8866): bytes to a [`SessionDescription`] and back.

use crate::telephony::SessionDescription;

/// The text is no session description; the texts finish "the session description ...".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpFault {
    /// Not begun with `v=0`.
    #[error("does not begin with v=0")]
    NotSdp,
    /// A line that cannot be read.
    #[error("has a bad {0} line")]
    BadLine(&'static str),
    /// More lines than are read.
    #[error("is too long")]
    TooLong,
}

/// Reads a session description.
pub fn parse(text: &[u8]) -> Result<SessionDescription, SdpFault> {
    let _ = text;
    Err(SdpFault::NotSdp)
}

/// Prints a session description, its lines in the order v, o, s, c, t, m, a.
pub fn print(description: &SessionDescription) -> String {
    let _ = description;
    String::new()
}
