//! A softphone of the test's own: PJSIP, steered over standard input by `pjsip/phone.py`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use helpline::telephony::Codec;

use crate::house::signal;
use crate::ports::{MediaPorts, free_port};
use crate::server::{Running, Server, repository};
use crate::wave;

/// How long something is waited for that must come: longer than a dead phone is believed to live.
const PATIENCE: Duration = Duration::from_secs(60);

/// A softphone without a screen.
pub struct Pjsip {
    running: Running,
    orders: ChildStdin,
    told: Arc<Told>,
    folder: tempfile::TempDir,
    /// Where it is called by who knows it.
    pub port: u16,
    _media: MediaPorts,
}

/// What it has told so far.
#[derive(Default)]
struct Told {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

/// What it is given beside what every phone needs.
#[derive(Default)]
pub struct Options<'a> {
    /// A proxy between it and the registrar, by its port.
    pub proxy: Option<u16>,
    /// What it answers to every call, one after another.
    pub answers: &'a [u16],
    pub more: &'a [&'a str],
}

impl Pjsip {
    /// An agent's, which registers; what it says is a tone of `hertz`.
    pub fn agent(
        server: &Server,
        (extension, password): (&str, &str),
        codec: Codec,
        hertz: f64,
        options: &Options<'_>,
    ) -> Pjsip {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let (media, port) = (MediaPorts::claim(100), free_port());
        wave::write_tone(&path.join("voice.wav"), hertz, 60);
        let mut command = Command::new(python());
        command
            .arg(repository().join("tests/interop/pjsip/phone.py"))
            .args(["--user", extension, "--password", password])
            .args(["--domain", &format!("127.0.0.1:{}", server.sip_port), "--codec", codec.encoding()])
            .args(["--port", &port.to_string(), "--rtp", &media.first.to_string()])
            .args(["--voice", "voice.wav", "--ear", "heard.wav", "--log", "log.txt"])
            .args(options.more);
        for answer in options.answers {
            command.args(["--answer", &answer.to_string()]);
        }
        if let Some(proxy) = options.proxy {
            command.args(["--proxy", &format!("127.0.0.1:{proxy}")]);
        }
        let errors = fs::File::create(path.join("errors.txt")).expect("a file");
        command.current_dir(path).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().expect("Python runs");
        let orders = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let told = Arc::new(Told::default());
        let teller = Arc::clone(&told);
        // It ends with the program.
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                teller.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                teller.more.notify_all();
            }
        });
        Pjsip { running: Running(child), orders, told, folder, port, _media: media }
    }

    /// Tells it to do something, in the words of `phone.py`.
    pub fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap_or_else(|fault| panic!("PJSIP is gone ({fault}): {}", self.log()));
    }

    /// Waits until it has told this, word by word as far as it goes, so often in all.
    pub fn expect(&self, line: &str, count: usize) {
        let fits = |told: &String| told.strip_prefix(line).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        let lines = self.told.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let (lines, waited) = self
            .told
            .more
            .wait_timeout_while(lines, PATIENCE, |lines| lines.iter().filter(|told| fits(told)).count() < count)
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            let told = lines.join("\n");
            drop(lines);
            panic!("PJSIP did not tell `{line}` {count} times, but:\n{told}\n{}", self.log());
        }
    }

    /// All that it has told.
    pub fn told(&self) -> Vec<String> {
        self.told.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends it from one moment to the next.
    pub fn kill(&mut self) {
        signal(&self.running.0, "KILL");
        self.running.0.wait().expect("it is ours");
    }

    /// Its network is cut: it neither hears nor says anything, and nobody is told so.
    pub fn freeze(&self) {
        signal(&self.running.0, "STOP");
    }

    /// Its network is back.
    pub fn thaw(&self) {
        signal(&self.running.0, "CONT");
    }

    /// Lets it unregister and end, and gives what was heard in all its calls.
    pub fn quit(mut self) -> Vec<i16> {
        self.order("quit");
        self.running.0.wait().expect("it is ours");
        let heard = self.folder.path().join("heard.wav");
        assert!(heard.is_file(), "PJSIP recorded nothing:\n{}", self.log());
        wave::samples(&heard)
    }

    /// What it has printed, the end of it.
    pub fn log(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        let (errors, log) = (read("errors.txt"), read("log.txt"));
        let lines: Vec<&str> = log.lines().collect();
        format!("{errors}\n{}", lines[lines.len().saturating_sub(200)..].join("\n"))
    }
}

/// The Python that has PJSIP.
fn python() -> std::path::PathBuf {
    let path: &Path = &repository().join("target/pjsip/bin/python");
    assert!(path.exists(), "this test needs PJSIP's softphone: run tests/interop/pjsip/install");
    path.to_owned()
}
