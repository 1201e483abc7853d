//! What no server can do without: one receive and one send per call and tick, on as many sockets, spread over the tick.
//!
//! Calls are answered by the library's own user agent, so that the same generator drives it; while nobody dials, that
//! costs nothing.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use helpline::clock::Clock;
use helpline::sip::{Output, Peer, Settings, UserAgent};
use helpline::telephony::{Codec, InbandDigits, LegId, LocalMedia, SipCommand, SipEvent, TICK, TransportKind, answer};

/// The argument that makes the bench's own program the bare loop.
pub const ARGUMENT: &str = "--bare-loop";

/// Steps of a tick, as the server's reactors have them.
const SLOTS: usize = 20;
/// An RTP packet of 20 ms of G.711.
const PACKET: usize = 172;

/// One call of the bare loop: all that it does is here.
struct Leg {
    name: LegId,
    socket: UdpSocket,
    remote: SocketAddr,
    packet: [u8; PACKET],
    sequence: u16,
}

enum Change {
    Opened(Box<Leg>),
    Closed(LegId),
}

/// Answers calls on `port` until the process is ended.
pub fn run(port: u16) {
    let (sender, changes) = channel();
    thread::spawn(move || move_packets(&changes));
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free");
    socket.set_read_timeout(Some(Duration::from_millis(20))).expect("set");
    let local = socket.local_addr().expect("bound");
    let settings = Settings {
        advertise: Some(local.ip()),
        udp_port: port,
        calls: 10_000,
        calls_per_second: 10_000,
        ..Settings::default()
    };
    let mut agent = UserAgent::new(settings, 1);
    let clock = Clock::start();
    let (mut buffer, mut out) = (vec![0; 65_535], Vec::new());
    loop {
        if let Ok((length, remote)) = socket.recv_from(&mut buffer) {
            let from = Peer { transport: TransportKind::Udp, local, remote, connection: None };
            agent.receive(clock.now(), from, &buffer[..length], &mut out);
        }
        agent.expire(clock.now(), &mut out);
        while !out.is_empty() {
            for output in std::mem::take(&mut out) {
                match output {
                    Output::Transmit { peer, bytes } => drop(socket.send_to(&bytes, peer.remote)),
                    Output::Event(SipEvent::Incoming(call)) => {
                        let (leg, command) = open(call.leg, local, &call.offer.expect("an offer"));
                        agent.handle(clock.now(), command, &mut out);
                        sender.send(Change::Opened(Box::new(leg))).expect("the loop runs");
                    }
                    Output::Event(SipEvent::Ended { leg, .. }) => {
                        sender.send(Change::Closed(leg)).expect("the loop runs");
                    }
                    Output::Event(_) => {}
                }
            }
        }
    }
}

fn open(name: LegId, local: SocketAddr, offer: &helpline::telephony::SessionDescription) -> (Leg, SipCommand) {
    let socket = UdpSocket::bind((local.ip(), 0)).expect("a port");
    socket.set_nonblocking(true).expect("set");
    let media = LocalMedia {
        address: local.ip(),
        port: socket.local_addr().expect("bound").port(),
        session_id: 1,
        version: 1,
        codecs: &[Codec::Pcmu],
        inband_digits: InbandDigits::Off,
    };
    let agreed = answer(offer, &media).expect("the generator speaks PCMU");
    let mut packet = [0xff; PACKET];
    packet[..12].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
    let remote = agreed.plan.remote.expect("an address");
    let command = SipCommand::Answer { leg: name, description: agreed.description };
    (Leg { name, socket, remote, packet, sequence: 0 }, command)
}

fn move_packets(changes: &Receiver<Change>) {
    let mut slots: Vec<Vec<Leg>> = (0..SLOTS).map(|_| Vec::new()).collect();
    let mut opened = 0;
    let mut buffer = [0; 2_048];
    let start = Instant::now();
    for step in 0_u32.. {
        loop {
            match changes.try_recv() {
                Ok(Change::Opened(leg)) => {
                    slots[opened % SLOTS].push(*leg);
                    opened += 1;
                }
                Ok(Change::Closed(name)) => slots.iter_mut().for_each(|slot| slot.retain(|leg| leg.name != name)),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return,
            }
        }
        for leg in &mut slots[step as usize % SLOTS] {
            let _ = leg.socket.recv_from(&mut buffer);
            leg.packet[2..4].copy_from_slice(&leg.sequence.to_be_bytes());
            leg.packet[4..8].copy_from_slice(&(u32::from(leg.sequence) * 160).to_be_bytes());
            leg.sequence = leg.sequence.wrapping_add(1);
            let _ = leg.socket.send_to(&leg.packet, leg.remote);
        }
        let next = start + TICK / SLOTS as u32 * (step + 1);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}
