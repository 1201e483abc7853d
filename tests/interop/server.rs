//! A `helpline serve` of the test's own, and the programs that call it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::ports::{MediaPorts, free_port};

/// A running server with the repository's flow and recordings, or a flow of the test's own.
pub struct Server {
    child: Child,
    /// SIP over UDP and TCP, on 127.0.0.1.
    pub sip_port: u16,
    http_port: u16,
    /// Its ports for RTP.
    pub media: MediaPorts,
    /// A folder of the test's own.
    pub folder: tempfile::TempDir,
}

/// Ports for RTP that a server has: two a leg, and each rests for some seconds after its use.
const MEDIA_PORTS: u16 = 1_000;

/// The path of `program`, or a failure that says which package has it.
pub fn program(name: &str, package: &str) -> PathBuf {
    std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>())
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/bin")])
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("this test needs `{name}`: install Debian's package {package}"))
}

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Server {
    /// A server with the repository's own flow.
    pub fn start() -> Server {
        Server::with_flows(&repository().join("flows"), "")
    }

    /// A server with the flows of `flows` and further settings (top-level YAML).
    pub fn with_flows(flows: &Path, settings: &str) -> Server {
        Server::with_sip(flows, "", settings)
    }

    /// The same with more of `sip`, such as `, realm: acme`.
    pub fn with_sip(flows: &Path, sip: &str, settings: &str) -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        let (sip_port, http_port) = (free_port(), free_port());
        let media = MediaPorts::claim(MEDIA_PORTS);
        let config = folder.path().join("helpline.yaml");
        fs::write(
            &config,
            format!(
                "helpline: 1\n\
                 sip: {{listen: [\"udp://127.0.0.1:{sip_port}\", \"tcp://127.0.0.1:{sip_port}\"]{sip}}}\n\
                 media: {{ports: {first}-{last}}}\n\
                 http: {{listen: \"127.0.0.1:{http_port}\"}}\n\
                 data: {data}\nflows: {flows}\nprompts: {prompts}\n{settings}",
                first = media.first,
                last = media.last,
                data = folder.path().join("data").display(),
                flows = flows.display(),
                prompts = repository().join("prompts").display(),
            ),
        )
        .expect("the settings are written");
        let child = serve(folder.path());
        let mut server = Server { child, sip_port, http_port, media, folder };
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&mut self) {
        while self.fetch("/readyz").is_none_or(|answer| !answer.starts_with("HTTP/1.1 200")) {
            if let Some(status) = self.child.try_wait().expect("the server can be asked") {
                panic!("the server ended at once ({status}):\n{}", self.log());
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// `kill -9`, and after a while another one in its place.
    pub fn die_and_rise(&mut self, after: Duration) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is ours");
        sleep(after);
        self.child = serve(self.folder.path());
        self.wait_until_ready();
    }

    /// What the server has printed.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log.txt")).unwrap_or_default()
    }

    fn fetch(&self, path: &str) -> Option<String> {
        self.request("GET", path)
    }

    /// The whole answer to a request without a body.
    pub fn send(&self, method: &str, path: &str) -> String {
        self.request(method, path).expect("it answers")
    }

    fn request(&self, method: &str, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http_port)).ok()?;
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// What is found at a path, without its head.
    pub fn body(&self, path: &str) -> String {
        let answer = self.fetch(path).expect("it answers");
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }

    /// Where HTTP is served.
    pub fn http_address(&self) -> String {
        format!("127.0.0.1:{}", self.http_port)
    }

    /// The value of a series at `/metrics`, such as `helpline_calls_total{outcome="completed"}`; 0 when it is absent.
    pub fn metric(&self, series: &str) -> f64 {
        let text = self.fetch("/metrics").expect("the metrics can be read");
        text.lines()
            .filter_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.trim().parse::<f64>().ok())
            .next()
            .unwrap_or(0.0)
    }

    /// The sum over all series of a metric.
    pub fn metric_sum(&self, name: &str) -> f64 {
        let text = self.fetch("/metrics").expect("the metrics can be read");
        text.lines()
            .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// What the API answers at `path`.
    pub fn api(&self, path: &str) -> Value {
        let answer = self.fetch(&format!("/api/v1/{path}")).expect("the API can be asked");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).unwrap_or_else(|fault| panic!("{path}: {fault} in {answer}"))
    }

    /// How many media threads it has.
    pub fn media_threads(&self) -> usize {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        let names = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|name| name.trim() == "media").count()
    }

    /// How the agent of `extension` stands.
    pub fn agent(&self, extension: &str) -> String {
        let answer = self.api(&format!("agents/{extension}"));
        answer["state"].as_str().map_or_else(|| answer.to_string(), str::to_owned)
    }

    /// Waits until an agent stands so.
    pub fn expect_agent(&self, extension: &str, state: &str) {
        self.expect(&format!("the agent {extension}"), || self.agent(extension), &state.to_owned());
    }

    /// The records of all calls that are over, the oldest first.
    pub fn records(&self) -> Vec<Value> {
        let items = self.api("records?limit=500")["items"].take();
        let Value::Array(mut records) = items else { panic!("the records are {items}") };
        records.reverse();
        records
    }

    /// The record of the only call, when it is over.
    pub fn record(&self) -> Value {
        self.expect("the number of records", || self.records().len(), &1);
        self.records().remove(0)
    }

    /// Waits until something is so; says what it is instead when that does not happen for longer than a dead phone is
    /// believed to live.
    pub fn expect<T: PartialEq + std::fmt::Debug>(&self, what: &str, is: impl Fn() -> T, expected: &T) {
        for _ in 0..600 {
            if is() == *expected {
                return;
            }
            sleep(Duration::from_millis(100));
        }
        panic!("{what} is {:?}, not {expected:?}; the log says:\n{}", is(), self.log());
    }

    /// Waits until a series is what it should be; says what it is instead when that does not happen in half a minute.
    pub fn expect_metric(&self, series: &str, expected: f64) {
        for _ in 0..300 {
            if self.metric(series) == expected {
                return;
            }
            sleep(Duration::from_millis(100));
        }
        panic!("{series} is {}, not {expected}; the log says:\n{}", self.metric(series), self.log());
    }

    /// Every call is over and all went as one server should: nothing is left.
    pub fn expect_quiet(&mut self) {
        self.expect_metric("helpline_calls_active", 0.0);
        assert!(self.child.try_wait().expect("the server can be asked").is_none(), "the server died:\n{}", self.log());
        let log = self.log();
        assert!(!log.contains("panicked"), "the server panicked:\n{log}");
    }
}

/// Starts it with the settings in `folder`.
fn serve(folder: &Path) -> Child {
    let log = fs::OpenOptions::new().append(true).create(true).open(folder.join("log.txt")).expect("a log");
    Command::new(env!("CARGO_BIN_EXE_helpline"))
        .args(["serve", "--config"])
        .arg(folder.join("helpline.yaml"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .spawn()
        .expect("the server starts")
}

impl Drop for Server {
    fn drop(&mut self) {
        // The test is over: no drain is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program in the background that ends with the test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
