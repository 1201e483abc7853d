//! An agent's telephone that behaves as it should not: SIPp with a scenario made of steps, and the test itself as its ear
//! and mouth.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use helpline::media::codecs;
use helpline::telephony::Codec;

use crate::house::House;
use crate::ports::{MediaPorts, free_port};
use crate::server::{Running, Server, program, repository};
use crate::wave;

/// One thing that the telephone does, or waits for.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Waits for a request.
    Wants(&'static str),
    /// Waits for a request whose header fits a regular expression.
    WantsWith(&'static str, &'static str, &'static str),
    /// Waits for a response to its own request.
    WantsReply(u16),
    /// The same, with its description: a direction such as `recvonly`.
    WantsReplyTo(u16, &'static str),
    /// Answers the INVITE, whatever has come since.
    Invite(Answer),
    /// Answers what has come last.
    Last(Answer),
    /// Sends a request in the dialog: its method, and the direction that it offers.
    Asks(&'static str, Option<&'static str>),
    /// Acknowledges the final response to its own INVITE: the branch is the INVITE's where that was refused.
    Acks,
    AcksRefusal,
    /// Waits for so many milliseconds.
    Pause(u32),
}

/// A response.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub status: u16,
    /// The tag of To.
    pub tag: &'static str,
    /// The direction of its description, if it has one.
    pub description: Option<&'static str>,
    /// Header lines beside those that it must have.
    pub headers: &'static str,
}

impl Answer {
    pub const fn plain(status: u16) -> Answer {
        Answer { status, tag: "rogue", description: None, headers: "" }
    }

    pub const fn described(status: u16, direction: &'static str) -> Answer {
        Answer { description: Some(direction), ..Answer::plain(status) }
    }

    pub const fn with(self, headers: &'static str) -> Answer {
        Answer { headers, ..self }
    }

    pub const fn tagged(self, tag: &'static str) -> Answer {
        Answer { tag, ..self }
    }
}

/// The steps as SIPp's scenario. A probe, which may come before the call, is answered.
fn scenario(steps: &[Step]) -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<scenario name=\"rogue\">\n\
         <recv request=\"OPTIONS\" optional=\"true\" next=\"probe\"/>\n<recv request=\"INVITE\"><action>\n",
    );
    let kept = [
        ("Via", ".*", "via"),
        ("From", ".*", "from"),
        ("CSeq", "[0-9]+", "cseq"),
        ("Contact", "sip:[^>]+", "target"),
        ("Contact", "sip", "seen"),
    ];
    for (header, pattern, variable) in kept {
        let _ = writeln!(
            xml,
            "<ereg regexp=\"{pattern}\" search_in=\"hdr\" header=\"{header}:\" check_it=\"true\" assign_to=\"{variable}\"/>"
        );
    }
    xml.push_str("</action></recv>\n");
    let mut sequence = 0;
    for step in steps {
        write_step(&mut xml, *step, &mut sequence);
    }
    // What is still repeated is no new call.
    xml.push_str(
        "<nop><action><log message=\"all steps done\"/></action></nop>\n<pause milliseconds=\"60000\" next=\"over\"/>\n\
         <label id=\"probe\"/>\n<send><![CDATA[\n\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:];tag=probe\n\
         [last_Call-ID:]\n[last_CSeq:]\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS\nContent-Length: 0\n\n]]></send>\n\
         <label id=\"over\"/>\n<pause milliseconds=\"100\"/>\n<Reference variables=\"via,from,cseq,target,seen\"/>\n\
         </scenario>\n",
    );
    xml
}

fn write_step(xml: &mut String, step: Step, sequence: &mut u32) {
    let seen = |place: &str, pattern: &str| {
        format!("<action><ereg regexp=\"{pattern}\" {place} check_it=\"true\" assign_to=\"seen\"/></action>")
    };
    let message = |start: &str, head: &str, body: &str, headers: &str| {
        let headers = if headers.is_empty() { String::new() } else { format!("{headers}\n") };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
        format!("<![CDATA[\n\n{start}\n{head}\n{headers}{kind}Content-Length: [len]\n\n{body}]]></send>\n")
    };
    let contact = "Contact: <sip:1001@[local_ip]:[local_port]>";
    let reason = |status: u16| match status {
        200 => "OK",
        180 => "Ringing",
        183 => "Session Progress",
        _ => "So it is",
    };
    let asked = |method: &str, number: u32, branch: &str| {
        (
            format!("{method} [$target] SIP/2.0"),
            format!(
                "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}\nFrom: <sip:1001@[local_ip]:[local_port]>;tag=rogue\n\
                 To:[$from]\nCall-ID: [call_id]\nCSeq: {number} {method}\nMax-Forwards: 70\n{contact}"
            ),
        )
    };
    let written = match step {
        Step::Wants(method) => format!("<recv request=\"{method}\"/>\n"),
        Step::WantsWith(method, header, pattern) => {
            // A later INVITE is the one to be answered.
            let kept = if method == "INVITE" {
                "<action><ereg regexp=\".*\" search_in=\"hdr\" header=\"Via:\" check_it=\"true\" assign_to=\"via\"/><ereg \
                 regexp=\"[0-9]+\" search_in=\"hdr\" header=\"CSeq:\" check_it=\"true\" assign_to=\"cseq\"/></action>"
            } else {
                ""
            };
            let place = format!("search_in=\"hdr\" header=\"{header}:\"");
            let looked = seen(&place, pattern);
            format!("<recv request=\"{method}\">{}</recv>\n", (looked + kept).replace("</action><action>", ""))
        }
        Step::WantsReply(status) => {
            format!("<recv response=\"100\" optional=\"true\"/>\n<recv response=\"{status}\"/>\n")
        }
        Step::WantsReplyTo(status, direction) => {
            let looked = seen("search_in=\"body\"", &format!("a={direction}"));
            format!("<recv response=\"100\" optional=\"true\"/>\n<recv response=\"{status}\">{looked}</recv>\n")
        }
        Step::Invite(answer) => {
            let start = format!("SIP/2.0 {} {}", answer.status, reason(answer.status));
            let head = format!(
                "Via:[$via]\nFrom:[$from]\nTo: <sip:1001@[local_ip]:[local_port]>;tag={}\nCall-ID: [call_id]\n\
                 CSeq: [$cseq] INVITE\n{contact}",
                answer.tag
            );
            format!("<send>{}", message(&start, &head, &body(answer.description), answer.headers))
        }
        Step::Last(answer) => {
            let start = format!("SIP/2.0 {} {}", answer.status, reason(answer.status));
            let head = format!("[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n{contact}");
            format!("<send>{}", message(&start, &head, &body(answer.description), answer.headers))
        }
        Step::Asks(method, direction) => {
            *sequence += 1;
            let (start, head) = asked(method, *sequence, &format!("z9hG4bK[call_number]-rogue-{sequence}"));
            format!("<send retrans=\"500\">{}", message(&start, &head, &body(direction), "Supported: timer"))
        }
        Step::Acks | Step::AcksRefusal => {
            let own = if matches!(step, Step::Acks) { "-ack" } else { "" };
            let (start, head) = asked("ACK", *sequence, &format!("z9hG4bK[call_number]-rogue-{sequence}{own}"));
            format!("<send>{}", message(&start, &head, "", ""))
        }
        Step::Pause(milliseconds) => format!("<pause milliseconds=\"{milliseconds}\"/>\n"),
    };
    xml.push_str(&written);
}

/// A description of audio at the ear.
fn body(direction: Option<&str>) -> String {
    direction.map_or(String::new(), |direction| {
        format!(
            "v=0\no=rogue 1 [msg_index] IN IP4 [local_ip]\ns=-\nc=IN IP4 [local_ip]\nt=0 0\nm=audio [ear] RTP/AVP 0 101\n\
             a=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\na=ptime:20\na={direction}\n"
        )
    })
}

/// The payload type of keys in its descriptions.
const EVENT: u8 = 101;

/// The telephone, registered as 1001.
pub struct Rogue {
    /// None only before it begins.
    running: Option<Running>,
    folder: tempfile::TempDir,
    pub ear: Ear,
    /// Where it is called.
    pub port: u16,
}

impl Rogue {
    /// Registers, and does the steps for each call. `voice` is the tone that it says from the first packet that it hears
    /// on, in hertz.
    pub fn register(house: &House, steps: &[Step], voice: Option<f64>) -> Rogue {
        Rogue::with(house, steps, voice, &[])
    }

    /// The same with further options for SIPp.
    pub fn with(house: &House, steps: &[Step], voice: Option<f64>, options: &[&str]) -> Rogue {
        let mut rogue = Rogue::listen(steps, voice, options);
        let register = repository().join("tests/interop/sipp/register.xml");
        let registered = rogue
            .sipp(&register.display().to_string(), 20)
            .arg(format!("127.0.0.1:{}", house.server.sip_port))
            .args(["-s", "1001", "-au", "1001", "-ap", "secret", "-key", "phone", &rogue.port.to_string(), "-m", "1"])
            .args(["-p", &free_port().to_string(), "-timeout", "30s", "-timeout_error"])
            .status()
            .expect("sipp runs");
        assert!(registered.success(), "SIPp cannot register ({registered}):\n{}", house.server.log());
        house.server.expect_agent("1001", "ready");
        let ended = rogue.running.as_mut().and_then(|sipp| sipp.0.try_wait().expect("SIPp can be asked"));
        assert!(ended.is_none(), "SIPp ended at once: {}", rogue.read("log.txt"));
        rogue
    }

    /// One that is known to nobody, such as a trunk's other end: it waits for calls at its port.
    pub fn listen(steps: &[Step], voice: Option<f64>, options: &[&str]) -> Rogue {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("rogue.xml"), scenario(steps)).expect("the scenario is written");
        let mut rogue = Rogue { running: None, folder, ear: Ear::open(voice), port: free_port() };
        let (port, ear) = (rogue.port.to_string(), rogue.ear.media.first.to_string());
        let phone = rogue
            .sipp("rogue.xml", 10)
            .arg("127.0.0.1:9")
            .args(["-p", &port, "-key", "ear", &ear, "-trace_err", "-trace_logs"])
            .args([
                "-error_file",
                "errors.txt",
                "-log_file",
                "steps.txt",
                "-trace_msg",
                "-message_file",
                "messages.txt",
            ])
            .args(options)
            .spawn()
            .expect("sipp runs");
        rogue.running = Some(Running(phone));
        rogue
    }

    fn sipp(&self, scenario: &str, media: u16) -> Command {
        let log = fs::OpenOptions::new().append(true).create(true).open(self.folder.path().join("log.txt"));
        let log = log.expect("a log");
        let mut command = Command::new(program("sipp", "sip-tester"));
        command
            .args(["-sf", scenario, "-i", "127.0.0.1", "-nostdin", "-mi", "127.0.0.1"])
            .args(["-mp", &(self.ear.media.first + media).to_string()])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log);
        command
    }

    /// Speaks to where the INVITE says, without having heard anything from there.
    pub fn speak_early(&self) {
        let offered = loop {
            let messages = self.read("messages.txt");
            let line =
                messages.lines().find_map(|line| line.trim().strip_prefix("m=audio ")?.split(' ').next()?.parse().ok());
            match line {
                Some(port) => break port,
                None => sleep(Duration::from_millis(20)),
            }
        };
        *self.ear.aim.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(SocketAddr::from(([127, 0, 0, 1], offered)));
    }

    /// Waits until all steps have been done so often.
    pub fn expect_done(&self, house: &House, times: usize) {
        self.expect_done_at(&house.server, times);
    }

    /// The same of one that is no agent's telephone.
    pub fn expect_done_at(&self, server: &Server, times: usize) {
        let done = || self.read("steps.txt").matches("all steps done").count();
        for _ in 0..1_000 {
            let errors = self.read("errors.txt");
            // A probe that was repeated on a busy machine, and had its answer already.
            let mut unexpected =
                errors.lines().filter(|line| line.contains('\t') && !line.contains("received 'OPTIONS"));
            assert!(
                unexpected.next().is_none(),
                "SIPp met what it did not expect: {errors}\n{}",
                self.read("messages.txt")
            );
            if done() >= times {
                return;
            }
            sleep(Duration::from_millis(100));
        }
        let log = server.log();
        panic!(
            "SIPp did {} of {times} times all that it should:\n{}\nThe server's log:\n{log}",
            done(),
            self.read("messages.txt")
        );
    }

    /// How many requests of this method have come.
    pub fn came(&self, method: &str) -> usize {
        self.read("messages.txt").matches(&format!("\n{method} sip:")).count()
    }

    /// The last INVITE that has come, from its first line on.
    pub fn invite(&self) -> String {
        let messages = self.read("messages.txt");
        messages.rfind("\nINVITE sip:").map(|place| messages[place + 1..].to_owned()).unwrap_or_default()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

/// Where the telephone's audio goes to.
pub struct Ear {
    media: MediaPorts,
    heard: Arc<Mutex<Vec<i16>>>,
    /// The timestamp and the number of each key that was heard.
    keys: Arc<Mutex<Vec<(u32, u8)>>>,
    speaks: Arc<AtomicBool>,
    /// Whom it speaks to; those whom it has heard, where nobody is told.
    aim: Arc<Mutex<Option<SocketAddr>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ear {
    fn open(voice: Option<f64>) -> Ear {
        let media = MediaPorts::claim(40);
        let socket = UdpSocket::bind(("127.0.0.1", media.first)).expect("the port is ours");
        socket.set_read_timeout(Some(Duration::from_millis(5))).expect("a patience");
        let (heard, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let speaks = Arc::new(AtomicBool::new(true));
        let aim = Arc::new(Mutex::new(None));
        let keys = Arc::new(Mutex::new(Vec::new()));
        let keyed = Arc::clone(&keys);
        let (into, ends, may_speak) = (Arc::clone(&heard), Arc::clone(&over), Arc::clone(&speaks));
        let aimed = Arc::clone(&aim);
        let thread = thread::spawn(move || {
            let mut buffer = [0; 2_048];
            let mut mouth: Option<Mouth> = None;
            while !ends.load(Ordering::Relaxed) {
                let came = socket.recv_from(&mut buffer).ok().filter(|(length, _)| *length > 12);
                if came.is_some() && buffer[1] & 0x7f == EVENT {
                    let began = u32::from_be_bytes([buffer[4], buffer[5], buffer[6], buffer[7]]);
                    let mut keys = keyed.lock().unwrap_or_else(PoisonError::into_inner);
                    if keys.last().is_none_or(|(last, _)| *last != began) {
                        keys.push((began, buffer[12]));
                    }
                }
                if let Some((length, from)) = came.filter(|_| buffer[1] & 0x7f == 0) {
                    let samples = buffer[12..length].iter().map(|byte| codecs::decode(Codec::Pcmu, *byte));
                    into.lock().unwrap_or_else(PoisonError::into_inner).extend(samples);
                    aimed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(from);
                }
                if mouth.is_none()
                    && let Some(hertz) = voice
                    && let Some(to) = *aimed.lock().unwrap_or_else(PoisonError::into_inner)
                {
                    mouth = Some(Mouth::new(to, hertz));
                }
                if let Some(mouth) = mouth.as_mut().filter(|_| may_speak.load(Ordering::Relaxed)) {
                    mouth.speak(&socket);
                }
            }
        });
        Ear { media, heard, keys, speaks, aim, over, thread: Some(thread) }
    }

    /// From now on nothing is said, or it is again.
    pub fn speak(&self, speaks: bool) {
        self.speaks.store(speaks, Ordering::Relaxed);
    }

    /// The keys that were heard so far, as RFC 4733 numbers them.
    pub fn keys(&self) -> Vec<u8> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(_, key)| *key).collect()
    }

    /// What was heard so far.
    pub fn samples(&self) -> Vec<i16> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What says the tone.
struct Mouth {
    to: SocketAddr,
    hertz: f64,
    began: Instant,
    said: u32,
}

impl Mouth {
    fn new(to: SocketAddr, hertz: f64) -> Mouth {
        Mouth { to, hertz, began: Instant::now(), said: 0 }
    }

    /// Says what is due by now.
    fn speak(&mut self, socket: &UdpSocket) {
        let due = self.began.elapsed().as_millis() as u32 / 20;
        // After a silence it goes on with the present.
        self.said = self.said.max(due.saturating_sub(5));
        while self.said < due {
            let (sequence, timestamp) = (self.said as u16, self.said * 160);
            let mut packet = vec![0x80, 0];
            packet.extend(sequence.to_be_bytes());
            packet.extend(timestamp.to_be_bytes());
            packet.extend([0, 0, 0, 9]);
            packet.extend((0..160).map(|n| {
                let angle = f64::from(timestamp + n) * self.hertz * std::f64::consts::TAU / wave::RATE as f64;
                codecs::encode(Codec::Pcmu, (angle.sin() * 2_000.0) as i16)
            }));
            let _ = socket.send_to(&packet, self.to);
            self.said += 1;
        }
    }
}
