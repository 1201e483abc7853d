//! The promises of a session, checked.

use super::record::Agreed;
use super::state::State;
use super::{DEEPEST_FLOW, LONGEST_WAY_BACK, MOST_KEYS_AHEAD, MOST_STEPS, Session};

impl Session {
    /// The promises that hold after every input.
    ///
    /// # Panics
    /// When one is broken.
    pub fn assert_consistent(&self) {
        let speaks = self.state.speaks();
        assert_eq!(self.playing, speaks, "something plays exactly while it is awaited: {:?}", self.state);
        if let State::LookingUp(looking) = &self.state {
            assert_ne!(looking.deadline().is_some(), speaks, "silence has an end: {:?}", self.state);
        } else if !self.is_queued() {
            assert_eq!(
                self.deadline().is_some(),
                self.awaits_keys() && !speaks,
                "silence has an end: {:?}",
                self.state
            );
        }
        assert!(self.ahead.len() <= MOST_KEYS_AHEAD && self.returns.len() <= DEEPEST_FLOW);
        assert!(self.trail.len() <= LONGEST_WAY_BACK && self.steps <= MOST_STEPS);
        assert!(
            usize::from(self.language.0) < self.flows.flow(self.flow).languages.len(),
            "the language is the flow's"
        );
        assert!(self.trail.iter().all(|place| place.depth <= self.returns.len()), "the way back leads nowhere deeper");
        match &self.state {
            State::Speaking { .. } => assert!(self.inside, "words belong to a step"),
            State::Asking(asking) => {
                assert!(self.inside, "a question belongs to a step");
                asking.assert_consistent();
            }
            State::Waiting(waiting) => {
                assert!(self.ahead.is_empty(), "keys belong to the queue");
                waiting.assert_consistent();
            }
            State::Arranging(arranging) => {
                assert!(self.inside && self.ahead.is_empty(), "a number belongs to a step, and keys to the number");
                arranging.assert_consistent();
            }
            State::Leaving(leaving) => {
                assert!(self.inside && self.ahead.is_empty(), "a message belongs to a step, and keys to the message");
                leaving.assert_consistent();
            }
            State::Consenting(_) => {
                assert!(self.inside && self.agreed != Agreed::Yes, "who has agreed is not asked");
                assert!(self.ahead.is_empty(), "no key was pressed before the question");
            }
            State::Transferring(_) => {
                assert!(self.inside && self.ahead.is_empty(), "who is passed on keys nothing here")
            }
            State::Surveying(surveying) => {
                assert!(self.inside, "a question belongs to a step");
                surveying.assert_consistent();
            }
            State::LookingUp(_) => assert!(self.inside, "a lookup belongs to a step"),
            State::Parting => {}
            State::Ended => assert!(!self.inside, "an ended session has left its step"),
        }
    }
}
