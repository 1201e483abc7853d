//! What HTTP asks of the desk, which alone knows the calls: a question goes into its inbox like an operator's command, and
//! the answer is a handful of shared stories, so that neither a lock nor a copy delays a call.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use super::problem;
use crate::journal::Story;
use crate::switchboard::CallPlace;
use crate::telephony::CallId;

/// As many questions may be on their way at once; who asks meanwhile waits for those before.
pub const QUESTIONS_MAX: usize = 4;

/// So long may an answer take, the wait for other questions included.
const PATIENCE: Duration = Duration::from_secs(2);

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// For calls in progress, in the order of their names.
    Calls {
        /// From the one after this.
        after: Option<CallId>,
        /// As many at most.
        count: usize,
    },
    /// For one call, in progress or remembered; none or one is the answer.
    Call(CallId),
    /// For nothing: a view of queues and agents that is as young as the question follows the answer, and all that has
    /// happened is counted.
    Standing,
}

/// A question with the way back for its answer.
#[derive(Debug)]
pub struct Asked {
    /// What.
    pub question: Question,
    /// Whoever asked may have gone; that is no fault.
    pub answer: oneshot::Sender<Vec<Seen>>,
}

/// A call as it was when the desk answered.
#[derive(Clone, Debug)]
pub struct Seen {
    /// All that happened in it.
    pub story: Arc<Story>,
    /// Where it stands in a line, when the caller waits.
    pub place: Option<CallPlace>,
}

/// The way of questions into the switchboard's inbox; false when it is full.
pub type Ask = Arc<dyn Fn(Asked) -> bool + Send + Sync>;

/// Asks, a few questions at a time.
#[derive(Clone)]
pub struct Desk {
    ask: Ask,
    room: Arc<Semaphore>,
}

impl Desk {
    /// One that hands its questions to `ask`.
    pub fn new(ask: Ask) -> Desk {
        Desk { ask, room: Arc::new(Semaphore::new(QUESTIONS_MAX)) }
    }

    /// The answer; a 503 when there is none in time.
    pub(super) async fn ask(&self, question: Question) -> Result<Vec<Seen>, Box<Response>> {
        let asking = async {
            let _room = self.room.acquire().await.ok()?;
            let (answer, answered) = oneshot::channel();
            if !(self.ask)(Asked { question, answer }) {
                return None;
            }
            answered.await.ok()
        };
        timeout(PATIENCE, asking).await.ok().flatten().ok_or_else(|| Box::new(busy()))
    }
}

/// The desk has no time for HTTP.
pub(super) fn busy() -> Response {
    let mut busy = problem(StatusCode::SERVICE_UNAVAILABLE, "Helpline is too busy to be asked; try again");
    busy.headers_mut().insert(axum::http::header::RETRY_AFTER, axum::http::HeaderValue::from_static("1"));
    busy
}
