//! Kamailio in front, as a proxy that records its route: the way in which most installations meet the world.

use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use helpline::telephony::Codec;

use crate::house::{ADA, CALLER, Caller, House, expect_heard, signal};
use crate::patience::patiently;
use crate::pjsip::{Options, Pjsip};
use crate::ports::{MediaPorts, free_port};
use crate::server::{Running, Server, program, repository};
use crate::wave::Sound::{Other, Tone};

/// A Kamailio that runs. It is told to end rather than killed, so that its children end with it.
pub struct Proxy(Running);

impl Drop for Proxy {
    fn drop(&mut self) {
        signal(&self.0.0, "TERM");
        let _ = self.0.0.wait();
    }
}

/// A Kamailio that relays every new call to `target`, records its route and stays in the path of the dialog.
fn proxy(folder: &Path, port: u16, target: u16, transport: &str) -> Proxy {
    let target = format!("127.0.0.1:{target};transport={transport}");
    start(folder, "kamailio.cfg", port, &[("@TARGET@", &target)])
}

/// A Kamailio that is a provider: it registers `acme`, whose password is `secret`, and calls 02079460123 at `called`. With
/// it comes the path of its log.
pub fn provider(folder: &Path, port: u16, called: u16) -> (Proxy, PathBuf) {
    let running = start(folder, "trunk.cfg", port, &[("@CALLED@", &called.to_string())]);
    (running, folder.join("kamailio.log"))
}

/// Starts one with these settings, and waits until it answers.
fn start(folder: &Path, settings: &str, port: u16, words: &[(&str, &str)]) -> Proxy {
    let config = folder.join("kamailio.cfg");
    let modules = ["/usr/lib/x86_64-linux-gnu/kamailio/modules/", "/usr/lib/aarch64-linux-gnu/kamailio/modules/"]
        .into_iter()
        .find(|path| fs::metadata(path).is_ok())
        .expect("this test needs Kamailio's modules: install Debian's package kamailio");
    let path = repository().join("tests/interop").join(settings);
    let text = fs::read_to_string(path).expect("the proxy's settings");
    let text = text.replace("@MODULES@", modules).replace("@PORT@", &port.to_string());
    let text = words.iter().fold(text, |text, (word, value)| text.replace(word, value));
    fs::write(&config, text).expect("the proxy's settings are written");
    let log = fs::File::create(folder.join("kamailio.log")).expect("a log");
    let child = Command::new(program("kamailio", "kamailio"))
        .args(["-DD", "-E", "-f"])
        .arg(&config)
        .args(["-m", "64", "-M", "8", "-Y"])
        .arg(folder)
        .args(["-w"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .spawn()
        .expect("kamailio runs");
    let mut running = Running(child);
    let probe = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    probe.set_read_timeout(Some(Duration::from_millis(200))).expect("a patience");
    let mine = probe.local_addr().expect("an address").port();
    let options = format!(
        "OPTIONS sip:proxy@127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{mine};branch=z9hG4bKprobe\r\n\
         From: <sip:probe@127.0.0.1>;tag=1\r\nTo: <sip:proxy@127.0.0.1>\r\nCall-ID: probe\r\nCSeq: 1 OPTIONS\r\n\
         Max-Forwards: 0\r\nContent-Length: 0\r\n\r\n"
    );
    let mut answer = [0; 2_000];
    loop {
        let _ = probe.send_to(options.as_bytes(), ("127.0.0.1", port));
        if probe.recv(&mut answer).is_ok() {
            return Proxy(running);
        }
        if let Some(status) = running.0.try_wait().expect("kamailio can be asked") {
            let log = fs::read_to_string(folder.join("kamailio.log")).unwrap_or_default();
            panic!("kamailio ended at once ({status}):\n{log}");
        }
        sleep(Duration::from_millis(100));
    }
}

fn call_through(mut server: Server, transport: &str, scenario: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let _proxy = proxy(folder.path(), port, server.sip_port, transport);
    let media = MediaPorts::claim(40);
    let output = Command::new(program("sipp", "sip-tester"))
        .arg(format!("127.0.0.1:{port}"))
        .arg("-sf")
        .arg(repository().join(format!("tests/interop/sipp/{scenario}.xml")))
        .args(["-s", "1000", "-i", "127.0.0.1", "-p", &free_port().to_string(), "-nostdin", "-trace_err"])
        .args(["-mi", "127.0.0.1", "-mp", &media.first.to_string(), "-error_file", "errors.txt"])
        .args(["-m", "5", "-r", "5", "-timeout", "60s", "-timeout_error"])
        .current_dir(folder.path())
        .output()
        .expect("sipp runs");
    let errors = fs::read_to_string(folder.path().join("errors.txt")).unwrap_or_default();
    let log = fs::read_to_string(folder.path().join("kamailio.log")).unwrap_or_default();
    assert!(
        output.status.success(),
        "{scenario} through Kamailio by {transport}: {errors}\nKamailio:\n{log}\nThe server's log:\n{}",
        server.log()
    );
    // Each of the five was answered once, although the proxy stands between, and each BYE came through.
    server.expect_quiet();
    assert_eq!(server.metric_sum("helpline_calls_total"), 5.0);
}

#[test]
fn calls_come_and_go_through_a_proxy_by_udp() {
    patiently(|| {
        call_through(Server::start(), "udp", "offer");
    });
}

#[test]
fn calls_come_and_go_through_a_proxy_by_tcp() {
    patiently(|| {
        call_through(Server::start(), "tcp", "offer");
    });
}

#[test]
fn hold_and_resume_go_through_a_proxy() {
    patiently(|| {
        call_through(Server::start(), "udp", "hold");
    });
}

#[test]
fn a_bye_of_ours_goes_back_through_the_proxy() {
    patiently(|| {
        let flows = tempfile::tempdir().expect("a folder");
        let flow = "flow: short\nnumbers: [any]\nlanguages: [en]\nstart: end\nsteps:\n  end:\n    hangup: Goodbye.\n";
        fs::write(flows.path().join("short.yaml"), flow).expect("a flow");
        call_through(Server::with_flows(flows.path(), ""), "udp", "server_bye");
    });
}

/// An agent's phone that registers through the proxy, the edge of its network (RFC 3327), and takes a queued call that comes
/// through it.
fn agent_behind(transport: &str) {
    let mut house = House::with("wrap_up: 1s");
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let _proxy = proxy(folder.path(), port, house.server.sip_port, transport);
    let options = Options { proxy: Some(port), answers: &[180, 200], more: &["--path"] };
    let mut ada = Pjsip::agent(&house.server, ("1001", "secret"), Codec::Pcmu, ADA, &options);
    house.server.expect_agent("1001", "ready");
    let caller = Caller::dial(&house, CALLER, "60s");
    house.server.expect_agent("1001", "talking");
    sleep(Duration::from_secs(2));
    ada.order("hold");
    house.server.expect_agent("1001", "holding");
    sleep(Duration::from_secs(2));
    ada.order("resume");
    house.server.expect_agent("1001", "talking");
    sleep(Duration::from_secs(2));
    let heard = caller.hang_up();
    house.server.expect_agent("1001", "ready");
    let talk = (Tone(ADA), 1.2..4.0);
    expect_heard("the caller", &heard, &[talk.clone(), (Other, 1.2..4.0), talk]);
    // What the phone was asked came by the proxy: its INVITE has a Route and two Vias.
    let told = ada.told();
    assert!(told.iter().any(|line| line == &format!("from 127.0.0.1:{port}")), "not by the proxy at {port}: {told:?}");
    ada.quit();
    house.server.expect_agent("1001", "unreachable");
    house.server.expect_quiet();
}

#[test]
fn an_agent_behind_a_proxy_takes_calls_by_udp() {
    patiently(|| {
        agent_behind("udp");
    });
}

#[test]
fn an_agent_behind_a_proxy_takes_calls_by_tcp_from_the_proxy_on() {
    patiently(|| {
        agent_behind("tcp");
    });
}
