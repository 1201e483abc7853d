//! Lookups of web services that nobody here wrote: nginx, which serves, is slow, refuses, leads in circles and shows
//! certificates; Python's server, which breaks off and lies; and none at all. What each caller hears is a way on.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use helpline::media::{codecs, prompts};
use helpline::telephony::Codec;

use crate::patience::patiently;
use crate::ports::free_port;
use crate::server::{Running, Server, program, repository};
use crate::softphone::Softphone;
use crate::wave;

/// nginx with its files, in a folder of its own.
struct Web {
    folder: tempfile::TempDir,
    running: Option<Running>,
    plain: u16,
}

/// The certificates that it shows, each on a port of its own.
const CERTIFICATES: [&str; 4] = ["good", "expired", "wrong", "unknown"];

impl Web {
    /// One that serves, and the ports on which it shows [`CERTIFICATES`].
    fn start() -> (Web, [u16; 4]) {
        let folder = tempfile::tempdir().expect("a folder");
        let made = Command::new(repository().join("tests/interop/certificates")).current_dir(folder.path()).output();
        let made = made.expect("this test needs `bash`");
        assert!(made.status.success(), "this test needs `openssl`: {}", String::from_utf8_lossy(&made.stderr));
        let www = folder.path().join("www");
        fs::create_dir(&www).expect("a folder");
        let put = |name: &str, bytes: &[u8]| fs::write(www.join(name), bytes).expect("it is written");
        put("ok", br#"{"status": "sent"}"#);
        put("slow", format!(r#"{{"status": "sent", "more": "{}"}}"#, "x".repeat(200)).as_bytes());
        put("html", b"<html>sent</html>");
        put("huge", format!(r#"{{"status": "sent", "more": "{}"}}"#, "x".repeat(300_000)).as_bytes());
        // The first octets of a file that gzip has made.
        put("packed", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03");
        let (plain, secured) = (free_port(), CERTIFICATES.map(|_| free_port()));
        let mut settings = format!(
            "daemon off; master_process off; error_log error.log; pid nginx.pid; events {{}}\nhttp {{\naccess_log access.log; \
             client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n\
             default_type application/json; root www;\nserver {{ listen 127.0.0.1:{plain};\nlocation = /slow {{ limit_rate 100; }}\n\
             location = /html {{ default_type text/html; }}\nlocation = /packed {{ add_header Content-Encoding gzip; }}\n\
             location = /broken {{ return 500 '{{\"status\": \"sent\"}}'; }}\nlocation = /weary {{ return 503; }}\n\
             location = /busy {{ add_header Retry-After 60 always; return 429; }}\nlocation = /round {{ return 302 /round; }}\n}}\n"
        );
        for (name, port) in CERTIFICATES.iter().zip(secured) {
            settings += &format!(
                "server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {name}.pem; ssl_certificate_key site.key; }}\n"
            );
        }
        fs::write(folder.path().join("nginx.conf"), settings + "}\n").expect("it is written");
        let mut web = Web { folder, running: None, plain };
        web.rise();
        (web, secured)
    }

    fn rise(&mut self) {
        let log = fs::File::create(self.folder.path().join("out.log")).expect("a log");
        let mut nginx = Command::new(program("nginx", "nginx-light"));
        nginx.arg("-p").arg(self.folder.path()).args(["-c", "nginx.conf"]).stdin(Stdio::null());
        let child = nginx.stdout(log.try_clone().expect("a log")).stderr(log).spawn().expect("nginx starts");
        let mut running = Running(child);
        while TcpStream::connect(("127.0.0.1", self.plain)).is_err() {
            if let Some(status) = running.0.try_wait().expect("nginx can be asked") {
                let told = fs::read_to_string(self.folder.path().join("out.log")).unwrap_or_default();
                panic!("nginx ended at once ({status}):\n{told}");
            }
            sleep(Duration::from_millis(20));
        }
        self.running = Some(running);
    }

    fn stop(&mut self) {
        self.running = None;
    }

    /// How often it was asked for a path.
    fn asked(&self, path: &str) -> usize {
        let log = fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default();
        log.lines().filter(|line| line.contains(&format!("GET {path} "))).count()
    }
}

/// A service, where it is, and more of its connector.
type Service<'a> = (&'a str, String, &'a str);

/// A server whose numbers, from 1000 on, ask one service each.
fn server(services: &[Service<'_>]) -> (Server, tempfile::TempDir) {
    let flows = tempfile::tempdir().expect("a folder");
    for (number, (name, url, more)) in services.iter().enumerate() {
        let text = format!(
            "flow: {name}\nnumbers: [{}]\nlanguages: [en]\ntime_zone: UTC\nstart: look\nsteps:\n  look: {{lookup: {name}, save: it, \
             found: told}}\n  told: {{play: phrases/digit/7, next: more}}\n  more: {{menu: More?, choices: {{1: Well -> more}}}}\n\
             connectors:\n  {name}: {{url: \"{url}\", private: true, fields: {{status: [sent]}}{more}}}\n",
            1_000 + number
        );
        fs::write(flows.path().join(format!("{name}.yaml")), text).expect("it is written");
    }
    (Server::with_flows(flows.path(), ""), flows)
}

fn outcome(connector: &str, outcome: &str) -> String {
    format!("helpline_lookups_total{{connector=\"{connector}\",outcome=\"{outcome}\"}}")
}

/// Where a recording is heard, in seconds from the beginning.
fn heard_at(heard: &[i16], name: &str) -> Option<f64> {
    let path = repository().join(format!("prompts/en/phrases/{name}.wav"));
    let clip = prompts::load_clip(&path).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    let carried = |sample: u8| codecs::decode(Codec::Pcmu, sample);
    let played: Vec<i16> = clip.encoded(Codec::Pcmu).iter().map(|byte| carried(*byte)).collect();
    let heard: Vec<i16> = heard.iter().map(|sample| carried(codecs::encode(Codec::Pcmu, *sample))).collect();
    let (begin, same) = wave::locate(&played, &heard)?;
    (same == played.len()).then_some(begin as f64 / 8_000.0)
}

#[test]
fn what_a_service_says_decides_what_the_caller_hears() {
    patiently(|| {
        let (mut web, [good, expired, ..]) = Web::start();
        let ca = format!(", ca: {}", web.folder.path().join("ca.pem").display());
        let at = |path: &str| format!("http://127.0.0.1:{}/{path}", web.plain);
        let services = [
            ("slow", at("slow"), ", timeout: 20s"),
            ("broken", at("broken"), ""),
            ("safe", format!("https://localhost:{good}/ok"), ca.as_str()),
            ("stale", format!("https://localhost:{expired}/ok"), ca.as_str()),
            ("gone", at("ok"), ""),
        ];
        let (mut server, _flows) = server(&services);
        let hears = |server: &Server, number: &str, told: &str| {
            let mut caller = Softphone::caller(Codec::Pcmu, "udp");
            caller.dial(server, number, "udp");
            server.expect_metric(told, 1.0);
            sleep(Duration::from_secs(3));
            caller.hang_up(server)
        };
        let heard = hears(&server, "1000", &outcome("slow", "found"));
        let (comfort, told) = (heard_at(&heard, "lookup/one_moment"), heard_at(&heard, "digit/7"));
        assert!(comfort.is_some_and(|comfort| (0.9..2.0).contains(&comfort)) && comfort < told, "{comfort:?} {told:?}");
        let heard = hears(&server, "1001", &outcome("broken", "refused"));
        assert!(heard_at(&heard, "lookup/failed").is_some() && heard_at(&heard, "digit/7").is_none());
        let heard = hears(&server, "1002", &outcome("safe", "found"));
        assert!(heard_at(&heard, "digit/7").is_some());
        let heard = hears(&server, "1003", &outcome("stale", "unreachable"));
        assert!(heard_at(&heard, "lookup/failed").is_some() && heard_at(&heard, "digit/7").is_none());
        web.stop();
        let heard = hears(&server, "1004", &outcome("gone", "unreachable"));
        assert!(heard_at(&heard, "lookup/failed").is_some() && heard_at(&heard, "digit/7").is_none());
        server.expect_quiet();
    });
}

/// Calls a number, and waits until the lookup has come to this.
fn call(server: &Server, number: usize, told: &str, times: f64) {
    let uri = format!("sip:{number}@127.0.0.1:{}", server.sip_port);
    let dial = Command::new(env!("CARGO_BIN_EXE_helpline"))
        .args(["dial", &uri, "--hold", "60s"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _dial = Running(dial.expect("helpline starts"));
    server.expect_metric(told, times);
}

#[test]
fn whatever_a_service_does_is_told_in_metrics_and_log() {
    let (web, [good, expired, wrong, unknown]) = Web::start();
    let python = free_port();
    let _liar = Running(
        Command::new(program("python3", "python3"))
            .arg(repository().join("tests/interop/liar.py"))
            .arg(python.to_string())
            .spawn()
            .expect("python3 runs"),
    );
    while TcpStream::connect(("127.0.0.1", python)).is_err() {
        sleep(Duration::from_millis(20));
    }
    // Somebody who never says anything.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silence = silent.local_addr().expect("bound");
    let ca = format!(", ca: {}", web.folder.path().join("ca.pem").display());
    let plain = |path: &str| format!("http://127.0.0.1:{}/{path}", web.plain);
    let secured = |port: u16| format!("https://localhost:{port}/ok");
    let lying = |path: &str| format!("http://127.0.0.1:{python}/{path}");
    let free = free_port();
    // The service, where it is, its settings, what comes of it, and what the log tells of it.
    let services: [(&str, String, &str, &str, &str); 20] = [
        ("ok", plain("ok"), "", "found", ""),
        ("missing", plain("nothing-here"), "", "not_found", ""),
        ("html", plain("html"), "", "unreadable", "its answer says text/html: it is no JSON"),
        ("huge", plain("huge"), "", "unreadable", "its answer has more than 262144 octets"),
        ("packed", plain("packed"), "", "unreadable", "its answer is packed (gzip), which was not asked for"),
        ("broken", plain("broken"), "", "refused", "it answered with the status 500"),
        ("weary", plain("weary"), ", retries: 2", "refused", "it answered with the status 503"),
        ("busy", plain("busy"), ", retries: 2", "refused", "the status 429, and wants to be left alone for 60 s"),
        ("round", plain("round"), "", "not_allowed", "it leads elsewhere more than 3 times"),
        ("safe", secured(good), &ca, "found", ""),
        ("nobody", secured(good), "", "unreachable", "UnknownIssuer"),
        ("stale", secured(expired), &ca, "unreachable", "expired"),
        ("other", secured(wrong), &ca, "unreachable", "not valid for name"),
        ("stranger", secured(unknown), &ca, "unreachable", "UnknownIssuer"),
        ("cut", lying("cut"), "", "unreachable", "end of file before message length reached"),
        ("short", lying("short"), "", "unreadable", "its JSON breaks off"),
        ("chunks", lying("chunks"), "", "unreachable", "chunk"),
        ("types", lying("types"), "", "unreadable", "its field `status` is not one of its words: it is a list"),
        ("silent", format!("http://{silence}/"), ", timeout: 300ms", "timed_out", "no answer within 0.3 s"),
        ("closed", format!("http://127.0.0.1:{free}/"), "", "unreachable", "refused"),
    ];
    let connectors: Vec<Service<'_>> =
        services.iter().map(|(name, url, more, ..)| (*name, url.clone(), *more)).collect();
    let (mut server, _flows) = server(&connectors);
    for (number, (name, _, _, came, why)) in services.iter().enumerate() {
        call(&server, 1_000 + number, &outcome(name, came), 1.0);
        if why.is_empty() {
            continue;
        }
        let tells = || {
            let log = server.log();
            log.lines().any(|line| line.contains(&format!("connector={name} ")) && line.contains(why))
        };
        server.expect(&format!("what the log tells of `{name}`"), tells, &true);
    }
    assert_eq!((web.asked("/weary"), web.asked("/busy")), (3, 1), "who wants to be left alone is");
    server.expect_quiet();
}

#[test]
fn a_service_that_is_gone_is_left_alone_until_it_is_back() {
    let (mut web, _) = Web::start();
    let url = format!("http://127.0.0.1:{}/ok", web.plain);
    let (mut server, _flows) = server(&[("orders", url, ", retries: 0, breaker: {failures: 2, rest: 3s}")]);
    let resting = "helpline_connector_resting{connector=\"orders\"}";
    call(&server, 1_000, &outcome("orders", "found"), 1.0);
    web.stop();
    call(&server, 1_000, &outcome("orders", "unreachable"), 1.0);
    assert_eq!(server.metric(resting), 0.0);
    call(&server, 1_000, &outcome("orders", "unreachable"), 2.0);
    server.expect_metric(resting, 1.0);
    web.rise();
    call(&server, 1_000, &outcome("orders", "resting"), 1.0);
    assert_eq!(web.asked("/ok"), 1, "it is left alone, though it is back");
    sleep(Duration::from_secs(3));
    call(&server, 1_000, &outcome("orders", "found"), 2.0);
    server.expect_metric(resting, 0.0);
    let log = server.log();
    let told: Vec<&str> =
        log.lines().filter(|line| line.contains("connector=orders") && line.contains("service")).collect();
    assert!(!told.is_empty(), "{log}");
    server.expect_quiet();
}
