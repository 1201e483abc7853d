//! Asks web services for callers: on a thread of its own, so that a slow one holds up nobody, with so many requests at once
//! as each connector allows, and none for a while to one that fails.

mod breaker;
mod fetch;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};

use self::breaker::{Breaker, News};
use self::fetch::{Clients, Fetched};
use crate::clock::Clock;
use crate::flow::{Connector, LookupAnswer, LookupFailure};
use crate::switchboard::{Answered, Ask, Input};
use crate::telephony::CallId;

/// As many orders may wait for the thread.
pub const ORDERS_MAX: usize = 4_096;
/// As many threads resolve names at once: a resolver that hangs holds up no more than these.
const RESOLVERS_MAX: usize = 16;
/// When the inbox of those who are told is full, it is tried again after this.
const TELL_AGAIN: Duration = Duration::from_millis(10);

/// The way to whom answers are told; it gives back what does not fit.
pub type Tell = Arc<dyn Fn(Input) -> Result<(), Box<Input>> + Send + Sync>;

enum Order {
    Ask(Box<Ask>),
    Cancel(Name),
}

/// On whose behalf, and the name in the request.
type Name = (CallId, u32);

/// The thread; it ends when this is dropped.
pub struct Connectors {
    orders: mpsc::Sender<Order>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for Connectors {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported there.
            let _ = thread.join();
        }
    }
}

impl Connectors {
    /// Starts the thread. `tell` is given an [`Input`] for each that was asked, unless it is cancelled.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(clock: Clock, tell: Tell) -> io::Result<Connectors> {
        let (orders, inbox) = mpsc::channel(ORDERS_MAX);
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(RESOLVERS_MAX).build()?;
        let run = move || {
            runtime.block_on(async move {
                tokio::select! {
                    () = Floor::new(clock, tell).work(inbox) => {}
                    _ = stopped => {}
                }
            });
            // A name that is being resolved is of no use to anybody.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("connectors".into()).spawn(run)?;
        Ok(Connectors { orders, stop: Some(stop), thread: Some(thread) })
    }

    /// Asks, unless too much is asked already: then the answer is here at once.
    ///
    /// # Errors
    /// That answer.
    pub fn ask(&self, ask: Ask) -> Result<(), Answered> {
        let name = (ask.call, ask.request.lookup);
        self.orders.try_send(Order::Ask(Box::new(ask))).map_err(|_| busy(name))
    }

    /// Nobody awaits this any more.
    pub fn cancel(&self, call: CallId, lookup: u32) {
        // What finds no room goes on until its time is over, and nobody hears of it.
        let _ = self.orders.try_send(Order::Cancel((call, lookup)));
    }
}

/// An answer without a question.
fn unasked((call, lookup): Name, failure: LookupFailure, why: String) -> Answered {
    let answer = LookupAnswer::Failed(failure);
    Answered { call, lookup, answer, took: Duration::ZERO, tries: 0, why: Some(why) }
}

fn busy(name: Name) -> Answered {
    unasked(name, LookupFailure::Busy, "too many lookups are under way".to_owned())
}

/// What is known of one service, by the name of its connector: a reload changes nothing of it.
struct Station {
    breaker: Breaker,
    room: Arc<Semaphore>,
    size: u16,
    /// Those under way, the waiting ones included.
    under_way: usize,
}

impl Station {
    fn new(size: u16) -> Station {
        Station { breaker: Breaker::default(), room: Arc::new(Semaphore::new(usize::from(size))), size, under_way: 0 }
    }
}

/// One that is under way.
struct UnderWay {
    connector: Arc<Connector>,
    handle: AbortHandle,
    /// It tries whether a service that was left alone answers again.
    trial: bool,
}

/// The thread's own.
struct Floor {
    clock: Clock,
    tell: Tell,
    clients: Arc<Clients>,
    stations: BTreeMap<Arc<str>, Station>,
    under_way: BTreeMap<Name, UnderWay>,
    tasks: JoinSet<(Name, Fetched, Duration)>,
}

impl Floor {
    fn new(clock: Clock, tell: Tell) -> Floor {
        Floor {
            clock,
            tell,
            clients: Arc::default(),
            stations: BTreeMap::new(),
            under_way: BTreeMap::new(),
            tasks: JoinSet::new(),
        }
    }

    async fn work(mut self, mut inbox: mpsc::Receiver<Order>) {
        loop {
            tokio::select! {
                order = inbox.recv() => match order {
                    Some(Order::Ask(ask)) => self.ask(*ask).await,
                    Some(Order::Cancel(name)) => self.cancel(name),
                    None => return,
                },
                Some(ended) = self.tasks.join_next() => {
                    // One that was cancelled has no answer.
                    if let Ok((name, fetched, took)) = ended {
                        self.answered(name, fetched, took).await;
                    }
                }
            }
        }
    }

    async fn ask(&mut self, ask: Ask) {
        let name = (ask.call, ask.request.lookup);
        let connector = ask.connector.clone();
        let now = self.clock.now();
        let station = self.stations.entry(connector.name.clone()).or_insert_with(|| Station::new(connector.at_once));
        if station.size != connector.at_once {
            // Those under way keep the room in which they are.
            (station.room, station.size) = (Station::new(connector.at_once).room, connector.at_once);
        }
        if station.under_way >= 2 * usize::from(connector.at_once) {
            return self.say(Input::Answered(Box::new(busy(name)))).await;
        }
        let Some(trial) = station.breaker.admit(now, connector.breaker.as_ref()) else {
            let why = "it has failed too often, and is left alone for a while".to_owned();
            return self.say(Input::Answered(Box::new(unasked(name, LookupFailure::Resting, why)))).await;
        };
        station.under_way += 1;
        let (room, clients, clock) = (station.room.clone(), self.clients.clone(), self.clock);
        let handle = self.tasks.spawn(async move {
            let began = clock.now();
            let limit = ask.connector.timeout;
            let work = async {
                let _permit = room.acquire().await;
                fetch::fetch(&clients, &ask).await
            };
            let fetched = tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Fetched::late(limit));
            (name, fetched, clock.now().since(began))
        });
        self.under_way.insert(name, UnderWay { connector, handle, trial });
    }

    fn cancel(&mut self, name: Name) {
        let Some(UnderWay { connector, handle, trial }) = self.under_way.remove(&name) else { return };
        handle.abort();
        if let Some(station) = self.stations.get_mut(&connector.name) {
            station.under_way -= 1;
            if trial {
                station.breaker.trial_cancelled();
            }
        }
    }

    async fn answered(&mut self, name: Name, fetched: Fetched, took: Duration) {
        let Some(UnderWay { connector, trial, .. }) = self.under_way.remove(&name) else { return };
        let mut news = None;
        if let Some(station) = self.stations.get_mut(&connector.name) {
            station.under_way -= 1;
            news = station.breaker.tell(self.clock.now(), connector.breaker.as_ref(), fetched.sick, trial);
        }
        let Fetched { answer, tries, why, .. } = fetched;
        let (call, lookup) = name;
        self.say(Input::Answered(Box::new(Answered { call, lookup, answer, took, tries, why }))).await;
        let rests = match news {
            Some(News::Rests(rests)) => Some(rests),
            Some(News::Well) => None,
            None => return,
        };
        self.say(Input::Connector { name: connector.name.clone(), rests }).await;
    }

    /// Tells it, as soon as there is room.
    async fn say(&self, input: Input) {
        let mut input = input;
        while let Err(again) = (self.tell)(input) {
            input = *again;
            tokio::time::sleep(TELL_AGAIN).await;
        }
    }
}
