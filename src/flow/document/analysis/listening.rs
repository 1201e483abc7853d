//! How long callers have to listen before they hear which key is theirs, and how many keys lead to each step.

use std::time::Duration;

use super::{Analysis, placed};
use crate::flow::document::codes;
use crate::flow::document::diagnostic::{Diagnostic, Severity};
use crate::flow::graph::{By, EntryBy, Exit, Graph, Node, StepId, Way};
use crate::flow::{Choice, FlowSet, Piece, PromptId, QueueIndex, Speech, StepKind, Survey, SurveyQuestion, Target};

/// Longer than this nobody should have to listen to a menu before they hear their choice.
pub const LONGEST_MENU: Duration = Duration::from_secs(30);
/// Longer than this nobody should have to listen, from the beginning of the call, before they can reach somebody.
pub const LONGEST_WAY: Duration = Duration::from_secs(60);
/// How fast texts are spoken that are not recorded yet, in characters a second: about 160 words a minute.
pub const CHARACTERS_A_SECOND: f64 = 15.0;
/// How long a value takes, such as a number of six digits.
pub const VALUE: Duration = Duration::from_millis(2500);
/// How long it takes to say a caller's place and the wait.
const PLACE_AND_WAIT: Duration = Duration::from_secs(6);

/// What callers listen to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// Every menu.
    pub menus: Vec<HeardMenu>,
    /// Every step that callers can come to by what they are told, those that are reached soonest first.
    pub steps: Vec<HeardStep>,
}

/// A menu, as it is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeardMenu {
    /// Which.
    pub at: StepId,
    /// The name of each choice's exit (`choice 1`), and how long after the menu began it has been heard.
    pub choices: Vec<(std::sync::Arc<str>, Duration)>,
}

/// A step, and the way to it that takes the least listening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeardStep {
    /// Which.
    pub at: StepId,
    /// It leads to a person, or something is left here by which somebody gets back to the caller.
    pub helps: bool,
    /// How long callers listen before they are here.
    pub after: Duration,
    /// How many keys they press, the fewest digits of questions among them.
    pub keys: u32,
    /// The way, in words.
    pub way: String,
}

/// How long each recording is, where there is one.
pub type Lengths<'a> = dyn Fn(PromptId) -> Option<Duration> + 'a;

/// Reckons what callers of every flow listen to, in the flow's first language.
pub fn listening(set: &FlowSet, lengths: &Lengths<'_>) -> Listening {
    let graph = Graph::of(set);
    let heard = Heard { set, lengths };
    let analysis = Analysis { set, graph: &graph };
    let while_open = graph.ways(|node, exit| heard.until(node, exit).filter(|_| exit.while_open));
    let ever = graph.ways(|node, exit| heard.until(node, exit));
    let is_dialled = |way: &Way<'_>| matches!(way.entry.by, EntryBy::Number(_));
    let mut steps = Vec::new();
    for node in &graph.nodes {
        // Where callers come only while it is closed, that is their way, and none of those whom agents send on.
        let way = while_open.to(node.at).filter(is_dialled).or_else(|| ever.to(node.at));
        let Some(way) = way else { continue };
        let keys = way.stops.iter().map(|stop| keys(set, stop.at, stop.exit)).sum();
        let words = analysis.way_there(&way, node.at);
        steps.push(HeardStep {
            at: node.at,
            helps: node.nature.person || node.nature.message,
            after: Duration::from_millis(way.cost),
            keys,
            way: words.strip_prefix("the way there: ").unwrap_or(&words).to_owned(),
        });
    }
    steps.sort_by_key(|step| (step.after, step.at));
    let menus = graph.nodes.iter().filter_map(|node| {
        let StepKind::Menu(_) = &set.flow(node.at.flow).step(node.at.step).kind else { return None };
        let by_key = node.exits.iter().filter(|exit| matches!(exit.by, By::Keys(_)));
        let choices = by_key.filter_map(|exit| Some((exit.name.clone(), heard.until(node, exit)?)));
        let choices = choices.map(|(name, millis)| (name, Duration::from_millis(millis))).collect();
        Some(HeardMenu { at: node.at, choices })
    });
    Listening { menus: menus.collect(), steps }
}

/// Tells the choices and people that are too long to wait for, and announcements longer than the pause after them.
pub fn tell_listening(set: &FlowSet, listening: &Listening, lengths: &Lengths<'_>) -> Vec<Diagnostic> {
    let heard = Heard { set, lengths };
    let mut told = Vec::new();
    for menu in &listening.menus {
        let Some((exit, after)) = menu.choices.iter().find(|(_, after)| *after > LONGEST_MENU) else { continue };
        let name = &set.flow(menu.at.flow).step(menu.at.step).name;
        let key = exit.split_once(' ').map_or("", |(_, key)| key);
        let message =
            format!("callers listen to `{name}` for {} s before they have heard of key {key}", after.as_secs());
        let place = set.places.setting(menu.at, exit).or_else(|| set.places.step(menu.at));
        let fault = placed(place, codes::LONG_LISTENING, Severity::Warning, message);
        let fault = fault.remedy("say less, tell the choices that most callers take first, or make two menus of it");
        told.push(fault.consequence(format!("many press any key, or hang up, after {} s", LONGEST_MENU.as_secs())));
    }
    for step in listening.steps.iter().filter(|step| step.helps && step.after > LONGEST_WAY) {
        let name = &set.flow(step.at.flow).step(step.at.step).name;
        let message = format!("callers listen for {} s before they come to `{name}`", step.after.as_secs());
        let fault = placed(set.places.step(step.at), codes::LONG_LISTENING, Severity::Warning, message);
        let fault = fault.remedy("say less on the way, or let a key lead there sooner");
        let fault = fault.consequence("callers who need somebody would lose patience");
        told.push(fault.note(format!("the way there: {}", step.way)));
    }
    told.extend(heard.long_announcements());
    told
}

fn keys(set: &FlowSet, at: StepId, exit: &Exit) -> u32 {
    match (&exit.by, &set.flow(at.flow).step(at.step).kind) {
        (By::Keys(keys), _) => u32::try_from(keys.len()).unwrap_or(u32::MAX),
        (By::Always(_), _) => 1,
        (By::Answer, StepKind::Collect(collect)) => u32::from(collect.shortest),
        (By::Answer, StepKind::Survey(survey)) => u32::try_from(survey.questions.len()).unwrap_or(u32::MAX),
        _ => 0,
    }
}

/// Reckons with lengths.
struct Heard<'a> {
    set: &'a FlowSet,
    lengths: &'a Lengths<'a>,
}

impl Heard<'_> {
    /// How long callers listen in a step before they can leave it so, in milliseconds; nothing of ways that nobody is told of,
    /// and of those behind a wait or a conversation.
    fn until(&self, node: &Node, exit: &Exit) -> Option<u64> {
        let step = self.set.flow(node.at.flow).step(node.at.step);
        let length = match (&exit.by, &step.kind) {
            (By::Always(_) | By::Tries | By::Conversation | By::Wait | By::Refusal, _) => return None,
            (By::Keys(keys), StepKind::Menu(menu)) => {
                let question = menu.speech.as_ref().map_or(Duration::ZERO, |speech| self.length(speech));
                question + self.choice(&menu.choices, keys)?
            }
            (By::Keys(_), _) => return None,
            (_, StepKind::Say { speech, .. } | StepKind::Play { speech, .. }) => self.length(speech),
            (_, StepKind::Collect(collect)) => self.length(&collect.speech),
            (_, StepKind::Survey(survey)) => self.survey(node.at, survey),
            _ => Duration::ZERO,
        };
        Some(u64::try_from(length.as_millis()).unwrap_or(u64::MAX))
    }

    /// How long it takes to hear a choice and those before it; nothing of one that is not announced.
    fn choice(&self, choices: &[Choice], keys: &[crate::telephony::Digit]) -> Option<Duration> {
        let position = choices.iter().position(|choice| choice.keys == keys && choice.speech.is_some())?;
        let spoken = choices[..=position].iter().filter_map(|choice| choice.speech.as_ref());
        Some(spoken.map(|speech| self.length(speech)).sum())
    }

    /// All questions, each with how it is answered.
    fn survey(&self, at: StepId, survey: &Survey) -> Duration {
        let language = &self.set.flow(at.flow).languages[0];
        let phrase = |name: &str| {
            self.set.find_prompt(language, name).map_or(Duration::ZERO, |prompt| self.piece(&Piece::Prompt(prompt)))
        };
        let question = |question: &SurveyQuestion| {
            let own = question.speech.as_ref().map(|speech| self.length(speech));
            own.unwrap_or_else(|| phrase(question.scale.question())) + phrase(question.scale.instruction())
        };
        survey.questions.iter().map(question).sum()
    }

    fn length(&self, speech: &Speech) -> Duration {
        let pieces = speech.by_language.first().map_or(&[][..], Vec::as_slice);
        pieces.iter().map(|piece| self.piece(piece)).sum()
    }

    fn piece(&self, piece: &Piece) -> Duration {
        match piece {
            Piece::Value { .. } => VALUE,
            Piece::Prompt(prompt) => (self.lengths)(*prompt).unwrap_or_else(|| {
                let characters = self.set.prompt(*prompt).text.chars().count();
                Duration::from_secs_f64(characters as f64 / CHARACTERS_A_SECOND)
            }),
        }
    }

    fn long_announcements(&self) -> Vec<Diagnostic> {
        let mut told = Vec::new();
        for (index, queue) in self.set.queues.iter().enumerate() {
            let index = QueueIndex(u16::try_from(index).expect("queues are limited"));
            let comfort = queue.comfort.iter().map(|speech| self.length(speech)).max().unwrap_or(Duration::ZERO);
            let offered = queue
                .while_waiting
                .iter()
                .filter(|choice| choice.target != Target::Callback || self.set.calls_back(index));
            let offers: Duration =
                offered.filter_map(|choice| choice.speech.as_ref()).map(|speech| self.length(speech)).sum();
            let place = if queue.position_announced || queue.wait_announced { PLACE_AND_WAIT } else { comfort };
            let pauses = [
                ("an announcement", place + offers, queue.announce_repeat, "repeat"),
                ("a comfort message", comfort, queue.comfort_every.unwrap_or(Duration::MAX), "comfort_every"),
            ];
            for (what, takes, pause, setting) in pauses.into_iter().filter(|(_, takes, pause, _)| takes > pause) {
                let (takes, pause) = (takes.as_secs(), pause.as_secs());
                let message =
                    format!("{what} of `{}` takes about {takes} s, and the next comes {pause} s after it", queue.name);
                let place = self.set.places.queue_setting(index, "announce").or_else(|| self.set.places.queue(index));
                let fault = placed(place, codes::LONG_ANNOUNCEMENT, Severity::Warning, message);
                let fault = fault.remedy(format!("say less, or write a longer `{setting}`"));
                told.push(fault.consequence("callers would be talked at nearly all the time that they wait"));
            }
        }
        told
    }
}
