//! What a bridge does in single acts: jumps, silence, holds, and keys.

use std::sync::Arc;

use super::*;
use crate::media::rtp::Packet;
use crate::telephony::{Clip, PlaybackId};

/// Two bridged legs, with 160 samples said to the near one each tick.
struct Pair {
    near: Stream,
    far: Stream,
    frame: u32,
    shift: u32,
    ssrc: u32,
    sent: Vec<Sent>,
    told: Vec<StreamEvent>,
}

/// A packet that the far leg sent, with its tick.
struct Sent {
    frame: u32,
    header: Header,
    payload: Vec<u8>,
}

impl Pair {
    fn new(near: AudioPlan, far: AudioPlan) -> Pair {
        let mut pair = Pair {
            near: Stream::new(Moment::ZERO, near, TERMS, 1),
            far: Stream::new(Moment::ZERO, far, TERMS, 2),
            frame: 10,
            shift: 0,
            ssrc: 1,
            sent: Vec::new(),
            told: Vec::new(),
        };
        pair.near.bridge();
        pair.far.bridge();
        pair
    }

    fn now(&self) -> Moment {
        Moment::from_millis(u64::from(self.frame) * 20)
    }

    fn header(&self, payload_type: u8) -> Header {
        let timestamp = (self.frame * 160).wrapping_add(self.shift);
        Header { marker: false, payload_type, sequence: self.frame as u16, timestamp, ssrc: self.ssrc }
    }

    fn hear(&mut self, header: Header, payload: &[u8]) {
        let bytes = [&header.print()[..], payload].concat();
        let at = Moment::from_micros((self.now().as_micros()).saturating_sub(5_000));
        let told = &mut self.told;
        self.near.receive(at, address(4_000), &bytes, &mut |event| told.push(event));
    }

    fn tick(&mut self) {
        let mut buffer = [0; PACKET_MAX];
        let now = self.now();
        let mut lengths = Vec::new();
        let sent = self.far.tick_bridged(now, self.near.voice(), &mut buffer, &mut |_| ());
        if let Some(outgoing) = sent {
            lengths.push((buffer, outgoing.length));
            if let Some(voice) = self.near.voice()
                && let Some(again) = self.far.tick_again(voice, &mut buffer)
            {
                lengths.push((buffer, again.length));
            }
        }
        for (buffer, length) in lengths {
            let packet = Packet::parse(&buffer[..length]).expect("valid");
            self.sent.push(Sent { frame: self.frame, header: packet.header, payload: packet.payload.to_vec() });
        }
        self.frame += 1;
    }

    /// Says so many frames of a tone.
    fn say(&mut self, frames: u32) {
        for _ in 0..frames {
            let header = self.header(self.near.plan().payload_type);
            let codec = self.near.plan().codec;
            let payload: Vec<u8> =
                (0..160).map(|n| codecs::encode(codec, hum(header.timestamp.wrapping_add(n)))).collect();
            self.hear(header, &payload);
            self.tick();
        }
    }

    fn last_level(&self) -> i32 {
        let packet = self.sent.last().expect("it sends");
        packet
            .payload
            .iter()
            .map(|byte| i32::from(codecs::decode(self.far.plan().codec, *byte)).abs())
            .max()
            .expect("octets")
    }
}

/// A voice of 100 Hz.
fn hum(n: u32) -> i16 {
    ((f64::from(n % 80) / 80.0 * std::f64::consts::TAU).sin() * 8_000.0) as i16
}

#[test]
fn jumps_and_other_sources_are_followed_at_once() {
    for shift in [100_000, 1_600, 4_000, 0x8000_0000, (-1_600_i32) as u32, (-100_000_i32) as u32] {
        for ssrc in [1, 2] {
            let mut pair = Pair::new(plan(4_000, Codec::Pcmu), plan(5_000, Codec::Pcmu));
            pair.say(100);
            (pair.shift, pair.ssrc) = (shift, ssrc);
            let mut quiet = 0;
            for _ in 0..100 {
                pair.say(1);
                quiet += u32::from(pair.last_level() < 4_000);
            }
            assert!(quiet <= 1, "{shift:#x} {ssrc}: {quiet}");
            let delay = pair.near.voice().and_then(|voice| voice.delay()).expect("it is heard");
            assert!(delay <= 200, "{shift:#x} {ssrc}: {delay}");
        }
    }
}

#[test]
fn silence_that_is_not_sent_is_filled_with_noise() {
    let mut pair = Pair::new(plan(4_000, Codec::Pcmu), plan(5_000, Codec::Pcmu));
    pair.say(50);
    let header = pair.header(13);
    pair.hear(header, &[40]);
    for _ in 0..100 {
        pair.tick();
    }
    let level = pair.last_level();
    assert!((300..700).contains(&level), "{level}");
    pair.say(5);
    assert!(pair.last_level() > 7_000);
    assert_eq!(pair.near.voice().and_then(|voice| voice.delay()), Some(40), "nothing was added");
    // Without a word about noise it is silent soon.
    for _ in 0..100 {
        pair.tick();
    }
    assert_eq!(pair.last_level(), 0);
    pair.say(2);
    assert!(pair.last_level() > 7_000);
}

#[test]
fn holds_and_what_is_played_over_the_voice() {
    let mut pair = Pair::new(plan(4_000, Codec::Pcmu), plan(5_000, Codec::Pcmu));
    let play = |pair: &mut Pair, byte: u8, samples: usize, repeat| {
        let clip = Arc::new(Clip { pcmu: vec![byte; samples].into(), pcma: vec![byte; samples].into() });
        pair.far.play(PlaybackId(1), vec![clip], repeat);
    };
    pair.say(50);
    assert!(pair.last_level() > 7_000);
    play(&mut pair, 0x55, 160, true);
    pair.say(1);
    assert!(pair.sent.last().is_some_and(|packet| packet.payload == [0x55; 160]), "at once, and nothing of the voice");
    pair.say(500);
    assert!(pair.sent.last().is_some_and(|packet| packet.payload == [0x55; 160]));
    pair.far.stop();
    pair.say(1);
    assert!(pair.last_level() > 7_000, "at once again");
    assert!(
        pair.near.voice().and_then(|voice| voice.delay()).is_some_and(|delay| delay <= 200),
        "and not what is past"
    );
    play(&mut pair, 0x55, 320, false);
    pair.say(3);
    assert!(pair.last_level() > 7_000, "what ends gives way to the voice");
    // The near side is on hold: what it says is not heard.
    pair.near.change(pair.now(), AudioPlan { direction: Direction::SendOnly, ..plan(4_000, Codec::Pcmu) });
    pair.say(10);
    assert_eq!(pair.last_level(), 0);
    pair.near.change(pair.now(), plan(4_000, Codec::Pcmu));
    pair.say(3);
    assert!(pair.last_level() > 7_000);
    // The far side is on hold: nothing is sent to it.
    pair.far.change(pair.now(), AudioPlan { direction: Direction::ReceiveOnly, ..plan(5_000, Codec::Pcmu) });
    let sent = pair.sent.len();
    pair.say(100);
    assert_eq!(pair.sent.len(), sent);
    pair.far.change(pair.now(), plan(5_000, Codec::Pcmu));
    pair.say(1);
    assert!(pair.last_level() > 7_000);
    pair.near.unbridge();
    pair.tick();
    assert_eq!(pair.last_level(), 0);
    // Bridging cuts what is played within one frame.
    play(&mut pair, 0x55, 160, true);
    pair.tick();
    assert!(pair.sent.last().is_some_and(|packet| packet.payload == [0x55; 160]));
    pair.near.bridge();
    pair.far.bridge();
    pair.say(1);
    assert!(pair.sent.last().is_some_and(|packet| packet.payload != [0x55; 160]));
}

fn key(character: char) -> Digit {
    Digit::from_char(character).expect("a key")
}

/// The events that a pair sent: digits by first packet, and those of the ends with their duration.
fn events(pair: &Pair) -> (String, Vec<(char, u16)>) {
    let (mut begun, mut ended) = (String::new(), Vec::new());
    for packet in pair.sent.iter().filter(|packet| packet.header.payload_type == 101) {
        let digit = Digit::from_event(packet.payload[0]).expect("a key").as_char();
        if packet.header.marker {
            begun.push(digit);
        }
        if packet.payload[1] & 0x80 != 0 {
            ended.push((digit, u16::from_be_bytes([packet.payload[2], packet.payload[3]])));
        }
    }
    (begun, ended)
}

/// Presses a key as telephone-events for so many packets of 20 ms, with three ends; `lost` says which are lost.
fn press(pair: &mut Pair, character: char, packets: u32, mut lost: impl FnMut() -> bool) {
    let timestamp = pair.header(0).timestamp;
    for packet in 1..=packets + 2 {
        let duration = packet.min(packets) * 160;
        let flags = if packet >= packets { 0x8a } else { 0x0a };
        let header = Header { timestamp, ..pair.header(101) };
        if !lost() {
            pair.hear(header, &[key(character).event(), flags, (duration >> 8) as u8, duration as u8]);
        }
        pair.tick();
    }
}

/// The tones that are heard in what a pair sent.
fn tones(pair: &Pair) -> Vec<Digit> {
    let mut detector = crate::media::dtmf::inband::ToneDetector::new();
    let codec = pair.far.plan().codec;
    let audio = pair.sent.iter().filter(|packet| packet.header.payload_type == codec.payload_type());
    audio
        .filter_map(|packet| {
            let samples: Vec<i16> = packet.payload.iter().map(|byte| codecs::decode(codec, *byte)).collect();
            detector.hear(&samples)
        })
        .collect()
}

#[test]
fn keys_are_carried_once_as_events() {
    let mut rng = fastrand::Rng::with_seed(seed());
    let mut pair = Pair::new(plan(4_000, Codec::Pcma), plan(5_000, Codec::Pcmu));
    pair.say(20);
    for character in "0123456789*#ABCD".chars() {
        press(&mut pair, character, 6, || rng.u32(..100) < 20);
        pair.say(20);
    }
    let (begun, ended) = events(&pair);
    assert_eq!(begun, "0123456789*#ABCD");
    assert_eq!(ended.len(), 16 * 3, "each has three ends");
    assert!(ended.iter().all(|(_, duration)| (480..=2_400).contains(duration)), "{ended:?}");
    assert_eq!(pair.told.len(), 16, "and each is told");
    assert_eq!(tones(&pair), [], "never as tones too");
    // Sequence numbers have no gap, and there is never audio beside an event that goes on.
    for pair in pair.sent.windows(2) {
        assert_eq!(pair[1].header.sequence, pair[0].header.sequence.wrapping_add(1));
    }
    for packet in pair.sent.iter().filter(|packet| packet.header.marker && packet.header.payload_type == 101) {
        let beside = pair.sent.iter().filter(|other| (packet.frame..packet.frame + 3).contains(&other.frame));
        assert!(beside.into_iter().all(|other| other.header.payload_type == 101));
    }
}

#[test]
fn a_press_keeps_its_length() {
    let mut pair = Pair::new(plan(4_000, Codec::Pcmu), plan(5_000, Codec::Pcmu));
    pair.say(20);
    press(&mut pair, '7', 40, || false);
    pair.say(20);
    assert_eq!(events(&pair), ("7".to_owned(), vec![('7', 6_400); 3]));
    // All ends are lost: over after a while.
    let mut count = 0;
    press(&mut pair, '8', 6, || {
        count += 1;
        count >= 6
    });
    pair.say(40);
    let (begun, ended) = events(&pair);
    assert_eq!(begun, "78");
    assert!((1_280..=2_400).contains(&ended[3].1), "{ended:?}");
}

#[test]
fn keys_are_carried_once_as_tones() {
    let far = AudioPlan { telephone_event: None, ..plan(5_000, Codec::Pcma) };
    let mut pair = Pair::new(plan(4_000, Codec::Pcmu), far);
    pair.say(20);
    for character in "147#".chars() {
        press(&mut pair, character, 5, || false);
        pair.say(20);
    }
    assert_eq!(tones(&pair), "147#".chars().map(key).collect::<Vec<_>>());
    assert!(pair.sent.iter().all(|packet| packet.header.payload_type == 8));
}

/// Says the tones of a key for five frames.
fn sound(pair: &mut Pair, character: char) {
    let mut keypad = Keypad::default();
    keypad.press(key(character));
    keypad.release(Length::Samples(800));
    for _ in 0..5 {
        let mut payload = [0; 160];
        assert!(keypad.tone(Codec::Pcmu, &mut payload));
        let header = pair.header(0);
        pair.hear(header, &payload);
        pair.tick();
    }
}

#[test]
fn tones_become_events_or_stay_tones_and_never_both() {
    let near = AudioPlan { telephone_event: None, inband_digits: true, ..plan(4_000, Codec::Pcmu) };
    for events_agreed in [true, false] {
        let far = AudioPlan { telephone_event: events_agreed.then_some(101), ..plan(5_000, Codec::Pcmu) };
        let mut pair = Pair::new(near.clone(), far);
        pair.say(20);
        for character in "2580".chars() {
            sound(&mut pair, character);
            pair.say(20);
        }
        let keys: Vec<Digit> = "2580".chars().map(key).collect();
        let (begun, ended) = events(&pair);
        if events_agreed {
            assert_eq!((begun.as_str(), tones(&pair)), ("2580", vec![]));
            assert_eq!(ended.len(), 12);
        } else {
            assert_eq!((begun.as_str(), tones(&pair)), ("", keys.clone()));
        }
        let told: Vec<StreamEvent> = keys.iter().map(|key| StreamEvent::Digit(*key, DigitSource::Inband)).collect();
        assert_eq!(pair.told, told);
    }
}

#[test]
fn a_key_that_was_for_us_is_not_heard_by_the_other_when_it_ends_in_the_bridge() {
    let near = AudioPlan { telephone_event: None, inband_digits: true, ..plan(4_000, Codec::Pcmu) };
    for events_agreed in [true, false] {
        let far = AudioPlan { telephone_event: events_agreed.then_some(101), ..plan(5_000, Codec::Pcmu) };
        let mut pair = Pair::new(near.clone(), far);
        pair.near.unbridge();
        let mut keypad = Keypad::default();
        keypad.press(key('5'));
        keypad.release(Length::Samples(4_000));
        let mut bridged = false;
        for _ in 0..25 {
            let mut payload = [0; 160];
            assert!(keypad.tone(Codec::Pcmu, &mut payload));
            let header = pair.header(0);
            pair.hear(header, &payload);
            if !bridged && !pair.told.is_empty() {
                bridged = true;
                pair.sent.clear();
                pair.near.bridge();
            }
            pair.tick();
        }
        assert!(bridged, "the key was told while it was down");
        assert_eq!((tones(&pair), events(&pair).0.as_str()), (vec![], ""));
        assert!(pair.last_level() < 100, "{}", pair.last_level());
        pair.say(20);
        assert!(pair.last_level() > 7_000, "then the voice is heard");
        sound(&mut pair, '7');
        pair.say(20);
        assert_eq!(pair.told.len(), 2, "and the next key is passed on");
        assert_eq!(tones(&pair).len() + events(&pair).0.len(), 1);
    }
}
