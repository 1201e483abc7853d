//! A softphone of the test's own: baresip.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use helpline::telephony::Codec;

use crate::house::signal;
use crate::ports::{MediaPorts, free_port};
use crate::server::{Running, Server, program};
use crate::wave;

/// A softphone without a screen, steered over TCP.
pub struct Softphone {
    running: Running,
    control: TcpStream,
    folder: tempfile::TempDir,
    _media: MediaPorts,
}

/// What an agent's phone does when it is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answering {
    /// It answers at once.
    Auto,
    /// It rings until it is told.
    Manual,
}

impl Softphone {
    /// One that only calls; what it says is a minute of a quiet tone that is no key's.
    pub fn caller(codec: Codec, transport: &str) -> Softphone {
        let account = |sip: u16| {
            let encoding = codec.encoding();
            format!("<sip:caller@127.0.0.1:{sip};transport={transport}>;regint=0;audio_codecs={encoding}")
        };
        Softphone::start(300.0, account)
    }

    /// The same that says a tone of `hertz`.
    pub fn caller_saying(codec: Codec, transport: &str, hertz: f64) -> Softphone {
        let account = |sip: u16| {
            let encoding = codec.encoding();
            format!("<sip:caller@127.0.0.1:{sip};transport={transport}>;regint=0;audio_codecs={encoding}")
        };
        Softphone::start(hertz, account)
    }

    /// An agent's that asks how many messages wait, and prints it.
    pub fn agent_with_messages(server: &Server, (extension, password): (&str, &str)) -> Softphone {
        const ASKS: &str = "mwi: subscribing";
        let port = server.sip_port;
        loop {
            let phone = Softphone::start(300.0, |_| {
                format!(
                    "<sip:{extension}@127.0.0.1:{port};transport=udp>;regint=60;auth_user={extension};\
                     auth_pass={password};answermode=manual;mwi=yes"
                )
            });
            server.expect("whether the phone has asked for messages", || phone.log().contains(ASKS), &true);
            sleep(Duration::from_millis(500));
            // baresip 1.0 sometimes asks without end and without hearing any answer: then another one takes its place.
            if phone.log().matches(ASKS).count() < 3 {
                return phone;
            }
        }
    }

    /// An agent's, which registers; what it says is a minute of a tone of `hertz`.
    pub fn agent(
        server: &Server,
        (extension, password): (&str, &str),
        codec: Codec,
        hertz: f64,
        answering: Answering,
    ) -> Softphone {
        let (port, encoding) = (server.sip_port, codec.encoding());
        let mode = if answering == Answering::Auto { "auto" } else { "manual" };
        let account = |_| {
            format!(
                "<sip:{extension}@127.0.0.1:{port};transport=udp>;regint=60;auth_user={extension};auth_pass={password};\
                 answermode={mode};audio_codecs={encoding}"
            )
        };
        Softphone::start(hertz, account)
    }

    /// One that registers over `transport` with `extra` parameters of baresip's account, and answers at once.
    pub fn agent_over(
        server: &Server,
        (extension, password): (&str, &str),
        transport: &str,
        extra: &str,
        hertz: f64,
    ) -> Softphone {
        let port = server.sip_port;
        let account = |_| {
            format!(
                "<sip:{extension}@127.0.0.1:{port};transport={transport}>;regint=60;auth_user={extension};auth_pass={password};\
                 answermode=auto;audio_codecs=PCMU{extra}"
            )
        };
        Softphone::start(hertz, account)
    }

    /// One that is called at `port`, and answers at once.
    pub fn called(port: u16, codec: Codec, hertz: f64) -> Softphone {
        let encoding = codec.encoding();
        let account =
            |_| format!("<sip:called@127.0.0.1:{port};transport=udp>;regint=0;answermode=auto;audio_codecs={encoding}");
        Softphone::start_at(port, hertz, account)
    }

    /// `account` makes its account from the port that it listens on.
    fn start(hertz: f64, account: impl FnOnce(u16) -> String) -> Softphone {
        Softphone::start_at(free_port(), hertz, account)
    }

    fn start_at(sip: u16, hertz: f64, account: impl FnOnce(u16) -> String) -> Softphone {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let control = free_port();
        let media = MediaPorts::claim(40);
        fs::create_dir(path.join("heard")).expect("a folder for recordings");
        let account = account(sip);
        let messages = if account.contains("mwi=yes") { "module_app mwi.so\n" } else { "" };
        let voice = path.join("voice.wav");
        wave::write_tone(&voice, hertz, 60);
        let modules = ["x86_64-linux-gnu/", "aarch64-linux-gnu/", ""]
            .into_iter()
            .map(|part| PathBuf::from(format!("/usr/lib/{part}baresip/modules")))
            .find(|path| path.is_dir())
            .expect("this test needs baresip's modules: install Debian's package baresip-core");
        fs::write(
            path.join("config"),
            format!(
                "sip_listen 127.0.0.1:{sip}\naudio_player aubridge,nobody\naudio_source aufile,{voice}\nrtp_ports {first}-{last}\n\
                 audio_jitter_buffer_type off\nmodule_path {modules}\nmodule g711.so\nmodule aufile.so\nmodule aubridge.so\n\
                 module sndfile.so\nsnd_path {heard}\nmodule_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\n{messages}module ctrl_tcp.so\n\
                 ctrl_tcp_listen 127.0.0.1:{control}\n",
                first = media.first,
                last = media.last,
                voice = voice.display(),
                modules = modules.display(),
                heard = path.join("heard").display(),
            ),
        )
        .expect("the settings are written");
        fs::write(path.join("accounts"), account + "\n").expect("the account is written");
        fs::write(path.join("contacts"), "").expect("the contacts are written");
        let log = fs::File::create(path.join("log.txt")).expect("a log");
        let mut running = Running(
            Command::new(program("baresip", "baresip-core"))
                .arg("-f")
                .arg(path)
                .stdin(Stdio::null())
                .stdout(log.try_clone().expect("a log"))
                .stderr(log)
                .spawn()
                .expect("baresip runs"),
        );
        let control = loop {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", control)) {
                break stream;
            }
            if let Some(status) = running.0.try_wait().expect("baresip can be asked") {
                panic!("baresip ended at once ({status}):\n{}", read_log(path));
            }
            sleep(Duration::from_millis(50));
        };
        Softphone { running, control, folder, _media: media }
    }

    /// Tells it to do something, by the words of its menu.
    pub fn command(&mut self, command: &str, parameters: &str) {
        let text = format!("{{\"command\":\"{command}\",\"params\":\"{parameters}\"}}");
        write!(self.control, "{}:{text},", text.len()).expect("baresip listens");
    }

    /// Calls the server.
    pub fn dial(&mut self, server: &Server, number: &str, transport: &str) {
        self.command("dial", &format!("sip:{number}@127.0.0.1:{};transport={transport}", server.sip_port));
        server.expect_metric("helpline_calls_active", 1.0);
    }

    /// Presses keys, one after another.
    pub fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            self.command("sndcode", &key.to_string());
            sleep(Duration::from_millis(350));
        }
    }

    /// Ends the call and gives what was heard.
    pub fn hang_up(mut self, server: &Server) -> Vec<i16> {
        self.command("hangup", "");
        server.expect_metric("helpline_calls_active", 0.0);
        self.quit()
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

    /// Lets it end, and gives what was heard in its call.
    pub fn quit(mut self) -> Vec<i16> {
        self.command("quit", "");
        let mut rest = Vec::new();
        // Whatever it still says does not matter: it has ended when it closes the connection.
        let _ = self.control.read_to_end(&mut rest);
        // A recording for each stretch of audio, named by its time.
        let mut recordings: Vec<PathBuf> = fs::read_dir(self.folder.path().join("heard"))
            .expect("the folder of recordings")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .collect();
        recordings.sort();
        assert!(!recordings.is_empty(), "baresip recorded nothing:\n{}", read_log(self.folder.path()));
        recordings.iter().flat_map(|recording| wave::samples(recording)).collect()
    }

    /// What it has printed.
    pub fn log(&self) -> String {
        read_log(self.folder.path())
    }
}

fn read_log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log.txt")).unwrap_or_default()
}
