//! What the reactor costs beside a bare loop: 1,000 legs that are played a prompt and send audio, the CPU of the one
//! thread as the operating system counts it, against a thread that sends and receives the same packets on as many
//! sockets and does nothing else; and the same legs bridged two by two. `cargo bench --bench reactor`; `LEGS`, `SECONDS` and `ROUNDS` change the size.
//!
//! The other side runs in a thread of its own, paced like phones, and measures how far apart packets arrive.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use helpline::clock::Clock;
use helpline::media::{Reactor, Settings};
use helpline::telephony::{AudioPlan, Clip, Codec, Direction, LegId, MediaCommand, MediaEvent, PlaybackId, TICK};

const SLOTS: usize = 10;
const PACKET: usize = 172;

fn main() {
    let number = |name: &str, default: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (legs, seconds, rounds) = (number("LEGS", 1_000) as usize, number("SECONDS", 5), number("ROUNDS", 3));
    println!("{legs} legs, {seconds} s, {rounds} rounds; CPU of one core in µs a packet sent and one received");
    let (mut ratios, mut bridged_ratios) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let bare = measure(legs, seconds, "bare", start_bare);
        let reactor = measure(legs, seconds, "reactor", start_reactor);
        let bridged = measure(legs, seconds, "bridged", start_bridged);
        // A pair sends and receives 100 packets a second.
        println!("a bridged pair: {:.4} % of a core", bridged * 100.0 / 1e4);
        ratios.push(reactor / bare);
        bridged_ratios.push(bridged / bare);
    }
    for (name, ratios) in [("reactor", &mut ratios), ("bridged", &mut bridged_ratios)] {
        ratios.sort_by(f64::total_cmp);
        println!("{name} / bare loop: {ratios:.2?}");
    }
    key_to_audio(300);
    mouth_to_ear(10, 200);
}

/// What a bridge adds between a packet that one phone sends and the packet with the same audio that the other receives,
/// from its very first packet on.
fn mouth_to_ear(calls: u16, packets: u16) {
    let mut reactor = Reactor::start(Settings::new(Clock::start(), 1), |events| drop(events)).expect("a thread");
    let mut rng = fastrand::Rng::with_seed(1);
    let (mut times, mut firsts) = (Vec::new(), Vec::new());
    for call in 0..calls {
        let [caller, agent] = [0, 1].map(|side| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
            let (leg, port) = (LegId::inbound(u64::from(2 * call + side)), 20_000 + 4 * call + 2 * side);
            reactor.send(MediaCommand::Open { leg, port, plan: plan(socket.local_addr().expect("bound")) });
            (socket, leg, port)
        });
        thread::sleep(Duration::from_micros(rng.u64(100_000..120_000)));
        let ear = agent.0.try_clone().expect("a socket");
        let listener = thread::spawn(move || {
            let mut heard = vec![None; usize::from(packets)];
            let mut buffer = [0; 2_048];
            let mut last = 0;
            while last + 1 < heard.len() {
                ear.recv(&mut buffer).expect("audio");
                let number = usize::from(u16::from_be_bytes([buffer[90], buffer[91]]));
                // Numbers stand in the middle of the packet, behind a byte that silence has not.
                if buffer[92] == 0x2a {
                    last = last.max(number);
                    if let Some(heard) = heard.get_mut(number) {
                        heard.get_or_insert(Instant::now());
                    }
                }
            }
            heard
        });
        let began = Instant::now();
        let mut said = Vec::new();
        for number in 0..packets + 20 {
            if number == 10 {
                reactor.send(MediaCommand::Bridge { leg: caller.1, with: agent.1 });
            }
            sleep_until(began + TICK * u32::from(number));
            let mut packet = [0xff; PACKET];
            packet[..12].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
            packet[2..4].copy_from_slice(&number.to_be_bytes());
            packet[4..8].copy_from_slice(&(u32::from(number) * 160).to_be_bytes());
            packet[90..92].copy_from_slice(&number.to_be_bytes());
            packet[92] = 0x2a;
            said.push(Instant::now());
            caller.0.send_to(&packet, (Ipv4Addr::LOCALHOST, caller.2)).expect("sent");
        }
        let heard = listener.join().expect("it listened");
        let bridged = said[9];
        let arrived = heard.iter().flatten().min().expect("something was heard");
        firsts.push(arrived.duration_since(bridged).as_secs_f64() * 1e3);
        let each = heard.iter().zip(&said).filter_map(|(heard, said)| Some(heard.as_ref()?.duration_since(*said)));
        times.extend(each.map(|time| time.as_secs_f64() * 1e3));
        for leg in [caller.1, agent.1] {
            reactor.send(MediaCommand::Close { leg });
        }
    }
    reactor.stop();
    for (name, times) in [("mouth to ear", &mut times), ("bridge to first audio", &mut firsts)] {
        times.sort_by(f64::total_cmp);
        let at = |of: f64| times[((times.len() - 1) as f64 * of) as usize];
        println!("{name} ms: p50 {:.1} p90 {:.1} p99 {:.1} max {:.1}", at(0.5), at(0.9), at(0.99), at(1.0));
    }
}

/// From a key's first packet to the first packet of what is played in answer, over a switchboard that answers at once.
fn key_to_audio(presses: u16) {
    let (told, keys) = mpsc::channel();
    let reactor = Reactor::start(Settings::new(Clock::start(), 1), move |events| {
        for _ in events.filter(|event| matches!(event, MediaEvent::Digit { .. })) {
            let _ = told.send(());
        }
    })
    .expect("a thread");
    let phone = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let (leg, port) = (LegId::inbound(0), 20_000);
    reactor.send(MediaCommand::Open { leg, port, plan: plan(phone.local_addr().expect("bound")) });
    let answers = thread::spawn(move || {
        for answer in 0..presses {
            let Ok(()) = keys.recv() else { break };
            let audio = [(answer % 100) as u8 + 1; 160];
            let clips = vec![Arc::new(Clip { pcmu: audio.into(), pcma: audio.into() })];
            reactor.send(MediaCommand::Play { leg, playback: PlaybackId(answer.into()), clips, repeat: true });
        }
        thread::sleep(Duration::from_millis(200));
    });
    let mut rng = fastrand::Rng::with_seed(1);
    let mut buffer = [0; 2_048];
    let mut times: Vec<f64> = (0..presses)
        .map(|press| {
            thread::sleep(Duration::from_micros(rng.u64(40_000..60_000)));
            let mut key = [0x80, 101, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 5, 10, 0, 160];
            key[2..4].copy_from_slice(&press.to_be_bytes());
            key[4..8].copy_from_slice(&(u32::from(press) * 800).to_be_bytes());
            let pressed = Instant::now();
            phone.send_to(&key, (Ipv4Addr::LOCALHOST, port)).expect("sent");
            while buffer[12] != (press % 100) as u8 + 1 {
                phone.recv(&mut buffer).expect("audio");
            }
            pressed.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    answers.join().expect("it ran");
    times.sort_by(f64::total_cmp);
    let at = |of: f64| times[((times.len() - 1) as f64 * of) as usize];
    println!("key to audio ms: p50 {:.1} p90 {:.1} p99 {:.1} max {:.1}", at(0.5), at(0.9), at(0.99), at(1.0));
}

fn plan(remote: SocketAddr) -> AudioPlan {
    AudioPlan {
        remote: Some(remote),
        remote_rtcp: None,
        codec: Codec::Pcmu,
        payload_type: 0,
        telephone_event: Some(101),
        direction: Direction::SendReceive,
        packet_ms: 20,
        inband_digits: false,
    }
}

/// A server side that runs: its thread's id, and what ends it.
struct Running {
    thread: u32,
    end: Box<dyn FnOnce()>,
}

/// Runs a server side on `ports` against phones, and returns its CPU in µs a packet each way.
fn measure(legs: usize, seconds: u64, name: &str, start: fn(&[u16], &[SocketAddr]) -> Running) -> f64 {
    let phones: Vec<UdpSocket> = (0..legs).map(|_| phone()).collect();
    let addresses: Vec<SocketAddr> = phones.iter().map(|phone| phone.local_addr().expect("bound")).collect();
    let ports: Vec<u16> = (0..legs).map(|leg| 20_000 + 2 * leg as u16).collect();
    let running = start(&ports, &addresses);
    thread::sleep(Duration::from_millis(500));
    for (phone, port) in phones.iter().zip(&ports) {
        phone.connect((Ipv4Addr::LOCALHOST, *port)).expect("connected");
    }
    let (done, heard, phones) = call(phones);
    thread::sleep(Duration::from_secs(1)); // all are locked on
    let (before, heard_before, began) = (cpu(running.thread), heard.load(Relaxed), Instant::now());
    thread::sleep(Duration::from_secs(seconds));
    let (used, packets, lasted) = (cpu(running.thread) - before, heard.load(Relaxed) - heard_before, began.elapsed());
    done.store(true, Relaxed);
    let mut gaps = phones.join().expect("the phones ran");
    (running.end)();
    gaps.sort_unstable();
    let share = used.as_secs_f64() / lasted.as_secs_f64();
    let due = legs as f64 * lasted.as_secs_f64() / TICK.as_secs_f64();
    // By packets delivered, so that a machine that is too busy to deliver all does not make anybody look cheap.
    let each = used.as_secs_f64() * 1e6 / packets as f64;
    let gap = |of: f64| f64::from(gaps[((gaps.len() - 1) as f64 * of) as usize]) / 1e3;
    println!(
        "{name:8} {each:6.3} µs  {:7.4} % of a core a leg  {:6.2} % delivered  gaps ms p50 {:.2} p99 {:.2} p99.9 {:.2} max {:.2}",
        share * 100.0 / legs as f64,
        packets as f64 / due * 100.0,
        gap(0.5),
        gap(0.99),
        gap(0.999),
        gap(1.0),
    );
    each
}

fn phone() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    socket.set_nonblocking(true).expect("set");
    socket
}

/// Phones that talk and listen until told to end; the gaps between packets heard, in µs.
fn call(phones: Vec<UdpSocket>) -> (Arc<AtomicBool>, Arc<AtomicU64>, JoinHandle<Vec<u32>>) {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let done = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&done);
    let thread = thread::spawn(move || {
        let mut heard = vec![None; phones.len()];
        let mut gaps = Vec::with_capacity(phones.len() * 500);
        let mut packet = [0xff_u8; PACKET];
        packet[..12].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
        let start = Instant::now();
        let mut buffer = [0; 2_048];
        for step in 0_u32.. {
            if told.load(Relaxed) {
                break;
            }
            let frame = step / SLOTS as u32;
            packet[2..4].copy_from_slice(&(frame as u16).to_be_bytes());
            packet[4..8].copy_from_slice(&(frame * 160).to_be_bytes());
            for leg in (step as usize % SLOTS..phones.len()).step_by(SLOTS) {
                let _ = phones[leg].send(&packet);
            }
            // All are listened to in every step, so that the gaps are as fine as the steps.
            for (phone, heard) in phones.iter().zip(&mut heard) {
                while phone.recv(&mut buffer).is_ok() {
                    let now = Instant::now();
                    counted.fetch_add(1, Relaxed);
                    if let Some(before) = heard.replace(now) {
                        gaps.push(now.duration_since(before).as_micros() as u32);
                    }
                }
            }
            sleep_until(start + TICK / SLOTS as u32 * (step + 1));
        }
        gaps
    });
    (done, count, thread)
}

fn sleep_until(at: Instant) {
    thread::sleep(at.saturating_duration_since(Instant::now()));
}

/// The bare loop: the same packets on as many sockets, and nothing else.
fn start_bare(ports: &[u16], phones: &[SocketAddr]) -> Running {
    let legs: Vec<(UdpSocket, SocketAddr)> = ports
        .iter()
        .zip(phones)
        .map(|(port, phone)| {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, *port)).expect("a port");
            socket.set_nonblocking(true).expect("set");
            (socket, *phone)
        })
        .collect();
    let done = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&done);
    let before = threads();
    let thread = thread::Builder::new()
        .name("bare".into())
        .spawn(move || {
            let packet = [0x80_u8; PACKET];
            let mut buffer = [0; 2_048];
            let start = Instant::now();
            for step in 0_u32.. {
                if told.load(Relaxed) {
                    break;
                }
                for (socket, phone) in legs.iter().skip(step as usize % SLOTS).step_by(SLOTS) {
                    let _ = socket.recv_from(&mut buffer);
                    let _ = socket.send_to(&packet, phone);
                }
                sleep_until(start + TICK / SLOTS as u32 * (step + 1));
            }
        })
        .expect("a thread");
    let end = Box::new(move || {
        done.store(true, Relaxed);
        thread.join().expect("it ran");
    });
    Running { thread: new_thread(&before), end }
}

/// Legs bridged two by two.
fn start_bridged(ports: &[u16], phones: &[SocketAddr]) -> Running {
    let before = threads();
    let mut reactor = Reactor::start(Settings::new(Clock::start(), 1), |events| drop(events)).expect("a thread");
    let thread = new_thread(&before);
    for (n, (port, phone)) in ports.iter().zip(phones).enumerate() {
        let leg = LegId::inbound(n as u64);
        reactor.send(MediaCommand::Open { leg, port: *port, plan: plan(*phone) });
        if n % 2 == 1 {
            reactor.send(MediaCommand::Bridge { leg, with: LegId::inbound(n as u64 - 1) });
        }
    }
    Running { thread, end: Box::new(move || reactor.stop()) }
}

fn start_reactor(ports: &[u16], phones: &[SocketAddr]) -> Running {
    let before = threads();
    let mut reactor = Reactor::start(Settings::new(Clock::start(), 1), |_| {}).expect("a thread");
    let thread = new_thread(&before);
    let prompt = Arc::new(Clip { pcmu: vec![0x55; 160 * 500].into(), pcma: vec![0x55; 160 * 500].into() });
    for (n, (port, phone)) in ports.iter().zip(phones).enumerate() {
        let leg = LegId::inbound(n as u64);
        reactor.send(MediaCommand::Open { leg, port: *port, plan: plan(*phone) });
        reactor.send(MediaCommand::Play {
            leg,
            playback: PlaybackId(n as u64),
            clips: vec![Arc::clone(&prompt)],
            repeat: true,
        });
    }
    Running { thread, end: Box::new(move || reactor.stop()) }
}

fn threads() -> Vec<u32> {
    let entries = fs::read_dir("/proc/self/task").expect("Linux");
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

fn new_thread(before: &[u32]) -> u32 {
    threads().into_iter().find(|thread| !before.contains(thread)).expect("the thread was started")
}

/// The CPU that a thread has used, as the scheduler counts it.
fn cpu(thread: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).expect("schedstat");
    Duration::from_nanos(text.split(' ').next().and_then(|used| used.parse().ok()).expect("a number"))
}
