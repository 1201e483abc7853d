//! baresip as the caller: a whole call, with its recording compared with the prompts sample by sample.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use helpline::media::{codecs, prompts};
use helpline::telephony::Codec;

use crate::server::{Running, Server, free_port, media_ports, program, repository};
use crate::wave;

/// A softphone without a screen, steered over TCP.
struct Softphone {
    _running: Running,
    control: TcpStream,
    folder: tempfile::TempDir,
    codec: Codec,
}

impl Softphone {
    fn start(codec: Codec, transport: &str) -> Softphone {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let (sip, control) = (free_port(), free_port());
        let (first, last) = media_ports(40);
        fs::create_dir(path.join("heard")).expect("a folder for recordings");
        let voice = path.join("voice.wav");
        // What the caller says: a minute of a quiet tone that is no key's.
        let tone: Vec<i16> = (0..480_000).map(|n| ((f64::from(n) * 0.2356).sin() * 2_000.0) as i16).collect();
        prompts::write_wav(&voice, &tone).expect("the caller's voice is written");
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
                 module sndfile.so\nsnd_path {heard}\nmodule_tmp account.so\nmodule_app menu.so\nmodule ctrl_tcp.so\n\
                 ctrl_tcp_listen 127.0.0.1:{control}\n",
                voice = voice.display(),
                modules = modules.display(),
                heard = path.join("heard").display(),
            ),
        )
        .expect("the settings are written");
        fs::write(
            path.join("accounts"),
            format!("<sip:caller@127.0.0.1:{sip};transport={transport}>;regint=0;audio_codecs={}\n", codec.encoding()),
        )
        .expect("the account is written");
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
        Softphone { _running: running, control, folder, codec }
    }

    fn command(&mut self, command: &str, parameters: &str) {
        let text = format!("{{\"command\":\"{command}\",\"params\":\"{parameters}\"}}");
        write!(self.control, "{}:{text},", text.len()).expect("baresip listens");
    }

    fn dial(&mut self, server: &Server, number: &str, transport: &str) {
        self.command("dial", &format!("sip:{number}@127.0.0.1:{};transport={transport}", server.sip_port));
        server.expect_metric("helpline_calls_active", 1.0);
    }

    fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            self.command("sndcode", &key.to_string());
            sleep(Duration::from_millis(350));
        }
    }

    /// Ends the call and gives what was heard.
    fn hang_up(mut self, server: &Server) -> Vec<i16> {
        self.command("hangup", "");
        server.expect_metric("helpline_calls_active", 0.0);
        self.command("quit", "");
        let mut rest = Vec::new();
        // Whatever it still says does not matter: it has ended when it closes the connection.
        let _ = self.control.read_to_end(&mut rest);
        let recording = fs::read_dir(self.folder.path().join("heard"))
            .expect("the folder of recordings")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .unwrap_or_else(|| panic!("baresip recorded nothing:\n{}", read_log(self.folder.path())));
        wave::samples(&recording)
    }
}

fn read_log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log.txt")).unwrap_or_default()
}

/// What a caller should hear of a recording, as G.711 carries it.
fn prompt(name: &str, codec: Codec) -> Vec<i16> {
    let path = repository().join(format!("prompts/en/{name}.wav"));
    let clip = prompts::load_clip(&path).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    clip.encoded(codec).iter().map(|byte| codecs::decode(codec, *byte)).collect()
}

/// What was heard, in G.711's own values: baresip decodes the two zeros of µ-law to 2 and -2.
fn as_carried(heard: &[i16], codec: Codec) -> Vec<i16> {
    heard.iter().map(|sample| codecs::decode(codec, codecs::encode(codec, *sample))).collect()
}

/// Samples in which what a key cut off fades out, below the recording that follows: 5 ms.
const FADE: usize = 40;

/// The recordings were heard whole and in this order, sample by sample, but for what fades below their beginning.
fn expect_heard(heard: &[i16], names: &[&str], codec: Codec) {
    let heard = as_carried(heard, codec);
    let mut from = 0;
    for name in names {
        let played = &prompt(name, codec)[FADE..];
        let (begin, same) = wave::locate(played, &heard[from..])
            .unwrap_or_else(|| panic!("{name} was not heard after {:.2} s", from as f64 / 8_000.0));
        assert!(
            same == played.len(),
            "{name} at {:.2} s: {same} of {} samples are as played",
            (from + begin) as f64 / 8_000.0,
            played.len()
        );
        from += begin + played.len();
    }
}

fn whole_call(codec: Codec, transport: &str) {
    let mut server = Server::start();
    let mut phone = Softphone::start(codec, transport);
    phone.dial(&server, "1000", transport);
    server.expect_metric("helpline_flow_step_entries_total{flow=\"main\",step=\"main\"}", 1.0);
    // The menu's question and its first choice are heard out before the first key.
    sleep(Duration::from_millis(4_500));
    phone.press("1");
    server.expect_metric("helpline_flow_step_entries_total{flow=\"main\",step=\"order\"}", 1.0);
    sleep(Duration::from_millis(500));
    phone.press("123456#");
    // "You entered 1 2 3 4 5 6": the answer may come before the read-back is over.
    sleep(Duration::from_millis(1_000));
    phone.press("1");
    server.expect_metric("helpline_flow_step_entries_total{flow=\"main\",step=\"told\"}", 1.0);
    server.expect_metric("helpline_flow_step_entries_total{flow=\"main\",step=\"main\"}", 2.0);
    let codec = phone.codec;
    let heard = phone.hang_up(&server);
    expect_heard(
        &heard,
        &[
            "main/welcome",
            "main/main",
            "main/main.1",
            "main/told.part1",
            "phrases/digit/1",
            "phrases/digit/2",
            "phrases/digit/3",
            "phrases/digit/4",
            "phrases/digit/5",
            "phrases/digit/6",
            "main/told.part2",
        ],
        codec,
    );
    server.expect_metric("helpline_dtmf_digits_total{source=\"rtp\"}", 9.0);
    server.expect_quiet();
}

#[test]
fn a_whole_call_is_heard_as_it_was_recorded_in_pcmu_over_udp() {
    whole_call(Codec::Pcmu, "udp");
}

#[test]
fn a_whole_call_is_heard_as_it_was_recorded_in_pcma_over_tcp() {
    whole_call(Codec::Pcma, "tcp");
}

#[test]
fn hold_and_resume_leave_the_caller_where_they_were() {
    let mut server = Server::start();
    let mut phone = Softphone::start(Codec::Pcmu, "udp");
    phone.dial(&server, "1000", "udp");
    server.expect_metric("helpline_flow_step_entries_total{flow=\"main\",step=\"main\"}", 1.0);
    phone.command("hold", "");
    // Longer than the menu's patience: a caller who put us on hold is not given up.
    sleep(Duration::from_secs(12));
    assert_eq!(server.metric("helpline_flow_step_exits_total{exit=\"no_input\",flow=\"main\",step=\"main\"}"), 0.0);
    phone.command("resume", "");
    sleep(Duration::from_millis(500));
    phone.press("2");
    server.expect_metric("helpline_flow_step_entries_total{flow=\"main\",step=\"opening_hours\"}", 1.0);
    phone.hang_up(&server);
    server.expect_quiet();
}
