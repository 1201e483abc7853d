//! The installation: `helpline.yaml` and the folders that it names, read into checked settings.
//!
//! Every setting is optional, and without the file the defaults stand. Paths in it are relative to the folder of the file.
//! `${NAME}` anywhere in a value takes the environment variable NAME, `${NAME:-text}` with a default; `$$` is a dollar sign.

mod codes;
mod files;
pub mod keys;
mod mail;
mod settings;
mod trunks;
mod voice;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use voice::TextToSpeech;

pub use files::{FlowFiles, check_flows, load_flows, read_flow_files};

use crate::flow::AgentCodes;
use crate::flow::document::{Diagnostic, Severity, Source};
use crate::telephony::{Codec, DialPlan, InbandDigits, TransportKind, Trunk};

/// How the line is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Signalling.
    pub sip: SipSettings,
    /// Audio.
    pub media: MediaSettings,
    /// The API, the metrics and the wallboard.
    pub http: HttpSettings,
    /// What one server takes on.
    pub limits: Limits,
    /// The folder of what is kept.
    pub data: PathBuf,
    /// How many records of calls are kept.
    pub records: RecordSettings,
    /// How messages are mailed; `None`: not at all.
    pub mail: Option<MailSettings>,
    /// For how long messages and recordings are kept.
    pub tapes: TapesKept,
    /// The folder of the flow files.
    pub flows: PathBuf,
    /// The folder of the recordings.
    pub prompts: PathBuf,
    /// Whether flows and recordings are read again when their files change.
    pub watch: bool,
    /// How long calls in progress go on after a shutdown has begun.
    pub drain: Duration,
    /// What agents dial to steer their working day.
    pub codes: AgentCodes,
    /// The program that speaks drafts of recordings.
    pub text_to_speech: TextToSpeech,
}

/// Signalling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipSettings {
    /// Where to listen; never empty.
    pub listen: Vec<ListenAddress>,
    /// The address in Via, Contact and SDP; `None` for the one that routes to the peer.
    pub advertise: Option<IpAddr>,
    /// The realm of the agents' digest passwords (RFC 8760).
    pub realm: String,
    /// By whom calls come from and leave for the telephone network; the first that may call a number takes it out.
    pub trunks: Vec<Trunk>,
}

impl SipSettings {
    /// Which numbers may be called.
    pub fn dial_plan(&self) -> DialPlan {
        DialPlan::new(&self.trunks)
    }
}

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    /// How signalling travels there.
    pub transport: TransportKind,
    /// The address and port.
    pub address: SocketAddr,
}

/// Audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaSettings {
    /// The ports; RTP takes the even ones, RTCP the odd ones after them. There is at least one such pair.
    pub ports: RangeInclusive<u16>,
    /// The codecs, in order of preference; never empty.
    pub codecs: Vec<Codec>,
    /// Whether tones are looked for in the audio.
    pub inband_digits: InbandDigits,
}

impl MediaSettings {
    /// How many pairs of an even port and the odd one after it there are.
    pub fn pairs(&self) -> u32 {
        let first = u32::from(*self.ports.start()).next_multiple_of(2);
        (u32::from(*self.ports.end()) + 1).saturating_sub(first) / 2
    }
}

/// The API, the metrics and the wallboard.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address that others are told, such as `https://helpline.example.com`.
    pub advertise: Option<String>,
    /// The bearer token that requests must bring; never `None` where the address is not loopback.
    pub token: Option<String>,
}

impl HttpSettings {
    /// By which address it is reached: the one that is advertised, or else the one that is listened on. Where that is all
    /// addresses, or a loopback one, it depends on who asks; see [`crate::telephony::CallHeaders`].
    pub fn address(&self) -> String {
        self.advertise.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }
}

// The token is a secret.
impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "...");
        f.debug_struct("HttpSettings")
            .field("listen", &self.listen)
            .field("advertise", &self.advertise)
            .field("token", &token)
            .finish()
    }
}

/// How many records of calls are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordSettings {
    /// Older ones are removed: 1 h to 20 years.
    pub keep: Duration,
    /// When the database is larger than so many MiB, the oldest are removed: 16 to 1,000,000.
    pub size_mb: u32,
}

/// How messages are mailed.
#[derive(Clone, PartialEq, Eq)]
pub struct MailSettings {
    /// Whether within TLS.
    pub secured: Secured,
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The name of the account and its password.
    pub login: Option<(String, String)>,
    /// Who sends.
    pub from: String,
}

// The password is a secret.
impl fmt::Debug for MailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailSettings")
            .field("secured", &self.secured)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.login.as_ref().map(|(user, _)| user))
            .field("from", &self.from)
            .finish()
    }
}

/// When mail travels within TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secured {
    /// From the first octet.
    Always,
    /// From STARTTLS on, which there must be (RFC 3207).
    Upgraded,
    /// From STARTTLS on, if the server has it.
    IfOffered,
}

/// For how long messages and recordings are kept: 1 h to 20 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapesKept {
    /// Messages.
    pub messages: Duration,
    /// Recordings of calls.
    pub recordings: Duration,
}

impl Default for TapesKept {
    fn default() -> TapesKept {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        TapesKept { messages: days(400), recordings: days(90) }
    }
}

/// What one server takes on; more is refused with 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls at once, 1 to 100,000.
    pub calls: u32,
    /// New calls a second, 1 to 100,000.
    pub calls_per_second: u32,
}

impl Default for Installation {
    fn default() -> Installation {
        Installation {
            sip: SipSettings {
                listen: [TransportKind::Udp, TransportKind::Tcp]
                    .map(|transport| ListenAddress {
                        transport,
                        address: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5060)),
                    })
                    .to_vec(),
                advertise: None,
                realm: "helpline".to_owned(),
                trunks: Vec::new(),
            },
            media: MediaSettings {
                ports: 16384..=20479,
                codecs: vec![Codec::Pcmu, Codec::Pcma],
                inband_digits: InbandDigits::Auto,
            },
            http: HttpSettings { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)), advertise: None, token: None },
            limits: Limits { calls: 1000, calls_per_second: 100 },
            data: PathBuf::from("data"),
            records: RecordSettings { keep: Duration::from_secs(400 * 86_400), size_mb: 4_096 },
            mail: None,
            tapes: TapesKept::default(),
            flows: PathBuf::from("flows"),
            prompts: PathBuf::from("prompts"),
            watch: false,
            drain: Duration::from_secs(30),
            codes: AgentCodes::default(),
            text_to_speech: TextToSpeech::default(),
        }
    }
}

/// What came of reading the installation file.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings; what was wrong in the file has its default, so that the flows can be checked all the same.
    pub installation: Installation,
    /// Every fault and warning of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// The file, unless it is absent.
    pub sources: Vec<Source>,
}

impl Loaded {
    /// Whether there is any error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

impl Installation {
    /// Reads `file`; where it is absent, the defaults stand, and the folders are beside where it would be. Environment variables
    /// are those of the process.
    pub fn load(file: &Path) -> Loaded {
        files::load_installation(file, &|name| std::env::var(name).ok())
    }

    /// Reads the text of an installation file; `environment` tells the variables, `read_secret` the text of a file of a secret.
    pub fn read(
        source: &Source,
        environment: &dyn Fn(&str) -> Option<String>,
        read_secret: &dyn Fn(&Path) -> Result<String, String>,
    ) -> (Installation, Vec<Diagnostic>) {
        settings::read(source, environment, read_secret)
    }

    /// The same with relative paths taken from `folder`.
    fn within(mut self, folder: &Path) -> Installation {
        for path in [&mut self.data, &mut self.flows, &mut self.prompts] {
            if folder != Path::new("") {
                *path = folder.join(&*path);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests;
