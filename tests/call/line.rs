//! A running `helpline serve` with an installation of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use helpline::journal::{PAGE_MAX, RecordQuery};
use helpline::store::History;
use tempfile::TempDir;

use crate::ports::{MediaPorts, free_port};

pub const FLOW: &str = "
flow: main
numbers: [1000]
languages: [en]
time_zone: UTC
start: welcome
steps:
  welcome:
    say: Welcome.
    next: main
  main:
    menu: What now?
    choices:
      1: To enter a number -> ask
      2: To end -> bye
  ask:
    collect: Please enter four digits.
    digits: 4
    save: number
    next: told
  told:
    say: Thank you.
    next: bye
  bye:
    hangup: Goodbye.
";

/// The tone in Hz of each recording of [`FLOW`], and of what is said before a call is recorded.
pub const TONES: [(&str, f64); 8] = [
    ("main/welcome", 400.0),
    ("main/main", 550.0),
    ("main/main.1", 550.0),
    ("main/main.2", 550.0),
    ("main/ask", 1_000.0),
    ("main/told", 1_400.0),
    ("main/bye", 2_000.0),
    ("phrases/record/announce", 600.0),
];

/// RTP ports that a line has.
const MEDIA_PORTS: u16 = 100;

pub struct Line {
    child: Child,
    pub udp: SocketAddr,
    pub tcp: SocketAddr,
    http: SocketAddr,
    pub folder: TempDir,
    media: Option<MediaPorts>,
}

impl Line {
    pub fn start() -> Line {
        Line::start_with(FLOW)
    }

    /// With another flow.
    pub fn start_with(flow: &str) -> Line {
        let folder = tempfile::tempdir().expect("a folder");
        let media = write_installation(folder.path());
        fs::write(folder.path().join("flows/main.yaml"), flow).expect("it can be written");
        Line::start_in(folder, Some(media))
    }

    /// One that reads its files as soon as they change.
    pub fn start_watching(flow: &str) -> Line {
        let folder = tempfile::tempdir().expect("a folder");
        let media = write_installation(folder.path());
        fs::write(folder.path().join("flows/main.yaml"), flow).expect("it can be written");
        let settings = folder.path().join("helpline.yaml");
        let text = fs::read_to_string(&settings).expect("it was written") + "watch: true\n";
        fs::write(settings, text).expect("it can be written");
        Line::start_in(folder, Some(media))
    }

    /// Kills it, as `kill -9` does, and starts it again where it was.
    pub fn die_and_rise(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was started");
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"));
        *self = Line::start_in(folder, self.media.take());
    }

    /// One that can be told how long files may become ([`Line::limit_files`]): it lives to see that one is too long.
    pub fn start_on_small_disk(flow: &str) -> Line {
        let folder = tempfile::tempdir().expect("a folder");
        let media = write_installation(folder.path());
        fs::write(folder.path().join("flows/main.yaml"), flow).expect("it can be written");
        let mut program = Command::new("sh");
        program.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_helpline")]);
        Line::run(program, folder, Some(media))
    }

    /// No file grows beyond so many octets any more, as on a disk that is full; `unlimited` ends that.
    pub fn limit_files(&self, octets: &str) {
        let process = self.child.id().to_string();
        let set = Command::new("prlimit").args(["--pid", &process, &format!("--fsize={octets}:")]).status();
        assert!(set.expect("util-linux is there").success());
    }

    fn start_in(folder: TempDir, media: Option<MediaPorts>) -> Line {
        Line::run(Command::new(env!("CARGO_BIN_EXE_helpline")), folder, media)
    }

    fn run(mut program: Command, folder: TempDir, media: Option<MediaPorts>) -> Line {
        let mut child = program
            .args(["serve", "--config"])
            .arg(folder.path().join("helpline.yaml"))
            .stdout(Stdio::piped())
            .stderr(fs::File::create(folder.path().join("log")).expect("it can be made"))
            .spawn()
            .expect("helpline starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut said = String::new();
        stdout.read_line(&mut said).expect("it says something");
        let after = |mark: &str| -> SocketAddr {
            let rest = said.split(mark).nth(1).unwrap_or_else(|| panic!("no {mark} in {said:?}"));
            let end = rest.find(['/', ' ']).unwrap_or(rest.len());
            rest[..end].parse().unwrap_or_else(|_| panic!("no address after {mark} in {said:?}"))
        };
        let sip = after("@");
        Line { udp: sip, tcp: sip, http: after("http://"), child, folder, media }
    }

    /// The status and the whole answer to a GET.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.http).expect("HTTP listens");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, answer)
    }

    /// What a GET of the API answers.
    #[track_caller]
    pub fn json(&self, path: &str) -> serde_json::Value {
        let (_, answer) = self.get(path);
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        serde_json::from_str(body).unwrap_or_else(|reason| panic!("{path}: {reason}: {answer}"))
    }

    /// A PUT that is to be taken.
    #[track_caller]
    pub fn put(&self, path: &str, body: &str) {
        let (status, answer) = self.send("PUT", path, body);
        assert_eq!(status, 204, "{body}: {answer}");
    }

    /// The status and the whole answer to a request with JSON.
    pub fn send(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.http).expect("HTTP listens");
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, answer)
    }

    /// Waits until `/metrics` has the line, and fails with all of them when it never does.
    #[track_caller]
    pub fn counts(&self, line: &str) {
        let mut text = String::new();
        for _ in 0..200 {
            text = self.get("/metrics").1;
            if text.lines().any(|found| found == line) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{line} is not in\n{text}");
    }

    /// Waits until no new calls are taken.
    #[track_caller]
    pub fn drains(&self) {
        for _ in 0..200 {
            if self.get("/readyz").0 == 503 {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it takes calls all the same");
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("it was started")
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it was started").is_none()
    }

    pub fn write_flow(&self, text: &str) {
        fs::write(self.folder.path().join("flows/main.yaml"), text).expect("it can be written");
    }

    pub fn records(&self) -> String {
        let history = History::at(&self.folder.path().join("data"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let page = runtime.block_on(history.page(RecordQuery { limit: PAGE_MAX, ..RecordQuery::default() }));
        page.map(|page| page.records.join("\n")).unwrap_or_default()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}", fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
        }
    }
}

/// Another command with the installation in `folder`.
pub fn helpline(folder: &Path, arguments: &[&str]) -> Output {
    let config = folder.join("helpline.yaml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_helpline"));
    command.args(arguments).arg("--config").arg(config).output().expect("helpline starts")
}

/// An installation on ports of its own, with a tone for each recording.
pub fn write_installation(folder: &Path) -> MediaPorts {
    let (sip, http, media) = (free_port(), free_port(), MediaPorts::claim(MEDIA_PORTS));
    let settings = format!(
        "sip: {{listen: [\"udp://127.0.0.1:{sip}\", \"tcp://127.0.0.1:{sip}\"]}}\n\
         http: {{listen: \"127.0.0.1:{http}\"}}\nmedia: {{ports: {}-{}}}\n",
        media.first, media.last
    );
    fs::write(folder.join("helpline.yaml"), settings).expect("it can be written");
    fs::create_dir_all(folder.join("flows")).expect("it can be made");
    fs::write(folder.join("flows/main.yaml"), FLOW).expect("it can be written");
    for (name, hertz) in TONES {
        let path = folder.join("prompts/en").join(format!("{name}.wav"));
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("it can be made");
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut wav = hound::WavWriter::create(path, spec).expect("it can be written");
        for sample in 0..3_200 {
            let turn = f64::from(sample) / 8_000.0 * hertz * std::f64::consts::TAU;
            wav.write_sample((turn.sin() * 8_000.0) as i16).expect("it can be written");
        }
        wav.finalize().expect("it can be written");
    }
    media
}
