//! A witness of the audio: what dumpcap saw on the wire, as tshark reads it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use crate::house::signal;
use crate::ports::MediaPorts;
use crate::server::{Running, Server, program};

/// Payload types of audio and of keys here.
const AUDIO: [&str; 3] = ["0", "8", "101"];

/// A capture that runs.
pub struct Capture {
    dumpcap: Running,
    file: PathBuf,
    _folder: tempfile::TempDir,
    server: (u16, u16),
    metronome: Metronome,
}

/// An RTP stream: packets of one source from one port to another.
#[derive(Clone, Debug)]
pub struct Stream {
    pub from: u16,
    pub to: u16,
    pub ssrc: String,
    /// When each packet passed, in seconds of the day, and its sequence number.
    packets: Vec<(f64, u16)>,
}

/// A time in which no packet came.
#[derive(Clone, Copy)]
pub struct Gap {
    /// In seconds from the first packet of the stream.
    pub after: f64,
    /// In milliseconds.
    pub length_ms: f64,
    /// What the machine did meanwhile to a thread that only sends a packet every 20 ms: its longest gap in that time.
    pub machine_ms: f64,
}

impl fmt::Debug for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Gap { after, length_ms, machine_ms } = self;
        write!(f, "{length_ms:.1} ms after {after:.2} s (the machine itself: {machine_ms:.1} ms)")
    }
}

/// All that was seen.
pub struct Seen {
    server: (u16, u16),
    streams: Vec<Stream>,
    metronome: Stream,
}

impl Capture {
    /// Watches the audio of a server.
    pub fn start(server: &Server) -> Capture {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("audio.pcapng");
        let (first, last) = (server.media.first, server.media.last);
        let metronome = Metronome::start();
        let beat = metronome.ports.first;
        let log = folder.path().join("log.txt");
        let errors = fs::File::create(&log).expect("a log");
        let mut dumpcap = Running(
            Command::new(program("dumpcap", "wireshark-common"))
                .args([
                    "-q",
                    "-i",
                    "lo",
                    "-B",
                    "16",
                    "-f",
                    &format!("udp portrange {first}-{last} or udp dst port {beat}"),
                ])
                .arg("-w")
                .arg(&file)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(errors)
                .spawn()
                .expect("dumpcap runs"),
        );
        // It names its file when it listens.
        while !fs::read_to_string(&log).is_ok_and(|log| log.contains("File:")) {
            if let Some(status) = dumpcap.0.try_wait().expect("dumpcap can be asked") {
                let log = fs::read_to_string(&log).unwrap_or_default();
                panic!(
                    "dumpcap ended at once ({status}); it needs the right to capture, \
                     `sudo setcap cap_net_raw,cap_net_admin+ep $(command -v dumpcap)`:\n{log}"
                );
            }
            sleep(Duration::from_millis(20));
        }
        Capture { dumpcap, file, _folder: folder, server: (first, last), metronome }
    }

    /// Ends it, and reads what it saw.
    pub fn end(mut self) -> Seen {
        // What passed last may be on its way still.
        sleep(Duration::from_millis(500));
        signal(&self.dumpcap.0, "INT");
        self.dumpcap.0.wait().expect("dumpcap ends");
        let (first, last) = self.server;
        let beat = self.metronome.ports.first;
        let output = Command::new(program("tshark", "tshark"))
            .arg("-r")
            .arg(&self.file)
            .args(["-d", &format!("udp.port=={first}-{last},rtp"), "-d", &format!("udp.port=={beat},rtp"), "-Y", "rtp"])
            .args(["-T", "fields", "-e", "frame.time_epoch", "-e", "udp.srcport", "-e", "udp.dstport"])
            .args(["-e", "rtp.ssrc", "-e", "rtp.seq", "-e", "rtp.p_type"])
            .output()
            .expect("tshark runs");
        assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
        let mut streams: BTreeMap<(u16, u16, String), Vec<(f64, u16)>> = BTreeMap::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [at, from, to, ssrc, sequence, kind] = fields[..] else { panic!("tshark told `{line}`") };
            // RTCP, on the odd ports, looks like RTP of another kind.
            if AUDIO.contains(&kind) {
                let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("tshark told `{line}`"));
                let at = at.parse().unwrap_or_else(|_| panic!("tshark told `{line}`"));
                streams.entry((number(from), number(to), ssrc.to_owned())).or_default().push((at, number(sequence)));
            }
        }
        let streams = streams.into_iter().map(|((from, to, ssrc), packets)| Stream { from, to, ssrc, packets });
        let (beats, streams): (Vec<Stream>, Vec<Stream>) = streams.partition(|stream| stream.to == beat);
        let metronome = beats.into_iter().next().expect("the metronome was seen");
        Seen { server: self.server, streams, metronome }
    }
}

impl Seen {
    /// The streams that the server sent, and those that it was sent.
    fn sides(&self) -> (Vec<&Stream>, Vec<&Stream>) {
        let (first, last) = self.server;
        self.streams.iter().partition(|stream| (first..=last).contains(&stream.from))
    }

    /// There are so many legs, with one stream each way; no packet of ours was lost or came out of order. Gives the
    /// gaps above 60 ms of each of our streams, the earliest stream first.
    pub fn gaps(&self, legs: usize) -> Vec<Vec<Gap>> {
        let (mut ours, theirs) = self.sides();
        let shown = || self.streams.iter().map(|stream| format!("{}\n", stream.shown())).collect::<String>();
        assert_eq!((ours.len(), theirs.len()), (legs, legs), "streams of ours and of theirs:\n{}", shown());
        for stream in &ours {
            let back = theirs.iter().any(|other| (other.from, other.to) == (stream.to, stream.from));
            assert!(back, "nobody answers {} at its port:\n{}", stream.shown(), shown());
            let broken = stream.packets.windows(2).find(|pair| pair[1].1 != pair[0].1.wrapping_add(1));
            assert!(broken.is_none(), "{} has {broken:?}", stream.shown());
        }
        ours.sort_by(|a, b| a.packets[0].0.total_cmp(&b.packets[0].0));
        ours.iter().map(|stream| self.gaps_of(stream)).collect()
    }

    fn gaps_of(&self, stream: &Stream) -> Vec<Gap> {
        let begin = stream.packets[0].0;
        let gaps = stream.packets.windows(2).map(|pair| {
            let (from, to) = (pair[0].0, pair[1].0);
            let near = self.metronome.packets.windows(2).filter(|beat| beat[1].0 > from && beat[0].0 < to);
            let machine = near.map(|beat| beat[1].0 - beat[0].0).fold(0.0, f64::max);
            Gap { after: from - begin, length_ms: (to - from) * 1e3, machine_ms: machine * 1e3 }
        });
        gaps.filter(|gap| gap.length_ms > 60.0).collect()
    }
}

impl Stream {
    fn shown(&self) -> String {
        let gap = self.packets.windows(2).map(|pair| pair[1].0 - pair[0].0).fold(0.0, f64::max) * 1e3;
        let (from, to, ssrc, count) = (self.from, self.to, &self.ssrc, self.packets.len());
        format!("{from} to {to}, source {ssrc}: {count} packets, the longest gap {gap:.1} ms")
    }
}

/// What the machine itself does to a thread that has nothing else to do than to send a packet every 20 ms.
struct Metronome {
    ports: MediaPorts,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Metronome {
    fn start() -> Metronome {
        let ports = MediaPorts::claim(2);
        let target = ports.first;
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        // Somebody listens, so that the kernel has nobody to tell that nobody does.
        let listener = UdpSocket::bind(("127.0.0.1", target)).expect("the port is ours");
        let thread = thread::spawn(move || {
            let began = Instant::now();
            for beat in 0_u32.. {
                if ends.load(Ordering::Relaxed) {
                    break;
                }
                let mut packet = [0_u8; 172];
                packet[0] = 0x80;
                packet[2..4].copy_from_slice(&(beat as u16).to_be_bytes());
                packet[4..8].copy_from_slice(&(beat * 160).to_be_bytes());
                let _ = socket.send_to(&packet, ("127.0.0.1", target));
                sleep((began + Duration::from_millis(20) * (beat + 1)).saturating_duration_since(Instant::now()));
            }
            drop(listener);
        });
        Metronome { ports, over, thread: Some(thread) }
    }
}

impl Drop for Metronome {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
