//! A telephone made of bare sockets: it shares no line of code with the server.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use md5::{Digest, Md5};

/// Long enough for any answer that will ever come.
const PATIENCE: Duration = Duration::from_secs(20);

enum Wire {
    Udp(UdpSocket),
    Tcp(TcpStream, Vec<u8>),
}

pub struct Phone {
    wire: Wire,
    transport: &'static str,
    local: SocketAddr,
    call_id: String,
    /// Of the dialog, once there is one.
    to: String,
    target: String,
    sequence: u32,
    rtp: UdpSocket,
    rtp_to: Option<SocketAddr>,
    rtp_sequence: u16,
    rtp_time: u32,
}

/// A message as it came.
pub struct Message {
    pub start: String,
    head: String,
    body: String,
}

impl Message {
    fn read(text: &str) -> Message {
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let start = head.lines().next().expect("a start line").to_owned();
        Message { start, head: head.to_owned(), body: body.to_owned() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        let named =
            move |line: &'_ str| line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name));
        let lines = self.head.lines().skip(1).filter(move |line| named(line));
        lines.filter_map(|line| Some(line.split_once(':')?.1.trim()))
    }

    pub fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}

impl Phone {
    pub fn udp(server: SocketAddr) -> Phone {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.connect(server).expect("loopback");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time");
        let local = socket.local_addr().expect("it is bound");
        Phone::new(Wire::Udp(socket), "UDP", local)
    }

    pub fn tcp(server: SocketAddr) -> Phone {
        let stream = TcpStream::connect(server).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        let local = stream.local_addr().expect("it is bound");
        Phone::new(Wire::Tcp(stream, Vec::new()), "TCP", local)
    }

    fn new(wire: Wire, transport: &'static str, local: SocketAddr) -> Phone {
        let rtp = UdpSocket::bind("127.0.0.1:0").expect("a port");
        rtp.set_read_timeout(Some(PATIENCE)).expect("a time");
        Phone {
            wire,
            transport,
            local,
            call_id: format!("{}-{}@127.0.0.1", transport, local.port()),
            to: "<sip:1000@127.0.0.1>".into(),
            target: "sip:1000@127.0.0.1".into(),
            sequence: 0,
            rtp,
            rtp_to: None,
            rtp_sequence: 100,
            rtp_time: 5_000,
        }
    }

    fn send(&mut self, text: &str) {
        match &mut self.wire {
            Wire::Udp(socket) => assert_eq!(socket.send(text.as_bytes()).expect("it is sent"), text.len()),
            Wire::Tcp(stream, _) => stream.write_all(text.as_bytes()).expect("it is sent"),
        }
    }

    pub fn receive(&mut self) -> Message {
        match &mut self.wire {
            Wire::Udp(socket) => {
                let mut buffer = [0; 65_536];
                let length = received(socket, &mut buffer).expect("a message comes");
                Message::read(&String::from_utf8_lossy(&buffer[..length]))
            }
            Wire::Tcp(stream, unread) => loop {
                if let Some(message) = first_message(unread) {
                    return message;
                }
                let mut buffer = [0; 4_096];
                let length = stream.read(&mut buffer).expect("a message comes");
                assert!(length > 0, "the connection was closed");
                unread.extend_from_slice(&buffer[..length]);
            },
        }
    }

    fn request(&mut self, method: &str, sequence: u32, kind: &str, body: &str) {
        let text = format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/{} {};branch=z9hG4bK{sequence}{method}{};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:+442079460123@127.0.0.1>;tag=a\r\nTo: {}\r\nCall-ID: {}\r\n\
             CSeq: {sequence} {method}\r\nContact: <sip:phone@{};transport={}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            self.target,
            self.transport,
            self.local,
            self.local.port(),
            self.to,
            self.call_id,
            self.local,
            self.transport.to_lowercase(),
            body.len()
        );
        self.send(&text);
    }

    /// The final response to the request with this CSeq; what else comes meanwhile is answered or passed over.
    fn final_response(&mut self, sequence: u32, method: &str) -> Message {
        loop {
            let message = self.receive();
            let expected = format!("{sequence} {method}");
            if message.status() >= 200 && message.header("CSeq") == Some(expected.as_str()) {
                return message;
            }
        }
    }

    fn sdp(&self, direction: &str) -> String {
        let port = self.rtp.local_addr().expect("it is bound").port();
        format!(
            "v=0\r\no=- 1 {} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n\
             a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na={direction}\r\n",
            self.sequence
        )
    }

    /// Registers as an agent's phone for five minutes, with the proof that it is asked for.
    pub fn register(&mut self, extension: &str, password: &str) {
        (self.target, self.to) = ("sip:127.0.0.1".into(), format!("<sip:{extension}@127.0.0.1>"));
        self.sequence += 1;
        self.request("REGISTER", self.sequence, "Expires: 300\r\n", "");
        let asked = self.final_response(self.sequence, "REGISTER");
        let challenge = asked.headers("WWW-Authenticate").find(|value| value.contains("MD5")).expect("a challenge");
        let nonce = challenge.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a nonce");
        // RFC 7616 section 3.4.1.
        let secret = md5(&format!("{extension}:helpline:{password}"));
        let request = md5("REGISTER:sip:127.0.0.1");
        let response = md5(&format!("{secret}:{nonce}:00000001:7:auth:{request}"));
        let proof = format!(
            "Expires: 300\r\nAuthorization: Digest username=\"{extension}\", realm=\"helpline\", nonce=\"{nonce}\", \
             uri=\"sip:127.0.0.1\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"7\", response=\"{response}\"\r\n"
        );
        self.sequence += 1;
        self.request("REGISTER", self.sequence, &proof, "");
        assert_eq!(self.final_response(self.sequence, "REGISTER").status(), 200);
    }

    /// Waits for a request of this method, and gives it.
    pub fn is_asked(&mut self, method: &str) -> Message {
        loop {
            let message = self.receive();
            if message.start.starts_with(&format!("{method} ")) {
                return message;
            }
        }
    }

    /// Dials, and gives the final response, acknowledged.
    pub fn dial(&mut self, number: &str) -> Message {
        self.target = format!("sip:{number}@127.0.0.1");
        self.to = format!("<{}>", self.target);
        let response = self.invite("sendrecv");
        if response.status() == 200 {
            let port = response.body.lines().find_map(|line| line.strip_prefix("m=audio ")).expect("audio");
            let port = port.split(' ').next().and_then(|port| port.parse().ok()).expect("a port");
            self.rtp_to = Some(SocketAddr::new(self.local.ip(), port));
        }
        response
    }

    /// An INVITE or re-INVITE with its ACK.
    pub fn invite(&mut self, direction: &str) -> Message {
        self.sequence += 1;
        let sequence = self.sequence;
        let body = self.sdp(direction);
        self.request("INVITE", sequence, "Content-Type: application/sdp\r\n", &body);
        let response = self.final_response(sequence, "INVITE");
        self.to = response.header("To").expect("a To").to_owned();
        if response.status() == 200 {
            let contact = response.header("Contact").expect("a Contact");
            self.target = contact.split(['<', '>']).nth(1).expect("an address in brackets").to_owned();
        }
        self.request("ACK", sequence, "", "");
        response
    }

    /// A key by SIP INFO.
    pub fn info(&mut self, key: char) {
        self.sequence += 1;
        let sequence = self.sequence;
        let body = format!("Signal={key}\r\nDuration=160\r\n");
        self.request("INFO", sequence, "Content-Type: application/dtmf-relay\r\n", &body);
        assert_eq!(self.final_response(sequence, "INFO").status(), 200);
    }

    pub fn hang_up(&mut self) {
        self.sequence += 1;
        let sequence = self.sequence;
        self.request("BYE", sequence, "", "");
        assert_eq!(self.final_response(sequence, "BYE").status(), 200);
    }

    /// Waits for the server's BYE and answers it.
    pub fn is_hung_up_on(&mut self) {
        let bye = self.is_asked("BYE");
        self.agree(&bye);
    }

    /// 200.
    pub fn agree(&mut self, request: &Message) {
        let mut response = "SIP/2.0 200 OK\r\n".to_owned();
        for line in request.head.lines().skip(1) {
            let name = line.split(':').next().unwrap_or("").to_lowercase();
            if ["via", "from", "to", "call-id", "cseq"].contains(&name.as_str()) {
                response += &format!("{line}\r\n");
            }
        }
        self.send(&format!("{response}Content-Length: 0\r\n\r\n"));
    }

    /// A key by RFC 4733: 60 ms, and the end three times.
    pub fn press(&mut self, key: char) {
        let event = "0123456789*#".find(key).expect("a key") as u8;
        let time = self.rtp_time;
        for (packet, (end, duration)) in
            [(0, 160_u16), (0, 320), (0, 480), (0x80, 480), (0x80, 480), (0x80, 480)].into_iter().enumerate()
        {
            let payload = [event, end | 10, (duration >> 8) as u8, duration as u8];
            self.send_rtp(if packet == 0 { 0x80 | 101 } else { 101 }, time, &payload);
        }
        self.rtp_time += 960;
    }

    /// 20 ms of silence.
    pub fn breathe(&mut self) {
        self.send_rtp(0, self.rtp_time, &[0xFF; 160]);
        self.rtp_time += 160;
    }

    /// Says a tone for so long, at the pace of a telephone.
    pub fn says(&mut self, length: Duration) {
        self.sends(length, &std::array::from_fn(|n| if n % 20 < 10 { 0xA0 } else { 0x20 }));
    }

    /// Sends silence for so long, likewise.
    pub fn says_nothing(&mut self, length: Duration) {
        self.sends(length, &[0xFF; 160]);
    }

    fn sends(&mut self, length: Duration, payload: &[u8; 160]) {
        let begun = Instant::now();
        for packet in 0..(length.as_millis() / 20) as u32 {
            let due = begun + Duration::from_millis(20) * packet;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            self.send_rtp(0, self.rtp_time, payload);
            self.rtp_time += 160;
        }
    }

    fn send_rtp(&mut self, kind: u8, time: u32, payload: &[u8]) {
        self.rtp_sequence = self.rtp_sequence.wrapping_add(1);
        let mut packet = vec![0x80, kind];
        packet.extend_from_slice(&self.rtp_sequence.to_be_bytes());
        packet.extend_from_slice(&time.to_be_bytes());
        packet.extend_from_slice(&[1, 2, 3, 4]);
        packet.extend_from_slice(payload);
        self.rtp.send_to(&packet, self.rtp_to.expect("a call")).expect("it is sent");
    }

    /// Listens until a tone of `hertz` has been heard for 100 ms.
    #[track_caller]
    pub fn hears(&mut self, hertz: f64) {
        let begun = Instant::now();
        let mut run = 0;
        let mut heard = Vec::new();
        while begun.elapsed() < PATIENCE {
            let mut packet = [0; 2_048];
            let length = received(&self.rtp, &mut packet).expect("audio comes");
            self.breathe();
            assert!(length == 172 && packet[0] == 0x80 && packet[1] & 0x7F == 0, "a packet of 20 ms PCMU");
            let found = pitch(&packet[12..length]);
            heard.push(found as u32);
            run = if (found - hertz).abs() < 60.0 { run + 1 } else { 0 };
            if run == 5 {
                return;
            }
        }
        panic!("{hertz} Hz was not heard, but {heard:?}");
    }

    /// Listens for so long and tells whether anything but silence came.
    pub fn hears_anything(&mut self, length: Duration) -> bool {
        let begun = Instant::now();
        let mut found = false;
        self.rtp.set_read_timeout(Some(Duration::from_millis(20))).expect("a time");
        while begun.elapsed() < length {
            let mut packet = [0; 2_048];
            if let Ok(length) = self.rtp.recv(&mut packet) {
                found |= pitch(&packet[12..length]) > 0.0;
            }
        }
        self.rtp.set_read_timeout(Some(PATIENCE)).expect("a time");
        found
    }
}

/// The next datagram. A wait with a limit is interrupted when the machine stops and goes on (signal(7)), which is no answer.
fn received(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match socket.recv(buffer) {
            Err(interrupted) if interrupted.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// The pitch in Hz of 20 ms of PCMU by its zero crossings, 0 for silence.
fn pitch(payload: &[u8]) -> f64 {
    let samples: Vec<i32> = payload.iter().map(|code| linear(*code)).collect();
    let loud = samples.iter().any(|sample| sample.abs() > 500);
    let crossings = samples.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
    if loud { crossings as f64 / 2.0 / (samples.len() as f64 / 8_000.0) } else { 0.0 }
}

/// G.711 µ-law, by its definition and not by the server's table.
fn linear(code: u8) -> i32 {
    let code = !code;
    let magnitude = ((i32::from(code & 0x0F) * 2 + 33) << ((code >> 4) & 7)) - 33;
    let magnitude = magnitude * 4;
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

fn md5(text: &str) -> String {
    Md5::digest(text).iter().map(|octet| format!("{octet:02x}")).collect()
}

fn first_message(unread: &mut Vec<u8>) -> Option<Message> {
    let text = String::from_utf8_lossy(unread).into_owned();
    let head = text.find("\r\n\r\n")?;
    let length: usize = text[..head]
        .lines()
        .find_map(|line| {
            line.to_lowercase().strip_prefix("content-length:").and_then(|value| value.trim().parse().ok())
        })
        .unwrap_or(0);
    let whole = head + 4 + length;
    (unread.len() >= whole).then(|| {
        unread.drain(..whole);
        Message::read(&text[..whole])
    })
}
