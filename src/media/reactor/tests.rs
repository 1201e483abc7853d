//! The reactor on real sockets of the loopback address, at whatever pace the machine has.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver};

use super::*;
use crate::media::rtp::{self, Header, Packet};
use crate::media::{codecs, rtcp};
use crate::telephony::{
    AudioPlan, Clip, Codec, Digit, DigitSource, Direction, LegId, MediaTally, PlaybackId, StreamReport,
};

const LEG: LegId = LegId::inbound(1);

/// A phone, and a reactor that tells the test.
struct Bench {
    settings: Settings,
    reactor: Reactor,
    events: Receiver<MediaEvent>,
    phone: UdpSocket,
    control: UdpSocket,
    port: u16,
}

impl Bench {
    fn new(address: IpAddr) -> Bench {
        let (told, events) = mpsc::channel();
        let settings = Settings::new(Clock::start(), 1);
        let reactor =
            Reactor::start(settings, move |events| events.for_each(|event| drop(told.send(event)))).expect("a thread");
        let phone = UdpSocket::bind((address, 0)).expect("a port");
        let control = UdpSocket::bind((address, 0)).expect("a port");
        Bench { settings, reactor, events, phone, control, port: free_pair(address) }
    }

    fn plan(&self) -> AudioPlan {
        AudioPlan {
            remote: Some(self.phone.local_addr().expect("bound")),
            remote_rtcp: Some(self.control.local_addr().expect("bound")),
            codec: Codec::Pcma,
            payload_type: 8,
            telephone_event: Some(101),
            direction: Direction::SendReceive,
            packet_ms: 20,
            inband_digits: false,
        }
    }

    fn open(&self, plan: AudioPlan) {
        self.reactor.send(MediaCommand::Open { leg: LEG, port: self.port, plan });
    }

    /// The next event that is no tally.
    fn told(&self) -> MediaEvent {
        loop {
            match self.events.recv().expect("the reactor runs") {
                MediaEvent::Tally(_) => {}
                event => return event,
            }
        }
    }

    fn say(&self, header: Header, payload: &[u8]) {
        let address = SocketAddr::new(self.phone.local_addr().expect("bound").ip(), self.port);
        self.phone.send_to(&[&header.print()[..], payload].concat(), address).expect("sent");
    }
}

/// An even port with a free one above it, below those that the system gives out by itself, and no other test's.
fn free_pair(address: IpAddr) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let own = (std::process::id() % 100) as u16 * 200;
    loop {
        let port = 10_000 + (own + NEXT.fetch_add(2, Relaxed)) % 20_000;
        if UdpSocket::bind((address, port)).is_ok() && UdpSocket::bind((address, port + 1)).is_ok() {
            return port;
        }
    }
}

fn hear(socket: &UdpSocket) -> (Header, Vec<u8>) {
    let mut buffer = [0; 2_048];
    let (length, _) = socket.recv_from(&mut buffer).expect("a datagram");
    let packet = Packet::parse(&buffer[..length]).expect("RTP");
    (packet.header, packet.payload.to_vec())
}

fn key(sequence: u16) -> Header {
    Header { marker: true, payload_type: 101, sequence, timestamp: 800, ssrc: 9 }
}

/// A call: silence from the answer on, a prompt, a key that stops it, the next prompt to its end, goodbye.
fn whole_call(address: IpAddr) {
    let bench = Bench::new(address);
    bench.open(bench.plan());
    let (first, silence) = hear(&bench.phone);
    assert!(first.marker && silence.iter().all(|byte| *byte == codecs::silence(Codec::Pcma)));
    let clip =
        |byte: u8, samples: usize| Arc::new(Clip { pcmu: vec![0; samples].into(), pcma: vec![byte; samples].into() });
    let play = |playback, clips| {
        bench.reactor.send(MediaCommand::Play { leg: LEG, playback: PlaybackId(playback), clips, repeat: false });
    };
    play(1, vec![clip(1, 800_000)]);
    while hear(&bench.phone).1[0] != 1 {}
    bench.say(key(1), &[5, 10, 0, 160]);
    let digit = Digit::from_event(5).expect("a key");
    assert_eq!(bench.told(), MediaEvent::Digit { leg: LEG, digit, source: DigitSource::Rtp });
    play(2, vec![clip(2, 160), clip(3, 160)]);
    assert_eq!(bench.told(), MediaEvent::PlaybackFinished { leg: LEG, playback: PlaybackId(2) });
    let mut before = first;
    let mut heard = Vec::new();
    while heard.last() != Some(&3) {
        let (header, payload) = hear(&bench.phone);
        // What was cut off fades out below the first 5 ms of what follows.
        assert!(payload[40..].iter().all(|byte| *byte == payload[40]));
        assert_eq!(header.ssrc, before.ssrc);
        heard.push(payload[40]);
        before = header;
    }
    assert_eq!(heard[heard.len() - 2..], [2, 3]);
    bench.reactor.send(MediaCommand::Close { leg: LEG });
    let MediaEvent::Closed { leg: LEG, report } = bench.told() else { panic!("it is closed") };
    assert_eq!((report.packets_received, report.packets_lost), (1, 0));
    assert!(report.packets_sent >= 4);
    // The port is free again, and the last RTCP packet says goodbye.
    UdpSocket::bind((address, bench.port)).expect("free");
    loop {
        let mut buffer = [0; 256];
        let (length, _) = bench.control.recv_from(&mut buffer).expect("a datagram");
        let compound = rtcp::Compound::parse(&buffer[..length]).expect("RTCP");
        if compound.packets().any(|packet| matches!(packet, rtcp::Packet::Goodbye { .. })) {
            break;
        }
    }
}

#[test]
fn a_whole_call() {
    whole_call(Ipv4Addr::LOCALHOST.into());
}

#[test]
fn a_whole_call_over_ipv6() {
    whole_call(Ipv6Addr::LOCALHOST.into());
}

#[test]
fn a_port_that_is_taken() {
    let bench = Bench::new(Ipv4Addr::LOCALHOST.into());
    let _taken = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, bench.port + 1)).expect("free");
    bench.open(bench.plan());
    let MediaEvent::Failed { leg: LEG, reason } = bench.told() else { panic!("it is taken") };
    assert!(reason.starts_with(&format!("port {}: ", bench.port)), "{reason}");
    // Commands for a leg that is gone do nothing.
    bench.reactor.send(MediaCommand::Stop { leg: LEG });
    bench.reactor.send(MediaCommand::Close { leg: LEG });
}

#[test]
fn held_moved_and_resumed() {
    let bench = Bench::new(Ipv4Addr::LOCALHOST.into());
    // No address yet, as before the answer to our offer.
    bench.open(AudioPlan { remote: None, remote_rtcp: None, ..bench.plan() });
    bench.reactor.send(MediaCommand::Change { leg: LEG, plan: AudioPlan { packet_ms: 10, ..bench.plan() } });
    assert_eq!(hear(&bench.phone).1.len(), 80);
    let other = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).expect("a port");
    let moved = AudioPlan { remote: Some(other.local_addr().expect("bound")), packet_ms: 40, ..bench.plan() };
    bench.reactor.send(MediaCommand::Change { leg: LEG, plan: moved });
    assert_eq!(hear(&other).1.len(), 320, "over the other family");
    bench.reactor.send(MediaCommand::Change { leg: LEG, plan: bench.plan() });
    while hear(&bench.phone).1.len() != 160 {}
    bench.reactor.send(MediaCommand::Close { leg: LEG });
    assert!(matches!(bench.told(), MediaEvent::Closed { leg: LEG, .. }));
}

#[test]
fn stopping_closes_all_legs_and_counts_all_packets() {
    let mut bench = Bench::new(Ipv4Addr::LOCALHOST.into());
    let mut sent = 0;
    let legs = 30;
    let address = IpAddr::from(Ipv4Addr::LOCALHOST);
    for n in 0..legs {
        let port = free_pair(address);
        bench.reactor.send(MediaCommand::Open { leg: LegId::inbound(n), port, plan: bench.plan() });
    }
    for _ in 0..legs {
        hear(&bench.phone);
    }
    bench.reactor.stop();
    let (mut closed, mut tally) = (Vec::new(), MediaTally::default());
    for event in bench.events.try_iter() {
        match event {
            MediaEvent::Closed { leg, report: StreamReport { packets_sent, .. } } => {
                closed.push(leg);
                sent += packets_sent;
            }
            MediaEvent::Tally(more) => {
                tally.packets_sent += more.packets_sent;
                tally.ticks_late.iter_mut().zip(more.ticks_late).for_each(|(all, more)| *all += more);
            }
            other => panic!("{other:?}"),
        }
    }
    closed.sort();
    assert_eq!(closed, (0..legs).map(LegId::inbound).collect::<Vec<_>>());
    assert_eq!(tally.packets_sent, sent);
    assert!(tally.ticks_late.iter().sum::<u64>() > 0);
    bench.reactor.send(MediaCommand::Stop { leg: LEG });
}

#[test]
fn the_kernel_tells_when_a_packet_came() {
    let address = IpAddr::from(Ipv4Addr::LOCALHOST);
    let number = free_pair(address);
    let port = port::Port::open(address, number).expect("free");
    let phone = UdpSocket::bind((address, 0)).expect("a port");
    let clock = Clock::start();
    let mut sent = Vec::new();
    for n in 0..11_u8 {
        phone.send_to(&[n; 40], (address, number)).expect("sent");
        sent.push(clock.now());
        thread::sleep(Duration::from_millis(2));
    }
    let mut reader = port::Reader::new();
    let now = clock.now();
    reader.set_now(now);
    let mut read = Vec::new();
    reader.read(&port.rtp, true, |arrival, from, bytes| {
        assert_eq!((from, bytes.len()), (phone.local_addr().expect("bound"), 40));
        read.push((arrival, bytes[0]));
    });
    assert_eq!(read.iter().map(|(_, n)| *n).collect::<Vec<_>>(), (0..11).collect::<Vec<_>>());
    if cfg!(target_os = "linux") {
        assert!(read.windows(2).all(|pair| pair[1].0 - pair[0].0 >= Duration::from_millis(1)), "{read:?}");
        assert!(read[0].0 <= sent[0] + Duration::from_millis(1), "{read:?} {sent:?}");
    }
    // Nothing is left.
    reader.read(&port.rtp, true, |_, _, bytes| panic!("{bytes:?}"));
    assert!(!rtp::is_control(&[0; 40]));
}

/// A phone at a leg of its own.
struct Phone {
    socket: UdpSocket,
    port: u16,
    plan: AudioPlan,
    sequence: u16,
}

impl Phone {
    fn new(bench: &Bench, leg: LegId, codec: Codec) -> Phone {
        Phone::on(&bench.reactor, bench, leg, codec)
    }

    fn on(reactor: &Reactor, bench: &Bench, leg: LegId, codec: Codec) -> Phone {
        let address = IpAddr::from(Ipv4Addr::LOCALHOST);
        let socket = UdpSocket::bind((address, 0)).expect("a port");
        let remote = Some(socket.local_addr().expect("bound"));
        let plan = AudioPlan { remote, remote_rtcp: None, codec, payload_type: codec.payload_type(), ..bench.plan() };
        let phone = Phone { socket, port: free_pair(address), plan, sequence: 0 };
        reactor.send(MediaCommand::Open { leg, port: phone.port, plan: phone.plan.clone() });
        phone
    }

    /// Says 20 ms of one byte.
    fn say(&mut self, byte: u8) {
        let timestamp = u32::from(self.sequence) * 160;
        let header = Header {
            marker: false,
            payload_type: self.plan.payload_type,
            sequence: self.sequence,
            timestamp,
            ssrc: self.port.into(),
        };
        self.sequence += 1;
        let packet = [&header.print()[..], &[byte; 160]].concat();
        self.socket.send_to(&packet, (Ipv4Addr::LOCALHOST, self.port)).expect("sent");
    }
}

#[test]
fn bridged_legs_hear_each_other_soon() {
    let bench = Bench::new(Ipv4Addr::LOCALHOST.into());
    let mut caller = Phone::new(&bench, LEG, Codec::Pcma);
    let other = LegId::outbound(1);
    let agent = Phone::new(&bench, other, Codec::Pcmu);
    let music = Arc::new(Clip { pcmu: vec![1; 1_600].into(), pcma: vec![1; 1_600].into() });
    for (leg, playback) in [(LEG, 1), (other, 2)] {
        let clips = vec![Arc::clone(&music)];
        bench.reactor.send(MediaCommand::Play { leg, playback: PlaybackId(playback), clips, repeat: true });
    }
    while hear(&caller.socket).1[0] != 1 || hear(&agent.socket).1[0] != 1 {}
    bench.reactor.send(MediaCommand::Bridge { leg: LEG, with: other });
    // The caller says another byte in each packet; the agent's side tells when it hears which.
    let hears = agent.socket.try_clone().expect("a socket");
    let listener = thread::spawn(move || {
        let mut heard = Vec::new();
        while heard.len() < 150 {
            let (header, payload) = hear(&hears);
            heard.push((std::time::Instant::now(), header, payload));
        }
        heard
    });
    let mut said = Vec::new();
    let began = std::time::Instant::now();
    for n in 0..110_u32 {
        thread::sleep((began + Duration::from_millis(20) * n).saturating_duration_since(std::time::Instant::now()));
        said.push((std::time::Instant::now(), codecs::transcode(Codec::Pcma, Codec::Pcmu, n as u8)));
        caller.say(n as u8);
    }
    let heard = listener.join().expect("it listened");
    // What comes over the bridge is whole; where the machine was late a packet may have been made up in between.
    let mut delays = Vec::new();
    for (at, header, payload) in &heard {
        assert_eq!(header.payload_type, 0);
        if payload.iter().all(|byte| *byte == payload[0])
            && let Some((when, _)) =
                said.iter().find(|(_, byte)| *byte == payload[0] && *byte != codecs::silence(Codec::Pcmu))
        {
            delays.push(at.saturating_duration_since(*when).as_secs_f64() * 1e3);
        }
    }
    delays.sort_by(f64::total_cmp);
    println!("{} of {} packets as they were said, after ms: {delays:.1?}", delays.len(), said.len());
    assert!(delays.len() >= 50, "most is heard as it was said");
    for pair in heard.windows(2) {
        assert_eq!(pair[1].1.sequence, pair[0].1.sequence.wrapping_add(1), "one stream");
        assert_eq!(pair[1].1.ssrc, pair[0].1.ssrc, "one stream");
    }
    // Closing one leg leaves the other in silence.
    bench.reactor.send(MediaCommand::Close { leg: LEG });
    assert!(matches!(bench.told(), MediaEvent::Closed { leg: LEG, .. }));
    agent.socket.set_nonblocking(true).expect("set");
    while agent.socket.recv(&mut [0; 2_048]).is_ok() {}
    agent.socket.set_nonblocking(false).expect("set");
    hear(&agent.socket);
    assert!(hear(&agent.socket).1.iter().all(|byte| *byte == codecs::silence(Codec::Pcmu)));
}

/// A second reactor beside the bench's, which tells the same test.
fn second(settings: Settings) -> (Reactor, Receiver<MediaEvent>) {
    let (told, events) = mpsc::channel();
    let reactor =
        Reactor::start(settings, move |events| events.for_each(|event| drop(told.send(event)))).expect("a thread");
    (reactor, events)
}

/// What a phone hears until there are so many packets, each with when it came.
fn listen(phone: &Phone, packets: usize) -> thread::JoinHandle<Vec<(std::time::Instant, Header, u8)>> {
    let socket = phone.socket.try_clone().expect("a socket");
    thread::spawn(move || {
        let mut heard = Vec::new();
        while heard.len() < packets {
            let (header, payload) = hear(&socket);
            heard.push((std::time::Instant::now(), header, payload[80]));
        }
        heard
    })
}

/// One stream without a packet missing, and the longest time between two, in milliseconds.
fn longest_gap(heard: &[(std::time::Instant, Header, u8)]) -> f64 {
    for pair in heard.windows(2) {
        assert_eq!(pair[1].1.sequence, pair[0].1.sequence.wrapping_add(1), "one stream");
        assert_eq!(pair[1].1.ssrc, pair[0].1.ssrc, "one stream");
        assert_eq!(pair[1].1.timestamp.wrapping_sub(pair[0].1.timestamp) % 8, 0);
    }
    let gaps = heard.windows(2).map(|pair| pair[1].0.duration_since(pair[0].0).as_secs_f64() * 1e3);
    gaps.fold(0.0, f64::max)
}

#[test]
fn a_leg_moves_to_another_reactor_and_is_one_stream() {
    let bench = Bench::new(Ipv4Addr::LOCALHOST.into());
    let (other, events) = second(Settings { seed: 2, ..bench.settings });
    let mut caller = Phone::new(&bench, LEG, Codec::Pcma);
    let place = LegId::outbound(1);
    let agent = Phone::on(&other, &bench, place, Codec::Pcma);
    let music = Arc::new(Clip { pcmu: vec![1; 80_000].into(), pcma: vec![1; 80_000].into() });
    for (reactor, leg) in [(&bench.reactor, LEG), (&other, place)] {
        reactor.send(MediaCommand::Music { leg, clips: vec![Arc::clone(&music)], together: false });
    }
    while hear(&caller.socket).1[80] != 1 || hear(&agent.socket).1[80] != 1 {}
    let heard = listen(&agent, 260);
    // There and back, again and again, and what is wanted of it meanwhile follows it.
    let turn = |n: usize| if n.is_multiple_of(2) { (&bench.reactor, &other) } else { (&other, &bench.reactor) };
    for n in 0..9 {
        let (to, from) = turn(n);
        thread::sleep(Duration::from_millis(37));
        from.hand_over(place, to);
        if n == 4 {
            let (back, there) = turn(n + 1);
            there.hand_over(place, back);
            back.hand_over(place, there);
        }
    }
    // At the end it is beside the caller, and hears them.
    bench.reactor.send(MediaCommand::Bridge { leg: LEG, with: place });
    let began = std::time::Instant::now();
    for n in 0..200_u32 {
        thread::sleep((began + Duration::from_millis(20) * n).saturating_duration_since(std::time::Instant::now()));
        caller.say(7);
    }
    let heard = heard.join().expect("it listened");
    let gap = longest_gap(&heard);
    println!("the longest gap of eleven moves: {gap:.1} ms");
    let first = heard.iter().position(|(_, _, byte)| *byte == 7).expect("the caller is heard");
    assert!(heard[..first - 1].iter().all(|(_, _, byte)| *byte == 1), "the music went on");
    // It is told of where it is, and its numbers are those of the whole.
    bench.reactor.send(MediaCommand::Close { leg: place });
    let MediaEvent::Closed { leg, report } = bench.told() else { panic!("it is closed") };
    assert!(leg == place && report.packets_sent >= 260, "{report:?}");
    drop(other);
    assert!(events.try_iter().all(|event| matches!(event, MediaEvent::Tally(_))), "nothing else was told elsewhere");
}

#[test]
fn a_leg_that_is_gone_holds_nobody_up() {
    let bench = Bench::new(Ipv4Addr::LOCALHOST.into());
    let (other, _events) = second(bench.settings);
    bench.open(bench.plan());
    let nobody = LegId::outbound(7);
    other.hand_over(nobody, &bench.reactor);
    let clip = Arc::new(Clip { pcmu: vec![1; 160].into(), pcma: vec![1; 160].into() });
    bench.reactor.send(MediaCommand::Bridge { leg: LEG, with: nobody });
    bench.reactor.send(MediaCommand::Play { leg: LEG, playback: PlaybackId(1), clips: vec![clip], repeat: false });
    assert_eq!(bench.told(), MediaEvent::PlaybackFinished { leg: LEG, playback: PlaybackId(1) });
}

#[test]
fn a_reactor_that_ends_closes_what_has_come_to_it() {
    let mut bench = Bench::new(Ipv4Addr::LOCALHOST.into());
    let (mut other, events) = second(bench.settings);
    bench.open(bench.plan());
    hear(&bench.phone);
    bench.reactor.hand_over(LEG, &other);
    bench.reactor.stop();
    other.stop();
    let closed = |event: &MediaEvent| matches!(event, MediaEvent::Closed { leg: LEG, .. });
    assert_eq!(events.try_iter().filter(closed).count() + bench.events.try_iter().filter(closed).count(), 1);
}

#[test]
fn few_legs_wake_the_thread_seldom_and_many_are_spread() {
    use crate::media::stream::{Stream, Terms};
    let address = IpAddr::from(Ipv4Addr::LOCALHOST);
    let bench = Bench::new(address);
    let terms = Terms { silence: Duration::from_secs(30), ntp_zero: 0 };
    let mut legs = legs::Legs::new();
    // (legs, how many slots have some), of packets of 20 ms.
    let scenarios = [(1, 1), (8, 1), (9, 2), (40, 5), (41, 6), (80, 10), (81, 10), (200, 10)];
    for (count, busy) in scenarios {
        while legs.len() < count {
            let number = free_pair(address);
            let port = port::Port::open(address, number).expect("free");
            let stream = Stream::new(crate::clock::Moment::ZERO, bench.plan(), terms, 1);
            legs.insert(LegId::inbound(legs.len() as u64), number, false, port, stream);
        }
        let of_slots: Vec<usize> = (0..legs::SLOTS)
            .map(|slot| {
                let mut turns = 0;
                legs.of_slot(slot, |_| turns += 1);
                turns
            })
            .collect();
        assert_eq!(of_slots.iter().filter(|turns| **turns > 0).count(), busy, "{of_slots:?}");
        let most = of_slots.iter().max().copied().unwrap_or(0);
        assert!(most <= 8.max(count.div_ceil(legs::SLOTS)), "{of_slots:?}");
        legs.assert_consistent();
    }
}

#[test]
fn bridges_in_any_order_stay_consistent() {
    use crate::media::stream::{Stream, Terms};
    let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let address = IpAddr::from(Ipv4Addr::LOCALHOST);
    let bench = Bench::new(address);
    let terms = Terms { silence: Duration::from_secs(30), ntp_zero: 0 };
    let mut legs = legs::Legs::new();
    let plan = |rng: &mut fastrand::Rng| AudioPlan { packet_ms: if rng.bool() { 10 } else { 20 }, ..bench.plan() };
    // Whom each leg is bridged with, as it should be.
    let mut expected = std::collections::BTreeMap::new();
    for _ in 0..3_000 {
        let [id, with] = [(); 2].map(|()| LegId::inbound(rng.u64(..8)));
        let part = |expected: &mut std::collections::BTreeMap<LegId, Option<LegId>>, id| {
            if let Some(Some(other)) = expected.get_mut(&id).map(Option::take)
                && let Some(before) = expected.get_mut(&other)
            {
                *before = None;
            }
        };
        match rng.u8(..6) {
            0 => {
                let number = free_pair(address);
                let port = port::Port::open(address, number).expect("free");
                let stream = Stream::new(crate::clock::Moment::ZERO, plan(&mut rng), terms, 1);
                legs.insert(id, number, false, port, stream);
                part(&mut expected, id);
                expected.insert(id, None);
            }
            1 => {
                assert_eq!(legs.remove(id).is_some(), expected.contains_key(&id));
                part(&mut expected, id);
                expected.remove(&id);
            }
            2 => {
                legs.unbridge(id);
                part(&mut expected, id);
            }
            4 => {
                // It comes from another reactor, in time or late.
                if let Some(leg) = legs.remove(id) {
                    part(&mut expected, id);
                    let next = rng.u64(..40);
                    legs.adopt(leg, next, |slot| crate::clock::Moment::from_millis(slot * 2));
                }
            }
            3 => {
                if let Some(leg) = legs.find(id) {
                    leg.stream.change(crate::clock::Moment::ZERO, plan(&mut rng));
                }
                legs.settle(id);
            }
            _ => {
                let both = id != with && expected.contains_key(&id) && expected.contains_key(&with);
                assert_eq!(legs.bridge(id, with, |slot| crate::clock::Moment::from_millis(slot as u64 * 2)), both);
                if both {
                    part(&mut expected, id);
                    part(&mut expected, with);
                    expected.insert(id, Some(with));
                    expected.insert(with, Some(id));
                }
            }
        }
        legs.assert_consistent();
        for (id, with) in &expected {
            let turn = legs.turn(*id).expect("it is here");
            assert_eq!(turn.with.as_ref().map(|with| with.id), *with);
            assert_eq!(turn.leg.stream.voice().is_some(), with.is_some());
        }
    }
}

/// What the system prefers of the threads with this name: a nice value each.
#[cfg(target_os = "linux")]
fn niceness(name: &str) -> Vec<i32> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("there is a system").flatten();
    // A thread that ends meanwhile is none.
    let stats = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
    let named = stats.filter(|stat| stat.contains(&format!("({name})")));
    // The nineteenth field; the second, the name, may have blanks in it (proc_pid_stat(5)).
    named.filter_map(|stat| stat.rsplit(')').next()?.split_whitespace().nth(16)?.parse().ok()).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn media_comes_first_where_the_system_allows_it() {
    let bench = Bench::new(IpAddr::from(Ipv4Addr::LOCALHOST));
    bench.open(bench.plan());
    // It sends, so it has asked before.
    hear(&bench.phone);
    let allowed = thread::spawn(|| rustix::process::setpriority_process(None, NICENESS).is_ok());
    let usual = rustix::process::getpriority_process(None).expect("there is one");
    let expected = if allowed.join().expect("it ends") { NICENESS } else { usual };
    // Others' reactors may begin at the same time.
    assert!(niceness("media").contains(&expected), "{:?}, not {expected}", niceness("media"));
    assert_eq!(rustix::process::getpriority_process(None), Ok(usual), "nothing else is preferred");
}
