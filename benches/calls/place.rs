//! Where it is measured: the server and the generator as processes of their own, with files of the bench's own.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use helpline::media::prompts::write_wav;
use serde_json::Value;
use tempfile::TempDir;

use super::machine;

/// RTP ports of the server: below those that the system gives the generator.
const RTP_PORTS: &str = "10000-32767";

/// The files of a server, and which processors it and the generator have.
pub struct Place {
    folder: TempDir,
    server_on: Vec<usize>,
    generator_on: Vec<usize>,
}

/// A process that answers calls, ended when dropped.
pub struct Answering {
    child: Child,
    port: u16,
    /// Where it speaks HTTP, if it does.
    pub http: SocketAddr,
}

impl Place {
    /// Writes the files: flows by their names, and tones by the names of their recordings, each of so many seconds; of 0
    /// they are short enough to be over before the next key.
    pub fn new(flows: &[(&str, &str)], recordings: &[(&str, usize)]) -> Place {
        let folder = TempDir::new().expect("a temporary folder");
        fs::create_dir_all(folder.path().join("flows")).expect("a folder");
        for (name, text) in flows {
            fs::write(folder.path().join(format!("flows/{name}.yaml")), text).expect("written");
        }
        for (name, seconds) in recordings {
            let path = folder.path().join("prompts/en").join(format!("{name}.wav"));
            fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
            let samples = if *seconds == 0 { 2_400 } else { seconds * 8_000 };
            write_wav(&path, &tone(samples)).expect("written");
        }
        let processors = machine::processors();
        // With one processor they share it; the figures then say little of pacing.
        let (server_on, generator_on) = match processors.as_slice() {
            [first, rest @ ..] if !rest.is_empty() => (vec![*first], rest.to_vec()),
            all => (all.to_vec(), all.to_vec()),
        };
        Place { folder, server_on, generator_on }
    }

    /// Starts `helpline serve` on its processor and waits until it answers.
    pub fn serve(&self) -> Answering {
        let (port, http) = (free_port(), free_port());
        let config = format!(
            "helpline: 1\nsip:\n  listen: [udp://127.0.0.1:{port}, tcp://127.0.0.1:{port}]\nmedia: {{ports: {RTP_PORTS}}}\n\
             http:\n  listen: 127.0.0.1:{http}\nlimits: {{calls: 2000, calls_per_second: 5000}}\n"
        );
        fs::write(self.path().join("helpline.yaml"), config).expect("written");
        let log = File::create(self.path().join("server.log")).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_helpline"));
        command.arg("serve").current_dir(self.path()).stdout(Stdio::null()).stderr(log);
        let mut answering = self.answering(&mut command, port, http);
        let listens = |address: SocketAddr| TcpStream::connect(address).is_ok();
        while !listens(answering.http) || !listens((Ipv4Addr::LOCALHOST, port).into()) {
            if let Some(status) = answering.child.try_wait().expect("it can be asked") {
                let log = fs::read_to_string(self.path().join("server.log")).unwrap_or_default();
                panic!("the server ended with {status}:\n{log}");
            }
            thread::sleep(Duration::from_millis(50));
        }
        answering
    }

    /// Starts what answers calls, on the server's processor.
    pub fn answering(&self, command: &mut Command, port: u16, http: u16) -> Answering {
        let http = SocketAddr::from((Ipv4Addr::LOCALHOST, http));
        Answering { child: self.start(command, &self.server_on), port, http }
    }

    /// The folder with all files.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Starts `helpline dial` on the other processors; its report is had by [`Dialling::report`].
    pub fn dial(&self, answering: &Answering, number: &str, arguments: &[&str]) -> Dialling {
        let mut command = Command::new(env!("CARGO_BIN_EXE_helpline"));
        let uri = format!("sip:{number}@127.0.0.1:{}", answering.port);
        command
            .args(["dial", &uri, "--format", "json"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        Dialling { child: self.start(&mut command, &self.generator_on) }
    }

    /// A process takes the processors that its starter has.
    fn start(&self, command: &mut Command, processors: &[usize]) -> Child {
        machine::stay_on(processors);
        let child = command.spawn().expect("it is built");
        machine::stay_on(&self.generator_on);
        child
    }
}

/// A run of `helpline dial`.
pub struct Dialling {
    child: Child,
}

impl Dialling {
    /// Waits for the end, and gives the report.
    pub fn report(self) -> Value {
        let output = self.child.wait_with_output().expect("it ran");
        serde_json::from_slice(&output.stdout).expect("a report in JSON")
    }
}

impl Answering {
    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        // Ended and waited for: nothing of the bench is left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free for UDP and TCP; the system does not soon give it to anyone else.
pub fn free_port() -> u16 {
    loop {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = socket.local_addr().expect("bound").port();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A tone that sounds from its first sample on, as loud as speech.
fn tone(samples: usize) -> Vec<i16> {
    let sample = |at: usize| (std::f32::consts::TAU * 440.0 * at as f32 / 8_000.0 + 1.0).sin() * 4_000.0;
    (0..samples).map(|at| sample(at) as i16).collect()
}
