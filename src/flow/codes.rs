//! The codes by which agents steer their working day from their telephones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Most codes of one installation.
pub const MAX_CODES: usize = 100;
/// The longest code, in keys.
pub const MAX_CODE: usize = 16;

/// What an agent asks for by dialling a code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentCode {
    /// To be ready: logs in, ends a pause or a wrap-up.
    Ready,
    /// To pause, and why; without a reason where none was meant.
    Pause(Option<Arc<str>>),
    /// To log out.
    LogOut,
    /// To end the wrap-up.
    EndWrapUp,
    /// To make the wrap-up longer by [`AgentCodes::extend_by`].
    ExtendWrapUp,
    /// To be told why no call comes.
    Why,
    /// Silence on the recording of the call that they are in.
    PauseRecording,
    /// No silence any more.
    ResumeRecording,
    /// To close these hours until midnight in their zone, or all that there are.
    CloseToday(Option<Arc<str>>),
    /// These hours as they are written, or all that there are.
    AsWritten(Option<Arc<str>>),
    /// To hear the messages of their mailboxes.
    Messages,
}

impl AgentCode {
    /// As helpline.yaml and the log name it.
    pub const fn name(&self) -> &'static str {
        match self {
            AgentCode::Ready => "ready",
            AgentCode::Pause(_) => "pause",
            AgentCode::LogOut => "log_out",
            AgentCode::EndWrapUp => "end_wrap_up",
            AgentCode::ExtendWrapUp => "extend_wrap_up",
            AgentCode::Why => "why",
            AgentCode::PauseRecording => "pause_recording",
            AgentCode::ResumeRecording => "resume_recording",
            AgentCode::CloseToday(_) => "close_today",
            AgentCode::AsWritten(_) => "as_written",
            AgentCode::Messages => "messages",
        }
    }
}

/// The codes of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentCodes {
    /// What each code asks for; a code is 2 to [`MAX_CODE`] of the keys 0 to 9, `*` and `#`.
    pub codes: BTreeMap<Arc<str>, AgentCode>,
    /// By how much a wrap-up is made longer, 10 s to 30 min.
    pub extend_by: Duration,
}

impl AgentCodes {
    /// No codes at all.
    pub fn none() -> AgentCodes {
        AgentCodes { codes: BTreeMap::new(), extend_by: Duration::from_secs(60) }
    }

    /// What a dialled number asks for, if it is a code.
    pub fn find(&self, dialled: &str) -> Option<&AgentCode> {
        self.codes.get(dialled)
    }

    /// The code that asks for this, if there is one.
    pub fn code_of(&self, wanted: &AgentCode) -> Option<&Arc<str>> {
        self.codes.iter().find(|(_, code)| *code == wanted).map(|(dialled, _)| dialled)
    }

    /// The reasons for which agents can pause.
    pub fn reasons(&self) -> impl Iterator<Item = &Arc<str>> {
        self.codes.values().filter_map(|code| match code {
            AgentCode::Pause(reason) => reason.as_ref(),
            _ => None,
        })
    }

    /// The hours that agents can switch apart from the others.
    pub fn hours(&self) -> impl Iterator<Item = &Arc<str>> {
        self.codes.values().filter_map(|code| match code {
            AgentCode::CloseToday(hours) => hours.as_ref(),
            _ => None,
        })
    }
}

impl Default for AgentCodes {
    fn default() -> AgentCodes {
        let pause = |reason: &str| AgentCode::Pause(Some(reason.into()));
        let codes = [
            ("*11", AgentCode::Ready),
            ("*12", AgentCode::Pause(None)),
            ("*121", pause("lunch")),
            ("*122", pause("break")),
            ("*123", pause("meeting")),
            ("*13", AgentCode::LogOut),
            ("*14", AgentCode::EndWrapUp),
            ("*15", AgentCode::ExtendWrapUp),
            ("*19", AgentCode::Why),
            ("*16", AgentCode::PauseRecording),
            ("*17", AgentCode::ResumeRecording),
            ("*20", AgentCode::CloseToday(None)),
            ("*21", AgentCode::AsWritten(None)),
            ("*97", AgentCode::Messages),
        ];
        AgentCodes { codes: codes.map(|(dialled, code)| (dialled.into(), code)).into(), ..AgentCodes::none() }
    }
}
