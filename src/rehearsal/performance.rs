//! A call test is played from its first line to its last, or to the first that does not come true.

use std::time::Duration;

use jiff::Timestamp;

use super::coverage::Walked;
use super::failure::Failure;
use super::history;
use super::house::{Beginning, House};
use super::stage::{BETWEEN_KEYS, Stage, Standing};
use super::told::{Told, What, sentence};
use super::words::Transcript;
use crate::clock::Moment;
use crate::flow::call_test::{Act, CallTest, Change, Deed, Heard, MetricChange};
use crate::flow::document::codes;
use crate::flow::place::Place;
use crate::flow::{PromptId, Session};
use crate::journal::StepName;
use crate::telephony::{Caller, Digit};

/// What is expected is waited for so long, unless the test says otherwise.
const PATIENCE: Duration = Duration::from_secs(180);
/// A caller waits so long to be called back.
const PATIENCE_AWAY: Duration = Duration::from_secs(3_600);
/// The world has so long to settle before the call comes in.
const BEFORE: Duration = Duration::from_secs(1);

/// How a call test went.
#[derive(Clone, Debug, PartialEq)]
pub struct Performance {
    /// What did not come true; `None` for a test that passed.
    pub failure: Option<Box<Failure>>,
    /// What happened to the caller.
    pub told: Vec<Told>,
    /// When the call came in.
    pub began: Moment,
    /// How long it took, in the test's own time.
    pub length: Duration,
    /// The steps and ways that were walked.
    pub walked: Walked,
}

/// Plays a test. The same seed and the same test have the same end.
pub fn play(house: &House, test: &CallTest, seed: u64) -> Performance {
    let zone = house.flows().flow(test.entry).time_zone.clone();
    let kept = history::kept(house.flows(), &test.history, &test.from, &zone);
    let wall = test.at.to_zoned(zone).map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp());
    let before = jiff::SignedDuration::try_from(BEFORE).unwrap_or_default();
    let wall = wall.checked_sub(before).unwrap_or(wall);
    let beginning = Beginning { start: test.start, language: test.language.as_ref(), values: &test.values };
    let mut play = Play {
        stage: Stage::after(house, house.adapted(&test.dialled, test.entry, &beginning), wall, seed, &kept),
        house,
        test,
        heard: Cursor::default(),
        banned: Vec::new(),
    };
    let failure = play.perform().err();
    let began = Moment::ZERO + BEFORE;
    Performance {
        failure,
        began,
        length: play.stage.now().since(began),
        walked: std::mem::take(&mut play.stage.walked),
        told: play.stage.take_told(),
    }
}

/// How far the test has listened.
#[derive(Default)]
struct Cursor {
    /// What was told before this does not count any more.
    from: usize,
    /// What was found last, and where.
    last: Option<(Heard, usize)>,
}

/// A test that is being played.
pub(super) struct Play<'p> {
    pub(super) stage: Stage<'p>,
    pub(super) house: &'p House,
    test: &'p CallTest,
    heard: Cursor,
    /// What must never be heard.
    banned: Vec<(Heard, Place)>,
}

impl Play<'_> {
    fn perform(&mut self) -> Result<(), Box<Failure>> {
        let (mut agents, others): (Vec<&Change>, Vec<&Change>) =
            self.test.world.iter().partition(|change| matches!(change, Change::Agent(..)));
        // What is said of all comes before what is said of one.
        agents.sort_by_key(|change| matches!(change, Change::Agent(Some(_), _)));
        agents.into_iter().for_each(|change| self.stage.change(change));
        // Agents are at work before anybody comes: a queue that looks deserted would send them on.
        self.stage.all_others_work();
        others.into_iter().for_each(|change| self.stage.change(change));
        self.stage.pass(BEFORE);
        if self.test.script.iter().any(|act| matches!(act.deed, Deed::Metrics(_))) {
            self.stage.measure();
        }
        let name = self.test.history.name.as_deref().map(str::to_owned);
        self.stage.dial(Caller { name, ..Caller::nameless(&self.test.from) }, &self.test.dialled);
        for act in &self.test.script {
            self.act(act)?;
            self.mind_banned()?;
        }
        Ok(())
    }

    fn act(&mut self, act: &Act) -> Result<(), Box<Failure>> {
        match &act.deed {
            Deed::Hear(what) => self.hear(act, what),
            Deed::NeverHear(what) => {
                self.banned.push((what.clone(), act.place.clone()));
                Ok(())
            }
            Deed::Press(keys) => self.press(act, keys),
            Deed::Wait(length) => {
                self.stage.pass(*length);
                Ok(())
            }
            Deed::SayNothing => self.say_nothing(act),
            Deed::HangUp => {
                self.is_there(act, "the caller cannot hang up any more")?;
                self.stage.hang_up();
                self.listen_from_here();
                Ok(())
            }
            Deed::PickUp => self.pick_up(act),
            Deed::Goodbye => self.goodbye(act),
            Deed::AgentAnswers => self.agent_takes(act, true),
            Deed::AgentRefuses => self.agent_takes(act, false),
            Deed::AgentHangsUp => self.agent_hangs_up(act),
            Deed::Expect(wanted) => self.expect(act, wanted),
            Deed::Metrics(changes) => self.metrics(act, changes),
            Deed::Change(change) => {
                self.stage.change(change);
                Ok(())
            }
        }
    }

    /// Lets things happen until `holds`, and tells whether it came to that. Without a time of its own, nobody waits longer
    /// than anything can happen by itself: when the caller is asked for keys and has pressed none, all has been said.
    pub(super) fn wait_until(&mut self, within: Option<Duration>, mut holds: impl FnMut(&mut Self) -> bool) -> bool {
        let end = self.stage.now() + within.unwrap_or(PATIENCE);
        loop {
            if holds(self) {
                return true;
            }
            let is_stuck = self.is_asked() && !self.stage.session().is_some_and(Session::goes_on_by_itself);
            if within.is_none() && (is_stuck || self.stage.is_over() && !self.stage.rings()) {
                return false;
            }
            if !self.stage.advance(end) {
                if within.is_some() {
                    self.stage.pass(end.since(self.stage.now()));
                }
                return false;
            }
        }
    }

    /// Whether all has been said, and the line waits for keys.
    fn is_asked(&self) -> bool {
        let waits = |session: &Session| session.deadline().is_some() && session.awaits_keys() && !session.is_queued();
        !self.stage.is_speaking() && self.stage.session().is_some_and(waits)
    }

    fn is_there(&self, act: &Act, message: &str) -> Result<(), Box<Failure>> {
        match self.stage.is_over() {
            true => Err(self.over(act, message)),
            false => Ok(()),
        }
    }

    fn over(&self, act: &Act, message: &str) -> Box<Failure> {
        let why = self.stage.told().iter().rev().find_map(|told| match &told.what {
            What::HungUpOn => Some("the line had hung up".to_owned()),
            What::HangsUp => Some("the caller had hung up".to_owned()),
            What::Refused(status) => Some(format!("the call was refused ({status})")),
            _ => None,
        });
        Failure::new(codes::CALL_OVER, &act.place, message, why.unwrap_or_else(|| "the call was over".to_owned()))
    }

    /// What was heard so far does not count for what is heard next.
    fn listen_from_here(&mut self) {
        self.heard = Cursor { from: self.stage.told().len(), last: None };
    }

    fn hear(&mut self, act: &Act, what: &Heard) -> Result<(), Box<Failure>> {
        let mut found = None;
        let came = self.wait_until(act.within, |play| {
            found = play.find(what);
            found.is_some()
        });
        if let (true, Some(place)) = (came, found) {
            self.heard = Cursor { from: place, last: Some((what.clone(), place)) };
            return Ok(());
        }
        let wanted = match what {
            Heard::Step(flow, step) => {
                format!("expected to hear the step `{}`", self.house.step_name(*flow, *step).step)
            }
            Heard::Words(words) => format!("expected to hear \"{words}\""),
        };
        let instead = self.stage.told().iter().rev().find_map(|told| match &told.what {
            What::Said { prompts, .. } => Some(self.said(prompts)),
            _ => None,
        });
        let message = match (instead, self.stage.is_over()) {
            (_, true) => "the call was over before this was heard".to_owned(),
            (None, _) => "nothing was heard".to_owned(),
            (Some(said), _) => format!("this was not heard; the last words were \"{said}\""),
        };
        Err(Failure::new(codes::NOT_HEARD, &act.place, message, wanted))
    }

    /// Where this is heard, from where the test listens.
    fn find(&self, what: &Heard) -> Option<usize> {
        // Who hears the same again hears it a second time.
        let from = match &self.heard.last {
            Some((last, place)) if last == what => place + 1,
            _ => self.heard.from,
        };
        self.find_from(what, from)
    }

    fn find_from(&self, what: &Heard, from: usize) -> Option<usize> {
        let said = self.stage.told().iter().enumerate().skip(from);
        let mut said = said.filter_map(|(place, told)| match &told.what {
            What::Said { step, prompts } => Some((place, step.as_ref(), prompts)),
            _ => None,
        });
        match what {
            Heard::Step(flow, step) => {
                let name = self.house.step_name(*flow, *step);
                let of_step = |prompt: &PromptId| {
                    let of = self.house.flows().prompt(*prompt).step;
                    of.is_some_and(|(flow, step)| self.house.step_name(flow, step) == name)
                };
                said.find(|(_, at, prompts)| *at == Some(&name) || prompts.iter().any(of_step)).map(|(place, ..)| place)
            }
            Heard::Words(words) => {
                let mut transcript = Transcript::default();
                said.for_each(|(place, _, prompts)| transcript.add(self.house, place, prompts));
                transcript.find(self.house, &self.language(), words)
            }
        }
    }

    /// The language that the caller hears.
    pub(super) fn language(&self) -> String {
        let spoken = self.stage.session().map(|session| session.language().to_string());
        spoken.unwrap_or_else(|| {
            let own = self.test.language.clone();
            own.unwrap_or_else(|| self.house.flows().flow(self.test.entry).languages[0].clone()).to_string()
        })
    }

    pub(super) fn said(&self, prompts: &[PromptId]) -> String {
        sentence(prompts.iter().map(|prompt| self.house.flows().prompt(*prompt)))
    }

    /// What must not be heard was not.
    fn mind_banned(&mut self) -> Result<(), Box<Failure>> {
        for (what, place) in &self.banned {
            let Some(heard) = self.find_from(what, 0) else { continue };
            let said = match &self.stage.told()[heard].what {
                What::Said { prompts, .. } => self.said(prompts),
                _ => String::new(),
            };
            let wanted = match what {
                Heard::Step(flow, step) => {
                    format!("the step `{}` was never to be heard", self.house.step_name(*flow, *step).step)
                }
                Heard::Words(words) => format!("\"{words}\" was never to be heard"),
            };
            return Err(Failure::new(codes::HEARD, place, format!("the caller heard \"{said}\""), wanted));
        }
        Ok(())
    }

    fn press(&mut self, act: &Act, keys: &[Digit]) -> Result<(), Box<Failure>> {
        let counts = self.wait_until(act.within, |play| {
            let asks = play.stage.session().is_some_and(Session::awaits_keys);
            asks || matches!(play.stage.standing(), Standing::Talking(..))
        });
        if !counts {
            self.is_there(act, "no key can be pressed any more")?;
            let message = "no key was asked for";
            return Err(Failure::new(codes::NOT_POSSIBLE, &act.place, message, "the caller was to press a key here"));
        }
        self.listen_from_here();
        for (count, key) in keys.iter().enumerate() {
            if count > 0 {
                self.stage.pass(BETWEEN_KEYS);
            }
            if !self.stage.press(*key) {
                return Err(self.over(act, "no key can be pressed any more"));
            }
        }
        Ok(())
    }

    fn say_nothing(&mut self, act: &Act) -> Result<(), Box<Failure>> {
        let asked = self.wait_until(act.within, Self::is_asked_by);
        if !asked {
            self.is_there(act, "nobody waits for the caller any more")?;
            let message = "the line does not wait for the caller";
            return Err(Failure::new(codes::NOT_POSSIBLE, &act.place, message, "the caller was to say nothing here"));
        }
        self.listen_from_here();
        let from = self.stage.told().len();
        let end = self.stage.now() + PATIENCE.max(act.within.unwrap_or_default());
        if self.stage.fall_silent_in_message() {
            while self.stage.is_leaving_message() && self.stage.advance(end) {}
            return Ok(());
        }
        let reacts = |told: &Told| matches!(told.what, What::Silence(_));
        while !self.stage.told()[from..].iter().any(reacts) && self.stage.advance(end) {}
        Ok(())
    }

    fn is_asked_by(play: &mut Self) -> bool {
        play.is_asked()
    }

    fn pick_up(&mut self, act: &Act) -> Result<(), Box<Failure>> {
        let expected = "the caller's phone was to ring";
        if !self.wait_until(None, |play| play.stage.is_over()) {
            let message = "the caller is still on the line";
            return Err(Failure::new(codes::NOT_POSSIBLE, &act.place, message, expected));
        }
        let end = self.stage.now() + act.within.unwrap_or(PATIENCE_AWAY);
        while !self.stage.rings() && self.stage.advance(end) {}
        self.listen_from_here();
        if self.stage.pick_up() {
            return Ok(());
        }
        let message = "the caller was not called back";
        Err(Failure::new(codes::NOT_POSSIBLE, &act.place, message, expected))
    }

    fn goodbye(&mut self, act: &Act) -> Result<(), Box<Failure>> {
        if self.wait_until(act.within, |play| play.stage.is_over()) {
            let hung_up = self.stage.told().iter().rev().find_map(|told| match told.what {
                What::HungUpOn => Some(true),
                What::HangsUp => Some(false),
                _ => None,
            });
            if hung_up == Some(true) {
                return Ok(());
            }
            return Err(self.over(act, "it was not the line that ended the call"));
        }
        let message = match self.is_asked() {
            true => "the line waits for a key",
            false => "the call goes on",
        };
        Err(Failure::new(codes::UNEXPECTED, &act.place, message, "expected the line to say goodbye and hang up"))
    }

    fn agent_takes(&mut self, act: &Act, answer: bool) -> Result<(), Box<Failure>> {
        let mut whose = None;
        self.wait_until(act.within, |play| {
            whose = play.stage.ringing_agent();
            whose.is_some()
        });
        match whose {
            Some(agent) => {
                self.stage.let_agent(&agent, answer);
                Ok(())
            }
            None => {
                let message = "no agent's phone rings for the caller";
                let expected = "an agent was to take the call here";
                Err(Failure::new(codes::NOT_POSSIBLE, &act.place, message, expected))
            }
        }
    }

    fn agent_hangs_up(&mut self, act: &Act) -> Result<(), Box<Failure>> {
        let mut with = None;
        self.wait_until(act.within, |play| {
            with = match play.stage.standing() {
                Standing::Talking(agent, _) => Some(agent.clone()),
                _ => None,
            };
            with.is_some()
        });
        match with {
            Some(agent) => {
                self.listen_from_here();
                self.stage.let_agent_hang_up(&agent);
                Ok(())
            }
            None => {
                let message = "the caller talks to nobody";
                Err(Failure::new(codes::NOT_POSSIBLE, &act.place, message, "an agent was to hang up here"))
            }
        }
    }

    /// All of these changes at one time, now or soon.
    fn metrics(&mut self, act: &Act, wanted: &[MetricChange]) -> Result<(), Box<Failure>> {
        // The nearest that each came to what is wanted: what was counted up may have been counted down since.
        let mut nearest = vec![f64::INFINITY; wanted.len()];
        // A metric that there is not comes into being by no wait.
        let is_known = |wanted: &MetricChange| {
            self.stage.meter().is_none_or(|meter| meter.change(&wanted.name, &wanted.labels).is_ok())
        };
        let within = if wanted.iter().all(is_known) { act.within } else { Some(Duration::ZERO) };
        let came = self.wait_until(within, |play| {
            let Some(meter) = play.stage.meter() else { return true };
            let changes = wanted.iter().map(|wanted| meter.change(&wanted.name, &wanted.labels));
            let off = changes.zip(wanted).map(|(by, wanted)| by.map_or(f64::INFINITY, |by| by - wanted.by));
            let mut all = true;
            for (nearest, off) in nearest.iter_mut().zip(off) {
                all &= is_none(off);
                *nearest = if off.abs() < nearest.abs() { off } else { *nearest };
            }
            all
        });
        if came {
            return Ok(());
        }
        let missed = wanted.iter().zip(&nearest).find(|(_, off)| !is_none(**off));
        match missed {
            Some((wanted, off)) => self.metric(wanted, Some(wanted.by + off)),
            None => wanted.iter().try_for_each(|wanted| self.metric(wanted, None)),
        }
    }

    /// Whether this has changed as is wanted; where it has not, `nearest` is told in place of what it is now.
    fn metric(&mut self, wanted: &MetricChange, nearest: Option<f64>) -> Result<(), Box<Failure>> {
        let Some(meter) = self.stage.meter() else { return Ok(()) };
        let expected = format!("expected {}", change(wanted.by));
        match meter.change(&wanted.name, &wanted.labels).map(|by| nearest.unwrap_or(by)) {
            Ok(by) if is_none(by - wanted.by) => Ok(()),
            Ok(by) => {
                let message = format!("`{}` has changed by {}", wanted.name, change(by));
                Err(Failure::new(codes::METRIC, &wanted.place, message, expected))
            }
            Err(near) => {
                let message = format!("no metric is named `{}`", wanted.name);
                let failure = Failure::new(codes::METRIC, &wanted.place, message, expected);
                Err(match near {
                    Some(near) => failure.remedy(format!("did you mean `{near}`?")),
                    None => failure,
                })
            }
        }
    }

    /// The step in which the caller is.
    pub(super) fn step(&self) -> Option<StepName> {
        self.stage.session().filter(|session| !session.has_ended()).and(self.stage.step().cloned())
    }
}

/// Whether nothing is between two figures.
fn is_none(off: f64) -> bool {
    off.abs() < 1e-6
}

/// `+1`, `-2`, `nothing`.
fn change(by: f64) -> String {
    if by == 0.0 { "nothing".to_owned() } else { format!("{by:+}") }
}
