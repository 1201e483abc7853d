//! Messages and recordings in the running server: those that the reactors hand to the writer come onto the shelf, phones
//! are told of messages that wait, and what is too old goes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;
use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::Sender;
use tracing::{info, warn};

use super::desk::{Letter, OrderMailbox};
use crate::config::TapesKept;
use crate::flow::mailbox::MESSAGES_MAX;
use crate::http::{Answer, Shelf as Asked};
use crate::journal::{StoredTape, TapePage, TapeQuery};
use crate::media::tapes::{TapeNews, recover};
use crate::store::Shelf;
use crate::switchboard::{Input, MailboxOrder, OperatorCommand};
use crate::telephony::{KeptTape, TapeKind};

/// The folders of tapes below the data folder.
const FOLDERS: [&str; 2] = ["voicemail", "recordings"];
/// Old tapes are looked for so often ...
const TIDY_GAP: Duration = Duration::from_secs(3_600);
/// ... and so many go at once.
const TIDY_AT_ONCE: usize = 200;
/// A tape that the database could not take is tried again after this.
const AGAIN: Duration = Duration::from_secs(10);

/// The way of news to phones.
#[derive(Clone)]
struct Teller {
    shelf: Shelf,
    inbox: Sender<Letter>,
}

impl Teller {
    /// So many messages wait in a mailbox now.
    async fn tell(&self, mailbox: &Arc<str>) {
        match self.shelf.count(mailbox).await {
            Ok((new, old)) => {
                let command = OperatorCommand::MessagesWaiting { mailbox: mailbox.clone(), new, old };
                // When Helpline ends nobody is told.
                let _ = self.inbox.send(Input::Operator(command).into()).await;
            }
            Err(reason) => warn!(%reason, "messages cannot be counted"),
        }
    }
}

/// What the HTTP side asks.
pub struct Asking {
    shelf: Shelf,
    teller: Teller,
}

impl Asking {
    /// With a connection of its own to the database of `data`.
    pub fn new(data: &Path, inbox: Sender<Letter>) -> Asking {
        let shelf = Shelf::at(data);
        Asking { teller: Teller { shelf: shelf.clone(), inbox }, shelf }
    }
}

impl Asked for Asking {
    fn mailboxes(&self) -> Answer<Vec<(String, u32, u32)>> {
        let shelf = self.shelf.clone();
        Box::pin(async move { shelf.mailboxes().await.map_err(|reason| reason.to_string()) })
    }

    fn page(&self, query: TapeQuery) -> Answer<TapePage> {
        let shelf = self.shelf.clone();
        Box::pin(async move { shelf.page(&query).await.map_err(|reason| reason.to_string()) })
    }

    fn find(&self, kind: TapeKind, name: String) -> Answer<Option<StoredTape>> {
        let shelf = self.shelf.clone();
        Box::pin(async move { shelf.find(kind, &name).await.map_err(|reason| reason.to_string()) })
    }

    fn set_heard(&self, stored: StoredTape, heard: bool) -> Answer<Option<StoredTape>> {
        let (shelf, teller) = (self.shelf.clone(), self.teller.clone());
        Box::pin(async move {
            let heard = heard.then(|| format!("{:.3}", Timestamp::now()));
            let marked = async {
                shelf.set_heard(&stored.tape.name, heard).await?;
                shelf.find(stored.tape.kind, &stored.tape.name).await
            };
            let marked = marked.await.map_err(|reason| reason.to_string())?;
            if let Some(mailbox) = &stored.tape.label.mailbox {
                teller.tell(mailbox).await;
            }
            Ok(marked)
        })
    }

    fn remove(&self, stored: StoredTape) -> Answer<()> {
        let (shelf, teller) = (self.shelf.clone(), self.teller.clone());
        Box::pin(async move {
            shelf.remove(&stored.tape).await.map_err(|reason| reason.to_string())?;
            info!(name = stored.tape.name, "a tape was deleted");
            if let Some(mailbox) = &stored.tape.label.mailbox {
                teller.tell(mailbox).await;
            }
            Ok(())
        })
    }

    fn path(&self, tape: &KeptTape) -> PathBuf {
        self.shelf.path(tape)
    }
}

/// What the keeper is told.
enum Told {
    Kept(Box<KeptTape>),
    Ordered(Box<MailboxOrder>),
    End,
}

/// The thread that puts tapes onto the shelf and takes old ones away; it ends when this is dropped.
pub struct Keeper {
    orders: mpsc::Sender<Told>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Takes up what an earlier process has left, and starts. To be done before anything is recorded, and after the
    /// database was opened. `kept` is called for each message that comes, so that somebody can mail it.
    ///
    /// # Errors
    /// A folder cannot be read, or there is no thread.
    pub fn start(
        data: &Path,
        keep: TapesKept,
        inbox: Sender<Letter>,
        kept: impl Fn() + Send + 'static,
    ) -> anyhow::Result<Keeper> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let shelf = Shelf::at(data);
        let found = FOLDERS.map(|folder| recover(data, folder));
        for (folder, found) in FOLDERS.iter().zip(found) {
            let tapes = found.with_context(|| format!("{} cannot be read", data.join(folder).display()))?;
            runtime.block_on(async {
                for tape in &tapes {
                    shelf.put(tape).await?;
                }
                anyhow::Ok(())
            })?;
        }
        let lost = runtime.block_on(shelf.forget_lost())?;
        if lost > 0 {
            warn!(lost, "the files of messages or recordings are gone, and so are these");
        }
        let (orders, told) = mpsc::channel();
        let teller = Teller { shelf: shelf.clone(), inbox };
        let keeping = Keeping { runtime, shelf, teller, keep, waiting: Vec::new(), tidied: None, kept };
        let thread = thread::Builder::new().name("keeper".into()).spawn(move || keeping.run(&told))?;
        Ok(Keeper { orders, thread: Some(thread) })
    }

    /// The way for what agents want of their messages by telephone.
    pub fn orders(&self) -> OrderMailbox {
        let orders = self.orders.clone();
        // The thread ends after whoever orders.
        Box::new(move |order| drop(orders.send(Told::Ordered(order))))
    }

    /// What the writer of tapes is to tell: events go to the switchboard, and tapes come here.
    pub fn sink(&self, inbox: Sender<Letter>) -> impl FnMut(TapeNews) + Send + 'static {
        let orders = self.orders.clone();
        move |news| match news {
            // The writer may wait for room: no tick waits for it.
            TapeNews::Event(event) => drop(inbox.blocking_send(Letter::from_media(vec![event]))),
            TapeNews::Kept(tape) => drop(orders.send(Told::Kept(tape))),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // A thread that is gone has reported why.
        let _ = self.orders.send(Told::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Keeping<K> {
    runtime: Runtime,
    shelf: Shelf,
    teller: Teller,
    keep: TapesKept,
    /// What the database could not take yet. Its files are there, and found at the next start.
    waiting: Vec<KeptTape>,
    tidied: Option<Instant>,
    kept: K,
}

impl<K: Fn()> Keeping<K> {
    fn run(mut self, told: &mpsc::Receiver<Told>) {
        self.tell_all();
        loop {
            self.tidy();
            let patience = if self.waiting.is_empty() { TIDY_GAP } else { AGAIN };
            match told.recv_timeout(patience) {
                Ok(Told::Kept(tape)) => self.waiting.push(*tape),
                Ok(Told::Ordered(order)) => self.obey(order),
                Ok(Told::End) | Err(RecvTimeoutError::Disconnected) => {
                    return self.put_all();
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            while let Ok(more) = told.try_recv() {
                match more {
                    Told::Kept(tape) => self.waiting.push(*tape),
                    Told::Ordered(order) => self.obey(order),
                    Told::End => return self.put_all(),
                }
            }
            self.put_all();
        }
    }

    fn tell_all(&self) {
        match self.runtime.block_on(self.shelf.mailboxes()) {
            Ok(mailboxes) => {
                for (mailbox, ..) in mailboxes {
                    self.runtime.block_on(self.teller.tell(&mailbox.into()));
                }
            }
            Err(reason) => warn!(%reason, "messages cannot be counted"),
        }
    }

    fn put_all(&mut self) {
        for tape in std::mem::take(&mut self.waiting) {
            match self.runtime.block_on(self.shelf.put(&tape)) {
                Ok(()) => {
                    if let Some(mailbox) = &tape.label.mailbox {
                        self.runtime.block_on(self.teller.tell(mailbox));
                        (self.kept)();
                    }
                }
                Err(reason) => {
                    if self.waiting.is_empty() {
                        warn!(%reason, name = tape.name, "a tape cannot be listed yet; its file is kept");
                    }
                    self.waiting.push(tape);
                }
            }
        }
    }

    /// What an agent wants of their messages.
    fn obey(&self, order: Box<MailboxOrder>) {
        let done = self.runtime.block_on(async {
            let mailbox = match *order {
                MailboxOrder::List { call, mailboxes } => {
                    let messages = self.shelf.waiting(&mailboxes, MESSAGES_MAX).await;
                    let failed = messages.as_ref().err().map(ToString::to_string);
                    let listed = Input::Messages { call, messages: messages.ok() };
                    // When Helpline ends nobody is told.
                    let _ = self.teller.inbox.send(listed.into()).await;
                    return failed.map_or(Ok(()), Err);
                }
                MailboxOrder::Heard(tape) => {
                    let heard = format!("{:.3}", Timestamp::now());
                    self.shelf.set_heard(&tape.name, Some(heard)).await.map_err(|reason| reason.to_string())?;
                    tape.label.mailbox
                }
                MailboxOrder::Delete(tape) => {
                    self.shelf.remove(&tape).await.map_err(|reason| reason.to_string())?;
                    tape.label.mailbox
                }
            };
            if let Some(mailbox) = mailbox {
                self.teller.tell(&mailbox).await;
            }
            Ok(())
        });
        if let Err(reason) = done {
            warn!(reason, "an agent's messages cannot be read, marked or deleted");
        }
    }

    /// What is too old goes.
    fn tidy(&mut self) {
        if self.tidied.is_some_and(|tidied| tidied.elapsed() < TIDY_GAP) {
            return;
        }
        self.tidied = Some(Instant::now());
        let kept = [(TapeKind::Message, self.keep.messages), (TapeKind::Conversation, self.keep.recordings)];
        for (kind, keep) in kept {
            let gone = self.runtime.block_on(async {
                let old = self.shelf.older(kind, Timestamp::now(), keep, TIDY_AT_ONCE).await?;
                for stored in &old {
                    self.shelf.remove(&stored.tape).await?;
                    if let Some(mailbox) = &stored.tape.label.mailbox {
                        self.teller.tell(mailbox).await;
                    }
                }
                Ok::<usize, crate::store::StoreError>(old.len())
            });
            match gone {
                Ok(0) => {}
                Ok(gone) => info!(gone, kind = kind.word(), "what was too old was deleted"),
                Err(reason) => warn!(%reason, "old messages and recordings cannot be deleted"),
            }
        }
    }
}
