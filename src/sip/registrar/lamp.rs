//! What a phone that has not asked was told of the messages that wait.

use crate::sip::transaction::ClientId;

/// New messages and those that were heard.
type Counts = (u32, u32);

/// The lamp of one phone.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sip) struct Lamp {
    /// What it knows, when it was told.
    known: Option<Counts>,
    /// What it is being told.
    telling: Option<(ClientId, Counts)>,
    /// It does not take what it has not asked for.
    refuses: bool,
}

impl Lamp {
    /// Whether it is to be told this now.
    pub(in crate::sip) fn wants(&self, counts: Counts) -> bool {
        !self.refuses && self.telling.is_none() && self.known != Some(counts)
    }

    /// It is being told.
    pub(in crate::sip) fn asks(&mut self, request: ClientId, counts: Counts) {
        self.telling = Some((request, counts));
    }

    /// Whether this is what it is being told by.
    pub(in crate::sip) fn awaits(&self, request: ClientId) -> bool {
        self.telling.is_some_and(|(telling, _)| telling == request)
    }

    /// It knows.
    pub(in crate::sip) fn told(&mut self) {
        self.known = self.telling.take().map(|(_, counts)| counts);
    }

    /// It was not reached.
    pub(in crate::sip) fn missed(&mut self) {
        (self.telling, self.known) = (None, None);
    }

    /// It wants to hear no more.
    pub(in crate::sip) fn refused(&mut self) {
        *self = Lamp { refuses: true, ..Lamp::default() };
    }
}
