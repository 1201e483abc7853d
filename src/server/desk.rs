//! The one loop: inputs from the inbox go into the switchboard, what it wants goes out, and the journal is read.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::unread::Unread;
use crate::acd::{AgentState, Estimate, LevelFormula};
use crate::clock::{Calendar, Clock, Moment};
use crate::connectors::Connectors;
use crate::http::{Asked, Question, Seen};
use crate::journal::{self, JournalEntry, Records, Stories, Story};
use crate::media::Reactor;
use crate::metrics::{AgentStanding, Metrics, QueueStanding, Standing};
use crate::sip::transport::Alarm;
use crate::store::Store;
use crate::switchboard::{
    Answered, Input, MailboxOrder, OperatorCommand, Output, Revision, Snapshot, Switchboard, View,
};
use crate::telephony::{MediaEvent, SipCommand, SipEvent};

/// As many letters may wait in the inbox.
pub const INBOX_MAX: usize = 4_096;
/// As many commands may wait in the outbox to `sip`.
pub const OUTBOX_MAX: usize = 4_096;
/// As many letters are read together before what they caused goes out.
const BATCH: usize = 64;
/// The calendar is asked anew when it is so old: somebody may have set the clock.
const CALENDAR_AGE: Duration = Duration::from_secs(60);
/// After the second signal BYEs have so long to leave.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// After the drain is over, callers' sides have so long to answer our BYE.
const AFTER_DRAIN: Duration = Duration::from_secs(5);

/// A letter of the inbox. It is stamped when it is put there, so that a full inbox makes nothing look faster or later
/// than it was.
pub struct Letter {
    posted: Instant,
    content: Content,
}

enum Content {
    One(Input),
    /// What HTTP wants to know.
    Asked(Asked),
    /// What a reactor had to tell at once: one letter wakes the loop once.
    Media(Vec<MediaEvent>),
}

impl Letter {
    /// What a media thread has to tell.
    pub fn from_media(events: Vec<MediaEvent>) -> Letter {
        Letter { posted: Instant::now(), content: Content::Media(events) }
    }
}

impl From<Input> for Letter {
    fn from(input: Input) -> Letter {
        Letter { posted: Instant::now(), content: Content::One(input) }
    }
}

impl Letter {
    /// The input in it, of one that could not be posted.
    pub fn into_input(self) -> Option<Input> {
        match self.content {
            Content::One(input) => Some(input),
            Content::Asked(_) | Content::Media(_) => None,
        }
    }
}

impl From<Asked> for Letter {
    fn from(asked: Asked) -> Letter {
        Letter { posted: Instant::now(), content: Content::Asked(asked) }
    }
}

impl From<SipEvent> for Letter {
    fn from(event: SipEvent) -> Letter {
        Input::Sip(event).into()
    }
}

/// A media thread's side of the inbox. It never waits: what does not fit goes with the next letter, at the latest with
/// the reactor's next tally.
pub struct MediaInbox {
    sender: mpsc::Sender<Letter>,
    waiting: VecDeque<Letter>,
}

impl MediaInbox {
    /// As many letters wait here when the inbox is full; beyond them the oldest are dropped, and the calls' own
    /// deadlines make up for them. A reactor writes one a slot of 2 ms at most, and one for each key.
    const WAITING_MAX: usize = 16_384;

    /// One for a reactor.
    pub fn new(sender: mpsc::Sender<Letter>) -> MediaInbox {
        MediaInbox { sender, waiting: VecDeque::new() }
    }

    /// Puts events, of which there is at least one.
    pub fn put(&mut self, events: Vec<MediaEvent>) {
        if self.waiting.len() == Self::WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Letter { posted: Instant::now(), content: Content::Media(events) });
        while let Ok(permit) = self.sender.try_reserve() {
            match self.waiting.pop_front() {
                Some(letter) => permit.send(letter),
                None => return,
            }
        }
    }
}

/// What signals and the reload ask of the loop.
#[derive(Debug)]
pub enum Wish {
    /// The first SIGTERM or Ctrl-C drains, the second ends at once.
    End,
    /// A reload has read these.
    Revise(Arc<Revision>),
    /// A reload found faults; all stays as it was.
    Unrevised,
}

/// Where what is wanted of messages goes; nobody waits there.
pub type OrderMailbox = Box<dyn FnMut(Box<MailboxOrder>) + Send>;

/// The loop with all that it owns.
pub struct Desk {
    /// The clock of the whole process.
    pub clock: Clock,
    /// The calls.
    pub switchboard: Switchboard,
    /// From `sip` and `media`.
    pub inbox: mpsc::Receiver<Letter>,
    /// From the signals.
    pub wishes: mpsc::Receiver<Wish>,
    /// To `sip`.
    pub sip: mpsc::Sender<SipCommand>,
    /// The reactors, in their order.
    pub reactors: Vec<Reactor>,
    /// To those who only look.
    pub snapshot: watch::Sender<Option<Snapshot>>,
    /// Who asks web services.
    pub connectors: Connectors,
    /// Who keeps messages.
    pub mailboxes: OrderMailbox,
    /// A fold of the journal.
    pub metrics: Metrics,
    /// What the switchboard wants before its first input.
    pub first: Vec<Output>,
    /// Where call records are kept, and what must survive.
    pub store: Store,
}

/// What the switchboard wanted and is yet to be done. It is emptied each time round; only a full outbox leaves some.
#[derive(Default)]
struct Pending {
    sip: VecDeque<SipCommand>,
    journal: Vec<JournalEntry>,
    asked: Vec<Asked>,
    /// Lookups that found no room: they are answered already.
    unasked: Vec<Answered>,
}

/// What the journal says of calls, and what of it is still to be read.
struct Told {
    records: Records,
    stories: Stories,
    unread: Unread,
    /// The time of day, and when it was asked for.
    calendar: (Moment, Calendar),
}

/// How far the shutdown is.
#[derive(Clone, Copy)]
enum Closing {
    No,
    Draining,
    Until(Moment),
}

impl Desk {
    /// Runs until Helpline is to end and all calls have, or have had their time.
    pub async fn run(mut self) {
        let calendar = (self.clock.now(), self.clock.calendar());
        let (records, stories, unread) = Default::default();
        let mut told = Told { records, stories, unread, calendar };
        self.follow(&mut told).await;
        self.read(&mut told, true);
        // All that is left is kept for the next start.
        self.store.keep(self.switchboard.keep_now(self.clock.now()));
    }

    async fn follow(&mut self, told: &mut Told) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut pending = Pending::default();
        let mut latest = self.clock.now();
        let mut closing = Closing::No;
        let mut alarm = Alarm::new();
        let mut wished = true;
        let outbox = self.sip.clone();
        // Made once: it is asked for each time round.
        let mut closed = pin!(outbox.closed());
        let first = std::mem::take(&mut self.first);
        self.obey(first, &mut pending);
        self.publish(latest);
        loop {
            let unwritten = told.unread.deadline().into_iter().chain(told.records.so_far_due());
            let deadline = self.wake_at(closing).into_iter().chain(unwritten).min();
            if let Some(deadline) = deadline {
                alarm.set(self.clock.instant(deadline));
            }
            tokio::select! {
                biased;
                permit = outbox.reserve(), if !pending.sip.is_empty() => {
                    let Ok(permit) = permit else { return };
                    permit.send(pending.sip.pop_front().expect("there is one, or this arm would sleep"));
                    continue;
                }
                wish = self.wishes.recv(), if wished => match wish {
                    Some(wish) => batch.extend(self.wish(wish, &mut closing).map(Letter::from)),
                    None => wished = false,
                },
                () = closed.as_mut() => return,
                count = self.inbox.recv_many(&mut batch, BATCH) => if count == 0 { return },
                () = poll_fn(|context| alarm.poll_ring(context)), if deadline.is_some() => {}
            }
            latest = self.work_through(&mut batch, latest, &mut told.calendar, &mut pending);
            self.send(&mut pending.sip);
            if !pending.journal.is_empty() {
                // Callers first: what was just decided leaves before it is written down.
                let_others_run().await;
                told.unread.take(&mut pending.journal, self.clock.now());
            }
            // Gauges and counters tell of the same moment: what a new view shows has been counted.
            let shown = self.switchboard.view_due().is_some_and(|due| due <= latest);
            self.read(told, shown || !pending.asked.is_empty());
            for asked in pending.asked.drain(..) {
                self.answer(asked, &told.stories);
            }
            self.publish(latest);
            closing = self.mind_end(closing, latest);
            if matches!(closing, Closing::Until(moment) if moment <= self.clock.now()) {
                return;
            }
        }
    }

    /// Gives the letters and what is due to the switchboard; tells the moment of the last input. A letter counts from when
    /// it was posted, but time never runs backwards.
    fn work_through(
        &mut self,
        batch: &mut Vec<Letter>,
        mut latest: Moment,
        calendar: &mut (Moment, Calendar),
        pending: &mut Pending,
    ) -> Moment {
        let now = self.clock.now();
        if now.since(calendar.0) > CALENDAR_AGE {
            *calendar = (now, self.clock.calendar());
            self.take(latest, Input::Calendar(calendar.1), pending);
        }
        for Letter { posted, content } in batch.drain(..) {
            latest = latest.max(self.clock.moment(posted));
            match content {
                Content::One(input) => self.take(latest, input, pending),
                // The answer is what the journal says when all of these letters have been read.
                Content::Asked(asked) => pending.asked.push(asked),
                Content::Media(events) => {
                    events.into_iter().for_each(|event| self.take(latest, Input::Media(event), pending));
                }
            }
        }
        let now = self.clock.now().max(latest);
        if self.switchboard.deadline().is_some_and(|deadline| deadline <= now) {
            latest = now;
            self.take(latest, Input::Expired, pending);
        }
        while let Some(answered) = pending.unasked.pop() {
            self.take(latest, Input::Answered(Box::new(answered)), pending);
        }
        let due = self.switchboard.view_due().into_iter().chain(self.switchboard.keep_due()).min();
        if due.is_some_and(|due| due <= now) {
            // Whoever looks, now or after a restart, is to see what is so now.
            latest = now;
        }
        latest
    }

    /// Hands `sip` as much as its outbox takes; the rest waits for room.
    fn send(&mut self, commands: &mut VecDeque<SipCommand>) {
        while let Some(command) = commands.pop_front() {
            if let Err(mpsc::error::TrySendError::Full(command)) = self.sip.try_send(command) {
                return commands.push_front(command);
            }
        }
    }

    /// Gives one input to the switchboard and what it wants to those who do it.
    fn take(&mut self, now: Moment, input: Input, pending: &mut Pending) {
        let wanted = self.switchboard.handle(now, input);
        self.obey(wanted, pending);
    }

    fn obey(&mut self, wanted: Vec<Output>, pending: &mut Pending) {
        for output in wanted {
            match output {
                Output::Sip(command) => pending.sip.push_back(command),
                Output::Media { reactor, command } => self.reactors[reactor].send(command),
                Output::HandOver { leg, from, to } => self.reactors[from].hand_over(leg, &self.reactors[to]),
                Output::Ask(ask) => pending.unasked.extend(self.connectors.ask(*ask).err()),
                Output::CancelAsk { call, lookup } => self.connectors.cancel(call, lookup),
                Output::Mailbox(order) => (self.mailboxes)(order),
                Output::Journal(entry) => pending.journal.push(entry),
            }
        }
    }

    /// Reads what is due of the journal, or `all` of it.
    fn read(&mut self, told: &mut Told, all: bool) {
        let Told { records, stories, unread, calendar: (_, calendar) } = told;
        let due = if all { unread.all() } else { unread.due(self.clock.now()) };
        for (entry, done) in due {
            journal::log(&entry);
            self.metrics.fold(&entry, done);
            if let Some(record) = records.fold(&entry, *calendar) {
                self.store.record(record);
            }
            stories.fold(entry);
        }
        self.store.so_far(records.so_far(self.clock.now()));
    }

    /// Hands out shared stories: nothing is written down here.
    fn answer(&mut self, Asked { question, answer }: Asked, stories: &Stories) {
        let seen = |story: &Arc<Story>| Seen { story: story.clone(), place: self.switchboard.place(story.call) };
        let seen = match question {
            Question::Calls { after, count } => stories.open_after(after).take(count).map(seen).collect(),
            Question::Call(call) => stories.find(call).into_iter().map(seen).collect(),
            Question::Standing => {
                self.switchboard.look();
                Vec::new()
            }
        };
        // Whoever asked may be gone.
        let _ = answer.send(seen);
    }

    fn publish(&mut self, now: Moment) {
        let snapshot = self.switchboard.snapshot(now);
        let seen = self.snapshot.borrow().as_ref().map(|last| last.view.clone());
        if seen.is_none_or(|seen| !Arc::ptr_eq(&seen, &snapshot.view)) {
            self.metrics.stand(standing(&snapshot.view));
        }
        self.snapshot.send_replace(Some(snapshot));
        self.store.keep(self.switchboard.keep(now));
        self.metrics.stored(self.store.failures(), self.store.records_lost());
    }

    fn wish(&mut self, wish: Wish, closing: &mut Closing) -> Option<Input> {
        match wish {
            Wish::End => match *closing {
                Closing::No => {
                    *closing = Closing::Draining;
                    Some(Input::Operator(OperatorCommand::Drain))
                }
                Closing::Draining | Closing::Until(_) => {
                    *closing = Closing::Until(self.clock.now() + LAST_WORDS);
                    Some(Input::Operator(OperatorCommand::HangUpAll))
                }
            },
            Wish::Revise(revision) => {
                self.metrics.reloaded(true);
                self.metrics.know_trunks(revision.trunks.iter().map(|trunk| &*trunk.name));
                Some(Input::Revision(revision))
            }
            Wish::Unrevised => {
                self.metrics.reloaded(false);
                None
            }
        }
    }

    /// The last call ends the process; the end of the drain, a little later.
    fn mind_end(&self, closing: Closing, now: Moment) -> Closing {
        let calls = self.snapshot.borrow().as_ref().map_or(0, |snapshot| snapshot.calls + snapshot.agent_legs);
        match closing {
            Closing::No => Closing::No,
            Closing::Draining | Closing::Until(_) if calls == 0 => Closing::Until(now),
            Closing::Draining if self.switchboard.drained() => Closing::Until(now + AFTER_DRAIN),
            other => other,
        }
    }

    fn wake_at(&self, closing: Closing) -> Option<Moment> {
        let end = match closing {
            Closing::Until(moment) => Some(moment),
            Closing::No | Closing::Draining => None,
        };
        let due = self.switchboard.view_due().into_iter().chain(self.switchboard.keep_due());
        self.switchboard.deadline().into_iter().chain(due).chain(end).min()
    }
}

/// What the metrics are to show of queues and agents.
pub(crate) fn standing(view: &View) -> Standing {
    let queues = view.queues.iter().map(|queue| {
        let snapshot = &queue.snapshot;
        QueueStanding {
            name: queue.name.clone(),
            callers: snapshot.callers_waiting,
            callbacks: snapshot.callbacks_waiting,
            places: queue.places.iter().map(|place| ago(view.at, place.snapshot.wait)).collect(),
            oldest: snapshot.longest_wait.map(|wait| ago(view.at, wait)),
            estimate: match snapshot.estimate {
                Estimate::Now => Some(0.0),
                Estimate::Unknown => None,
                Estimate::Wait(band) => Some(band.expected_seconds),
            },
            agents: AgentState::ALL.map(AgentState::name).into_iter().zip(snapshot.agents).collect(),
            levels: LevelFormula::ALL
                .into_iter()
                .filter_map(|formula| Some((formula.name(), snapshot.figures.service.ratio(formula)?)))
                .collect(),
        }
    });
    let agents = view.agents.iter().map(|agent| {
        let snapshot = &agent.snapshot;
        let spent = |state: AgentState| (state.name(), snapshot.figures.spent(state));
        AgentStanding { extension: agent.extension.clone(), spent: AgentState::ALL.into_iter().map(spent).collect() }
    });
    Standing { queues: queues.collect(), agents: agents.collect() }
}

/// The moment so long before `now`.
fn ago(now: Moment, length: Duration) -> Moment {
    Moment::ZERO + now.since(Moment::ZERO + length)
}

/// Lets the tasks run that are ready now, `sip` first of all. Tokio's own `yield_now` would ask the system for what is
/// ready besides, each time.
async fn let_others_run() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
