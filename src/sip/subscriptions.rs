//! Phones that want to know how many messages wait for their agents (RFC 3842), each in a dialog of its own (RFC 6665).

use std::collections::BTreeMap;

use super::deadlines::Deadlines;
use super::dialog::Dialog;
use super::peer::ConnectionId;
use super::registrar::Binding;
use super::transaction::{ClientId, Due};
use crate::clock::Moment;

/// A phone's subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::sip) struct SubscriptionId(u64);

/// One phone that is told.
#[derive(Debug)]
pub(in crate::sip) struct Subscription {
    /// Whose messages.
    pub(in crate::sip) extension: String,
    pub(in crate::sip) dialog: Dialog,
    /// The `id` of its Event.
    pub(in crate::sip) event_id: Option<String>,
    /// Whose messages they are, as the phone has written it.
    pub(in crate::sip) account: String,
    pub(in crate::sip) expires: Moment,
    /// The NOTIFY that is not answered yet.
    pub(in crate::sip) notifying: Option<ClientId>,
    /// There is news since.
    pub(in crate::sip) news: bool,
    due: Option<Moment>,
}

impl Subscription {
    pub(in crate::sip) fn new(extension: String, dialog: Dialog, account: String, expires: Moment) -> Subscription {
        let (event_id, notifying, news, due) = (None, None, false, None);
        Subscription { extension, dialog, event_id, account, expires, notifying, news, due }
    }
}

/// All of them, and how many messages wait for whom.
#[derive(Debug, Default)]
pub(in crate::sip) struct Subscriptions {
    all: BTreeMap<SubscriptionId, Subscription>,
    begun: u64,
    /// New and old messages, by extension.
    messages: BTreeMap<String, (u32, u32)>,
}

impl Subscriptions {
    /// The name of the next one, and its tag.
    pub(in crate::sip) fn next(&mut self, rng: &mut fastrand::Rng) -> (SubscriptionId, String) {
        self.begun += 1;
        (SubscriptionId(self.begun), format!("sub{}-{:016x}", self.begun, rng.u64(..)))
    }

    /// The one whose dialog these name.
    pub(in crate::sip) fn find(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> Option<SubscriptionId> {
        let (name, _) = local_tag.split_once('-')?;
        let id = SubscriptionId(name.strip_prefix("sub")?.parse().ok()?);
        self.all.get(&id)?.dialog.is_named(call_id, local_tag, remote_tag).then_some(id)
    }

    pub(in crate::sip) fn get_mut(&mut self, id: SubscriptionId) -> Option<&mut Subscription> {
        self.all.get_mut(&id)
    }

    pub(in crate::sip) fn insert(
        &mut self,
        id: SubscriptionId,
        subscription: Subscription,
        deadlines: &mut Deadlines<Due>,
    ) {
        self.all.insert(id, subscription);
        self.settle(id, deadlines);
    }

    /// Sets the deadline anew.
    pub(in crate::sip) fn settle(&mut self, id: SubscriptionId, deadlines: &mut Deadlines<Due>) {
        if let Some(subscription) = self.all.get_mut(&id) {
            let wanted = Some(subscription.expires);
            deadlines.set(Due::Subscription(id), &mut subscription.due, wanted);
        }
    }

    /// Its deadline was taken.
    pub(in crate::sip) fn is_due(&mut self, id: SubscriptionId) {
        if let Some(subscription) = self.all.get_mut(&id) {
            subscription.due = None;
        }
    }

    pub(in crate::sip) fn remove(
        &mut self,
        id: SubscriptionId,
        deadlines: &mut Deadlines<Due>,
    ) -> Option<Subscription> {
        let mut subscription = self.all.remove(&id)?;
        deadlines.set(Due::Subscription(id), &mut subscription.due, None);
        Some(subscription)
    }

    /// Those of an agent, the oldest first.
    pub(in crate::sip) fn of(&self, extension: &str) -> Vec<SubscriptionId> {
        let own = self.all.iter().filter(|(_, subscription)| subscription.extension == extension);
        own.map(|(id, _)| *id).collect()
    }

    /// Those of agents who are none any more.
    pub(in crate::sip) fn orphans(&self, is_agent: impl Fn(&str) -> bool) -> Vec<SubscriptionId> {
        let gone = self.all.iter().filter(|(_, subscription)| !is_agent(&subscription.extension));
        gone.map(|(id, _)| *id).collect()
    }

    /// So many messages wait for an agent. Whether that is news.
    pub(in crate::sip) fn set_messages(&mut self, extension: &str, counts: (u32, u32)) -> bool {
        self.messages.insert(extension.to_owned(), counts).unwrap_or_default() != counts
    }

    /// What is known no more of those who are no agents.
    pub(in crate::sip) fn forget_messages(&mut self, is_agent: impl Fn(&str) -> bool) {
        self.messages.retain(|extension, _| is_agent(extension));
    }

    /// New and old messages that wait for an agent.
    pub(in crate::sip) fn messages(&self, extension: &str) -> (u32, u32) {
        self.messages.get(extension).copied().unwrap_or_default()
    }

    /// The same, where anything is known of them.
    pub(in crate::sip) fn known_messages(&self, extension: &str) -> Option<(u32, u32)> {
        self.messages.get(extension).copied()
    }

    /// Whether a registered phone is told because it has asked: a subscription came from where it registered, or names its
    /// Contact.
    pub(in crate::sip) fn has_asked(&self, phone: &Binding) -> bool {
        let own = self.all.values().filter(|subscription| subscription.extension == phone.extension);
        let direct = phone.path.is_empty();
        own.map(|subscription| &subscription.dialog).any(|dialog| {
            let (peer, target) = (dialog.peer, &dialog.remote_target);
            let same_way = direct && (peer.transport, peer.remote) == (phone.flow.transport, phone.flow.remote);
            same_way || target.matches(&phone.contact.uri)
        })
    }

    /// The streams by which they are told.
    pub(in crate::sip) fn connections(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.all.values().filter_map(|subscription| subscription.dialog.peer.connection)
    }

    /// Panics unless each will end; tells how many deadlines there are.
    pub(in crate::sip) fn assert_consistent(&self, deadlines: &Deadlines<Due>) -> usize {
        for (id, subscription) in &self.all {
            assert_eq!(subscription.due, Some(subscription.expires), "{id:?} never ends");
            assert!(deadlines.contains(Due::Subscription(*id), subscription.expires), "{id:?}'s deadline is lost");
        }
        self.all.len()
    }
}
