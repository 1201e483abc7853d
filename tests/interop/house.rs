//! The house in which agents take calls: a server with one queue and two agents, and callers who say a tone.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use helpline::media::{codecs, prompts};
use helpline::telephony::Codec;

use crate::server::{Running, Server, repository};
use crate::wave::{self, Passage, Sound};

/// How everybody's voice sounds, in hertz.
pub const CALLER: f64 = 900.0;
pub const OTHER_CALLER: f64 = 1_100.0;
pub const ADA: f64 = 500.0;
pub const GRACE: f64 = 700.0;
const VOICES: [f64; 4] = [CALLER, OTHER_CALLER, ADA, GRACE];

/// What is shorter than this, in seconds, is the edge of something.
const BRIEF: f64 = 0.4;

/// A server with the queue `support` and its agents Ada, 1001, and Grace, 1002.
pub struct House {
    pub server: Server,
    _flows: tempfile::TempDir,
}

impl House {
    /// `queue` are further settings of the queue, such as `ring: 5s, strategy: linear`.
    pub fn with(queue: &str) -> House {
        let flows = tempfile::tempdir().expect("a folder");
        let flow = format!(
            "flow: main\nnumbers: [1000]\nstart: agent\nsteps:\n  agent: {{queue: support}}\n  \
             how_was_it: {{survey: {{helped: csat, recommend: nps}}}}\nagents:\n  \
             1001: {{name: Ada, password: secret}}\n  1002: {{name: Grace, password: other}}\nqueues:\n  \
             support: {{agents: [1001, 1002], {queue}}}\n"
        );
        fs::write(flows.path().join("main.yaml"), flow).expect("the flow is written");
        House { server: Server::with_flows(flows.path(), ""), _flows: flows }
    }

    /// How many have left the queue so.
    pub fn left(&self, outcome: &str) -> f64 {
        self.server.metric(&format!("helpline_queue_left_total{{outcome=\"{outcome}\",queue=\"support\"}}"))
    }

    /// Waits until so many have left the queue so.
    pub fn expect_left(&self, outcome: &str, count: u32) {
        self.server.expect(&format!("how many were {outcome}"), || self.left(outcome), &f64::from(count));
    }

    /// How often an agent was offered a caller with this result.
    pub fn offers(&self, agent: &str, result: &str) -> f64 {
        let labels = format!("{{agent=\"{agent}\",queue=\"support\",result=\"{result}\"}}");
        self.server.metric(&format!("helpline_agent_offers_total{labels}"))
    }

    /// Waits until an agent was offered a caller with this result so often.
    pub fn expect_offers(&self, agent: &str, result: &str, count: u32) {
        let what = format!("how often an offer to {agent} was {result}");
        self.server.expect(&what, || self.offers(agent, result), &f64::from(count));
    }

    /// Waits until so many callers wait.
    pub fn expect_waiting(&self, count: u32) {
        self.server.expect_metric("helpline_queue_callers_waiting{queue=\"support\"}", f64::from(count));
    }
}

/// A caller who says a tone, and hears. It is Helpline's own telephone, `helpline dial`.
pub struct Caller {
    running: Running,
    folder: tempfile::TempDir,
}

impl Caller {
    /// Dials, and holds the line for so long, such as `8s`.
    pub fn dial(house: &House, hertz: f64, hold: &str) -> Caller {
        Caller::dial_from(house, "helpline-dial", hertz, hold)
    }

    /// The same from a number of their own.
    pub fn dial_from(house: &House, number: &str, hertz: f64, hold: &str) -> Caller {
        Caller::at(&house.server, hertz, hold, &["--from", number])
    }

    /// The same at any server, with further options of `helpline dial`.
    pub fn at(server: &Server, hertz: f64, hold: &str, options: &[&str]) -> Caller {
        let folder = tempfile::tempdir().expect("a folder");
        let voice = folder.path().join("voice.wav");
        wave::write_tone(&voice, hertz, 150);
        let log = fs::File::create(folder.path().join("log.txt")).expect("a log");
        let child = Command::new(env!("CARGO_BIN_EXE_helpline"))
            .args(["dial", &format!("sip:1000@127.0.0.1:{}", server.sip_port), "--hold", hold])
            .args(options)
            .arg("--play")
            .arg(&voice)
            .arg("--record")
            .arg(folder.path().join("heard.wav"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("the caller dials");
        Caller { running: Running(child), folder }
    }

    /// Hangs up, and gives what they heard.
    pub fn hang_up(self) -> Vec<i16> {
        signal(&self.running.0, "TERM");
        self.heard()
    }

    /// Hangs up when something has happened so often.
    pub fn hang_up_after(self, server: &Server, happened: impl Fn() -> f64, count: f64) {
        server.expect("how often it has happened", happened, &count);
        self.hang_up();
    }

    /// Waits until the call is over, and gives what they heard.
    pub fn heard(mut self) -> Vec<i16> {
        let status = self.running.0.wait().expect("the caller ends");
        let log = fs::read_to_string(self.folder.path().join("log.txt")).unwrap_or_default();
        assert!(status.success(), "the caller ended with {status}:\n{log}");
        wave::samples(&self.folder.path().join("heard.wav"))
    }
}

/// `who` heard these recordings of `prompts/en/phrases`.
pub fn expect_said(who: &str, heard: &[i16], recordings: &[&str]) {
    let paths: Vec<String> = recordings.iter().map(|name| format!("en/phrases/{name}")).collect();
    expect_played(who, heard, &paths);
}

/// `who` heard these recordings of `prompts`.
pub fn expect_played(who: &str, heard: &[i16], recordings: &[impl AsRef<str>]) {
    for name in recordings.iter().map(AsRef::as_ref) {
        let likeness = wave::likeness(&recording(name), heard);
        assert!(likeness > 0.8, "{who} did not hear {name}: {likeness:.2}");
    }
}

/// A recording of `prompts` as it sounds on a line.
pub fn recording(name: &str) -> Vec<i16> {
    let path = repository().join(format!("prompts/{name}.wav"));
    let clip = prompts::load_clip(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    clip.encoded(Codec::Pcmu).iter().map(|byte| codecs::decode(Codec::Pcmu, *byte)).collect()
}

/// Sends a signal to a process that we started.
pub fn signal(process: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &process.id().to_string()]).status();
    assert!(status.expect("kill runs").success(), "the process {} is gone", process.id());
}

/// `who` heard these one after another, and nothing else but silence; each for about as long as is said, in seconds.
pub fn expect_heard(who: &str, heard: &[i16], expected: &[(Sound, std::ops::Range<f64>)]) -> Vec<Passage> {
    let told: Vec<Passage> = wave::passages(heard, &VOICES, BRIEF);
    let mut told: Vec<Passage> = told.into_iter().filter(|passage| passage.sound != Sound::Silence).collect();
    // Words have pauses; tones have none.
    told.dedup_by(|next, last| {
        let words = next.sound == Sound::Other && last.sound == Sound::Other;
        if words {
            last.length = next.start + next.length - last.start;
        }
        words
    });
    let fits = told.len() == expected.len()
        && told
            .iter()
            .zip(expected)
            .all(|(passage, (sound, seconds))| passage.sound == *sound && seconds.contains(&passage.seconds()));
    assert!(fits, "{who} heard {told:?}, not {expected:?}");
    told
}

/// A passage that ends in hold music, sample by sample.
pub fn expect_music(who: &str, heard: &[i16], passage: Passage) {
    let music: PathBuf = repository().join("prompts/music/strings.wav");
    let clip = prompts::load_clip(&music).unwrap_or_else(|fault| panic!("{}: {fault}", music.display()));
    // Half a second before its end, as G.711 carries it; a wait begins with words.
    let from = passage.start + passage.length - wave::RATE;
    let part = &heard[from..from + wave::RATE / 2];
    let found = [Codec::Pcmu, Codec::Pcma].into_iter().any(|codec| {
        let carried = |samples: &[i16]| -> Vec<i16> {
            samples.iter().map(|sample| codecs::decode(codec, codecs::encode(codec, *sample))).collect()
        };
        let music: Vec<i16> = clip.encoded(codec).iter().map(|byte| codecs::decode(codec, *byte)).collect();
        wave::find(&carried(part), &music).is_some()
    });
    assert!(found, "what {who} heard {:.1} s from the beginning is no hold music", from as f64 / wave::RATE as f64);
}
