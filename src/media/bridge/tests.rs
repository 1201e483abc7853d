//! Two legs in virtual time, with a network between each and its phone.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use super::*;
use crate::media::stream::{PACKET_MAX, Stream, StreamEvent, Terms};
use crate::telephony::{AudioPlan, Direction};

mod pair;

const TERMS: Terms = Terms { silence: Duration::from_secs(3_600), ntp_zero: 0 };

fn seed() -> u64 {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("SEED={seed}");
    seed
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn plan(port: u16, codec: Codec) -> AudioPlan {
    AudioPlan {
        remote: Some(address(port)),
        remote_rtcp: None,
        codec,
        payload_type: codec.payload_type(),
        telephone_event: Some(101),
        direction: Direction::SendReceive,
        packet_ms: 20,
        inband_digits: false,
    }
}

/// How a phone's packets travel.
#[derive(Clone, Copy, Debug)]
struct Network {
    packet_ms: u32,
    /// Microseconds of delay beyond the least: even up to it, or normal with it as the deviation.
    jitter_us: u32,
    is_normal: bool,
    loss_percent: u32,
    /// Packets lost in a row.
    burst: u32,
    doubled_percent: u32,
    /// How fast the phone's clock is, in parts per million.
    drift_ppm: i64,
    /// When the first packet is sent, in microseconds.
    phase_us: u64,
}

const STEADY: Network = Network {
    packet_ms: 20,
    jitter_us: 0,
    is_normal: false,
    loss_percent: 0,
    burst: 1,
    doubled_percent: 0,
    drift_ppm: 0,
    phase_us: 7_300,
};

/// What one phone says: at each sample of its clock a byte.
type Audio = fn(u32) -> u8;

/// Never the same, and loud.
fn noise(n: u32) -> u8 {
    let mut mixed = n.wrapping_add(1).wrapping_mul(0x9e37_79b1);
    for shift in [15, 13, 16] {
        mixed = (mixed ^ mixed >> shift).wrapping_mul(0x85eb_ca6b);
    }
    (mixed >> 24) as u8 & 0xbf
}

/// The same with pauses: 700 ms of it, 300 ms of silence.
fn words(n: u32) -> u8 {
    if n % 8_000 < 5_600 { noise(n) } else { 0xff }
}

/// What the other phone is sent, each packet with its moment in microseconds.
struct Heard {
    packets: Vec<(u64, rtc_rtp::Packet)>,
    events: Vec<StreamEvent>,
    delay_max: u32,
}

/// Lets a phone speak for `seconds` to one leg, and hears what the other sends.
fn run(seconds: u64, network: Network, audio: Audio, plans: [AudioPlan; 2]) -> Heard {
    use rtc_shared::marshal::Unmarshal;
    let mut rng = fastrand::Rng::with_seed(seed());
    let [mut near, mut far] = plans.map(|plan| Stream::new(Moment::ZERO, plan, TERMS, rng.u64(..)));
    near.bridge();
    far.bridge();
    let mut on_the_way: BTreeMap<(u64, u32), (Header, Vec<u8>)> = BTreeMap::new();
    let mut heard = Heard { packets: Vec::new(), events: Vec::new(), delay_max: 0 };
    let length = network.packet_ms * 8;
    let (mut packet, mut losing, mut buffer) = (0_u32, 0, [0; PACKET_MAX]);
    for tick in 0..seconds * 50 {
        let now_us = tick * 20_000;
        loop {
            let ideal = u64::from(packet) * u64::from(network.packet_ms) * 1_000;
            let sent = network.phase_us + (ideal as i64 - ideal as i64 * network.drift_ppm / 1_000_000) as u64;
            if sent > now_us {
                break;
            }
            let timestamp = packet * length;
            let header = Header {
                marker: packet == 0,
                payload_type: near.plan().payload_type,
                sequence: (packet + 65_000) as u16,
                timestamp: timestamp.wrapping_add(0xffff_0000),
                ssrc: 5,
            };
            let payload: Vec<u8> = (timestamp..timestamp + length).map(audio).collect();
            if losing == 0 && rng.u32(..100 * network.burst) < network.loss_percent {
                losing = network.burst;
            }
            let copies = 1 + u32::from(rng.u32(..100) < network.doubled_percent);
            for copy in 0..if losing > 0 { 0 } else { copies } {
                let even = |rng: &mut fastrand::Rng| rng.f64() * f64::from(network.jitter_us);
                let late = if network.is_normal {
                    let normal = (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0;
                    ((normal + 3.0) * f64::from(network.jitter_us)).max(0.0)
                } else {
                    even(&mut rng)
                };
                on_the_way.insert((sent + late as u64, packet * 2 + copy), (header, payload.clone()));
            }
            losing = losing.saturating_sub(1);
            packet += 1;
        }
        while let Some(entry) = on_the_way.first_entry().filter(|entry| entry.key().0 <= now_us) {
            let at = Moment::from_micros(entry.key().0);
            let (header, payload) = entry.remove();
            let bytes = [&header.print()[..], &payload].concat();
            assert!(near.receive(at, address(4_000), &bytes, &mut |event| heard.events.push(event)));
        }
        let now = Moment::from_micros(now_us);
        let voice = near.voice().expect("it is bridged");
        if let Some(outgoing) = far.tick_bridged(now, Some(voice), &mut buffer, &mut |_| ()) {
            let packet = rtc_rtp::Packet::unmarshal(&mut &buffer[..outgoing.length]).expect("valid");
            heard.packets.push((now_us, packet));
        }
        heard.delay_max = heard.delay_max.max(voice.delay().unwrap_or(0));
    }
    heard
}

/// Where each packet that was heard comes from, if it is audio as it was said: the milliseconds from when that would have
/// been sent to when it was heard.
fn delays(heard: &Heard, audio: Audio, phase_us: u64) -> Vec<f64> {
    let mut delays = Vec::new();
    let mut before = 0;
    for (at, packet) in &heard.packets {
        // Packets that sound like no other.
        if packet.payload.iter().filter(|byte| **byte == 0xff).count() > 20 {
            continue;
        }
        let latest = (*at / 125) as u32;
        let matches = |back: &u32| (latest - back..).zip(&packet.payload[..]).all(|(n, byte)| audio(n) == *byte);
        let found = Some(before).filter(|back| *back <= latest).filter(matches);
        if let Some(back) = found.or_else(|| (0..=latest.min(4_000)).find(matches)) {
            before = back;
            delays.push(f64::from(back) / 8.0 - phase_us as f64 / 1_000.0);
        }
    }
    delays
}

/// The longest time for which what was heard is as good as silent, in milliseconds, the beginning left out.
fn longest_gap(heard: &Heard) -> usize {
    let (mut longest, mut silent) = (0, 0);
    for (_, packet) in &heard.packets[25..] {
        for block in packet.payload.chunks(40) {
            let power: f64 =
                block.iter().map(|byte| f64::from(codecs::decode(Codec::Pcmu, *byte)).powi(2)).sum::<f64>() / 40.0;
            silent = if power.sqrt() < 300.0 { silent + 5 } else { 0 };
            longest = longest.max(silent);
        }
    }
    longest
}

fn same_codec() -> [AudioPlan; 2] {
    [plan(4_000, Codec::Pcmu), plan(5_000, Codec::Pcmu)]
}

#[test]
fn what_is_not_lost_passes_exactly_and_soon() {
    for packet_ms in [10, 20, 30, 40, 60] {
        for phase_us in [0, 100, 1_000, 7_300, 13_000, 17_900, 18_100, 19_999] {
            let network = Network { packet_ms, phase_us, ..STEADY };
            let heard = run(10, network, noise, same_codec());
            let audio: Vec<u8> = heard.packets.iter().flat_map(|(_, packet)| packet.payload.to_vec()).collect();
            let begins = audio.windows(80).position(|window| (0..80).all(|n| window[n] == noise(n as u32)));
            let begins = begins.unwrap_or_else(|| panic!("{network:?}: the first word is there"));
            for (n, byte) in audio[begins..].iter().enumerate() {
                assert_eq!(*byte, noise(n as u32), "{network:?}, sample {n}");
            }
            let all = delays(&heard, noise, phase_us);
            assert!(all.iter().all(|delay| *delay == all[0]), "{network:?}: constant");
            let added = all[0];
            // Frames that straddle two packets wait for the second.
            let straddles = if packet_ms == 30 || packet_ms == 10 { 10.0 } else { 0.0 };
            assert!((1.8..=22.0 + straddles).contains(&added), "{network:?}: {added} ms");
        }
    }
}

#[test]
fn jitter_and_loss_leave_no_gap_and_little_delay() {
    let check = |network: Network, delay_max: f64, gap_max: usize, as_said_min: f64| {
        let heard = run(120, network, noise, same_codec());
        let all = delays(&heard, noise, network.phase_us);
        let mean_ms = if network.is_normal { f64::from(network.jitter_us) * 3.0 / 1_000.0 } else { 0.0 };
        let longest = all.iter().copied().fold(0.0, f64::max) - mean_ms;
        let share = all.len() as f64 / heard.packets.len() as f64;
        let gap = longest_gap(&heard);
        println!("{network:?}: at most {longest} ms later, gaps up to {gap} ms, {:.1} % as it was said", share * 100.0);
        assert!(longest <= delay_max, "{network:?}: {longest} ms");
        assert!(gap <= gap_max, "{network:?}: {gap} ms");
        assert!(share >= as_said_min, "{network:?}: {share}");
    };
    check(Network { jitter_us: 20_000, loss_percent: 5, ..STEADY }, 60.0, 40, 0.85);
    check(Network { jitter_us: 40_000, loss_percent: 5, ..STEADY }, 80.0, 40, 0.85);
    check(Network { jitter_us: 20_000, is_normal: true, loss_percent: 5, ..STEADY }, 80.0, 40, 0.8);
    check(Network { loss_percent: 5, ..STEADY }, 22.0, 40, 0.88);
    check(Network { loss_percent: 5, burst: 2, ..STEADY }, 42.0, 40, 0.88);
    check(Network { jitter_us: 5_000, doubled_percent: 20, ..STEADY }, 30.0, 0, 0.97);
    check(Network { jitter_us: 20_000, packet_ms: 10, loss_percent: 5, ..STEADY }, 70.0, 40, 0.8);
    check(Network { jitter_us: 20_000, packet_ms: 40, loss_percent: 2, ..STEADY }, 80.0, 60, 0.85);
}

#[test]
fn clocks_that_differ_for_hours() {
    for drift_ppm in [-300, -50, 50, 300] {
        let network = Network { drift_ppm, ..STEADY };
        let heard = run(2_400, network, words, same_codec());
        let longest = f64::from(heard.delay_max) / 8.0;
        println!("{drift_ppm} ppm: the buffer holds at most {longest} ms");
        assert!(longest <= 30.0, "{drift_ppm} ppm: {longest} ms");
        let mut gap = 0;
        for pair in heard.packets.windows(2) {
            // A pause of 300 ms is the longest that there is in the words.
            let quiet = |packet: &rtc_rtp::Packet| packet.payload.iter().all(|byte| *byte == 0xff);
            gap = if quiet(&pair[1].1) { gap + 20 } else { 0 };
            assert!(gap <= 340, "{drift_ppm} ppm");
        }
    }
}

#[test]
fn delay_shrinks_again_when_the_network_is_steady_again() {
    let mut near = Stream::new(Moment::ZERO, plan(4_000, Codec::Pcmu), TERMS, 1);
    let mut far = Stream::new(Moment::ZERO, plan(5_000, Codec::Pcmu), TERMS, 2);
    near.bridge();
    far.bridge();
    let mut rng = fastrand::Rng::with_seed(seed());
    let mut waiting: VecDeque<(u64, u32)> = VecDeque::new();
    let mut buffer = [0; PACKET_MAX];
    let mut delays = Vec::new();
    for frame in 0..2_000_u32 {
        let now = u64::from(frame) * 20_000;
        let late = if frame < 500 { rng.u64(..60_000) } else { 0 };
        waiting.push_back((now + late, frame));
        waiting.make_contiguous().sort_unstable();
        while let Some((at, frame)) = waiting.pop_front_if(|(at, _)| *at <= now) {
            let payload: Vec<u8> = (frame * 160..(frame + 1) * 160).map(words).collect();
            let header =
                Header { marker: false, payload_type: 0, sequence: frame as u16, timestamp: frame * 160, ssrc: 1 };
            let bytes = [&header.print()[..], &payload].concat();
            near.receive(Moment::from_micros(at), address(4_000), &bytes, &mut |_| ());
        }
        far.tick_bridged(Moment::from_micros(now), near.voice(), &mut buffer, &mut |_| ());
        delays.push(near.voice().and_then(|voice| voice.delay()).unwrap_or(0) / 8);
    }
    println!("{:?}", delays.iter().step_by(50).collect::<Vec<_>>());
    assert!(delays[499] >= 50 && delays[499] <= 100);
    assert!(delays[1_200] <= 30, "{}", delays[1_200]);
}

#[test]
fn another_codec_hears_the_same() {
    for (from, to) in [(Codec::Pcmu, Codec::Pcma), (Codec::Pcma, Codec::Pcmu)] {
        let heard = run(3, STEADY, noise, [plan(4_000, from), plan(5_000, to)]);
        let audio: Vec<u8> = heard.packets[50..].iter().flat_map(|(_, packet)| packet.payload.to_vec()).collect();
        let said = |n| codecs::transcode(from, to, noise(n));
        let begins =
            (0..24_000_u32).find(|from| (0..80).all(|n| said(from + n) == audio[n as usize])).expect("as said");
        assert!(audio.iter().zip(begins..).all(|(byte, n)| *byte == said(n)));
        assert!(heard.packets.iter().all(|(_, packet)| packet.header.payload_type == to.payload_type()));
    }
}

#[test]
fn a_voice_is_small() {
    let size = size_of::<Voice>();
    assert!(size <= 10_240, "{size}");
}
