//! A stream in virtual time.

use rtc_shared::marshal::Unmarshal;

use super::*;
use crate::media::codecs;
use crate::media::rtp::Header;
use crate::telephony::{Codec, Direction};

const TERMS: Terms = Terms { silence: Duration::from_secs(30), ntp_zero: 3_900_000_000 << 32 };

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn plan(packet_ms: u8) -> AudioPlan {
    AudioPlan {
        remote: Some(address(4_000)),
        remote_rtcp: Some(address(4_001)),
        codec: Codec::Pcmu,
        payload_type: 0,
        telephone_event: Some(101),
        direction: Direction::SendReceive,
        packet_ms,
        inband_digits: false,
    }
}

fn directed(direction: Direction) -> AudioPlan {
    AudioPlan { direction, ..plan(20) }
}

fn clip(samples: usize) -> Arc<Clip> {
    let pcmu: Box<[u8]> = (0..samples).map(|sample| (sample / 80) as u8).collect();
    Arc::new(Clip { pcma: pcmu.clone(), pcmu })
}

/// A stream with what it sent and told, each with its millisecond.
struct Run {
    stream: Stream,
    sent: Vec<(u64, rtc_rtp::Packet)>,
    told: Vec<(u64, StreamEvent)>,
}

impl Run {
    fn new(plan: AudioPlan) -> Run {
        Run { stream: Stream::new(Moment::ZERO, plan, TERMS, 7), sent: Vec::new(), told: Vec::new() }
    }

    /// Ticks at every `step` milliseconds of the range.
    fn tick(&mut self, range: std::ops::Range<u64>, step: usize) {
        for ms in range.step_by(step) {
            let mut out = [0; PACKET_MAX];
            let told = &mut self.told;
            let sent = self.stream.tick(Moment::from_millis(ms), &mut out, &mut |event| told.push((ms, event)));
            if let Some(sent) = sent {
                let packet =
                    rtc_rtp::Packet::unmarshal(&mut &out[..sent.length]).expect("an independent reader reads it");
                self.sent.push((ms, packet));
            }
        }
    }

    fn hear(&mut self, ms: u64, port: u16, header: Header, payload: &[u8]) -> bool {
        let told = &mut self.told;
        let bytes = [&header.print()[..], payload].concat();
        self.stream.receive(Moment::from_millis(ms), address(port), &bytes, &mut |event| told.push((ms, event)))
    }

    /// Milliseconds at which packets were sent with the marker bit.
    fn marked(&self) -> Vec<u64> {
        self.sent.iter().filter(|(_, packet)| packet.header.marker).map(|(ms, _)| *ms).collect()
    }

    /// The promises of RTP: sequence without a gap, timestamps by the clock, one source.
    fn assert_valid(&self) {
        for pair in self.sent.windows(2) {
            let ((before_ms, before), (ms, packet)) = (&pair[0], &pair[1]);
            let (before, header) = (&before.header, &packet.header);
            assert_eq!(header.sequence_number, before.sequence_number.wrapping_add(1), "at {ms} ms");
            let elapsed = header.timestamp.wrapping_sub(before.timestamp);
            assert_eq!(u64::from(elapsed), (ms - before_ms) * 8, "at {ms} ms");
            assert_eq!(header.ssrc, before.ssrc);
        }
    }
}

fn audio(sequence: u16) -> Header {
    Header { marker: false, payload_type: 0, sequence, timestamp: u32::from(sequence) * 160, ssrc: 9 }
}

fn event(sequence: u16, timestamp: u32) -> Header {
    Header { marker: true, payload_type: 101, sequence, timestamp, ssrc: 9 }
}

#[test]
fn a_steady_flow_in_packets_of_any_length() {
    for (packet_ms, octets, packets) in [(10, 80, 100), (20, 160, 50), (40, 320, 25), (60, 480, 17), (33, 160, 50)] {
        let mut run = Run::new(plan(packet_ms));
        run.tick(0..1_000, if packet_ms == 10 { 10 } else { 20 });
        run.assert_valid();
        assert_eq!(run.sent.len(), packets, "{packet_ms} ms");
        assert_eq!(run.marked(), [0], "{packet_ms} ms");
        let silence = codecs::silence(Codec::Pcmu);
        for (_, packet) in &run.sent {
            assert_eq!(packet.payload.len(), octets, "{packet_ms} ms");
            assert!(packet.payload.iter().all(|byte| *byte == silence));
        }
    }
}

#[test]
fn beginnings_are_random() {
    let first = |seed| {
        let mut run = Run::new(plan(20));
        run.stream = Stream::new(Moment::ZERO, plan(20), TERMS, seed);
        run.tick(0..20, 20);
        let header = &run.sent[0].1.header;
        (header.sequence_number, header.timestamp, header.ssrc)
    };
    assert_eq!(first(1), first(1));
    let (one, other) = (first(1), first(2));
    assert!(one.0 != other.0 && one.1 != other.1 && one.2 != other.2);
}

#[test]
fn a_playback_is_finished_when_its_last_word_is_over() {
    let check = |samples: &[usize], packet_ms: u8, finished: u64| {
        let mut run = Run::new(plan(packet_ms));
        run.tick(0..120, 20);
        run.stream.play(PlaybackId(3), samples.iter().map(|samples| clip(*samples)).collect(), false);
        run.tick(120..1_000, 20);
        run.assert_valid();
        assert_eq!(run.told, [(finished, StreamEvent::PlaybackFinished(PlaybackId(3)))], "{samples:?} {packet_ms}");
    };
    check(&[160], 20, 140);
    check(&[1_600], 20, 320);
    check(&[1_600, 800], 20, 420);
    check(&[1_500], 20, 320);
    check(&[960], 60, 240);
    check(&[160], 40, 160);
    check(&[], 20, 140);
}

#[test]
fn each_playback_begins_with_a_marked_packet() {
    let mut run = Run::new(plan(20));
    run.tick(0..100, 20);
    run.stream.play(PlaybackId(1), vec![clip(800), clip(800)], false);
    run.tick(100..200, 20);
    run.stream.play(PlaybackId(2), vec![clip(800)], false);
    run.tick(200..1_000, 20);
    run.assert_valid();
    assert_eq!(run.marked(), [0, 100, 200]);
}

#[test]
fn what_is_played_arrives_whole() {
    let mut run = Run::new(plan(20));
    run.stream.play(PlaybackId(3), vec![clip(1_600), clip(800)], false);
    run.tick(0..400, 20);
    let heard: Vec<u8> = run.sent.iter().flat_map(|(_, packet)| packet.payload.to_vec()).collect();
    let expected = [clip(1_600).pcmu.to_vec(), clip(800).pcmu.to_vec()].concat();
    assert_eq!(heard[..2_400], expected);
    assert!(heard[2_400..].iter().all(|byte| *byte == codecs::silence(Codec::Pcmu)));
}

#[test]
fn stopped_at_once_and_replaced_at_once() {
    let mut run = Run::new(plan(20));
    run.stream.play(PlaybackId(1), vec![clip(16_000)], false);
    run.tick(0..100, 20);
    run.stream.stop();
    run.tick(100..120, 20);
    assert!(run.sent[5].1.payload[40..].iter().all(|byte| *byte == codecs::silence(Codec::Pcmu)), "it faded out");
    run.stream.play(PlaybackId(2), vec![clip(160)], false);
    run.tick(120..140, 20);
    assert_eq!(run.sent[6].1.payload[0], 0);
    // Replaced in its last packet's time: it was never finished.
    run.stream.play(PlaybackId(3), vec![clip(160)], false);
    run.tick(140..1_000, 20);
    assert_eq!(run.told, [(160, StreamEvent::PlaybackFinished(PlaybackId(3)))]);
}

#[test]
fn on_hold_nothing_is_sent_and_what_plays_waits() {
    let mut run = Run::new(plan(20));
    run.stream.play(PlaybackId(1), vec![clip(1_600)], false);
    run.tick(0..100, 20);
    run.stream.change(Moment::from_millis(100), directed(Direction::Inactive));
    run.tick(100..60_000, 20);
    assert_eq!((run.sent.len(), run.told.len()), (5, 0));
    run.stream.change(Moment::from_millis(60_000), plan(20));
    run.tick(60_000..61_000, 20);
    run.assert_valid();
    assert_eq!(run.marked(), [0, 60_000]);
    assert_eq!(run.told, [(60_100, StreamEvent::PlaybackFinished(PlaybackId(1)))]);
    assert_eq!(run.sent[5].1.payload[0], 10, "it goes on where it was");
}

#[test]
fn after_a_stall_timestamps_tell_the_gap() {
    let mut run = Run::new(plan(20));
    run.stream.play(PlaybackId(1), vec![clip(16_000)], false);
    run.tick(0..100, 20);
    run.tick(500..600, 20);
    run.assert_valid();
    assert_eq!(run.marked(), [0, 500]);
    assert_eq!(run.sent[5].1.payload[0], 10, "no word is lost");
    // A tick that is a little late sends what it would have sent.
    let mut out = [0; PACKET_MAX];
    let sent = run.stream.tick(Moment::from_millis(607), &mut out, &mut |_| ()).expect("due");
    let late = rtc_rtp::Packet::unmarshal(&mut &out[..sent.length]).expect("valid").header;
    assert!(!late.marker);
    assert_eq!(late.timestamp.wrapping_sub(run.sent[9].1.header.timestamp), 160);
}

#[test]
fn silence_is_told_once() {
    let told = |plan: AudioPlan, act: &dyn Fn(&mut Run)| {
        let mut run = Run::new(plan);
        act(&mut run);
        run.told.iter().filter(|(_, event)| *event == StreamEvent::Silent).map(|(ms, _)| *ms).collect::<Vec<_>>()
    };
    assert_eq!(told(plan(20), &|run| run.tick(0..100_000, 20)), [30_000]);
    for direction in [Direction::SendOnly, Direction::ReceiveOnly, Direction::Inactive] {
        assert_eq!(told(directed(direction), &|run| run.tick(0..100_000, 20)), [0; 0]);
    }
    assert_eq!(told(AudioPlan { remote: None, ..plan(20) }, &|run| run.tick(0..100_000, 20)), [0; 0]);
    assert_eq!(
        told(plan(20), &|run| {
            run.tick(0..20_000, 20);
            assert!(run.hear(20_000, 4_000, audio(1), &[0; 160]));
            run.tick(20_000..60_000, 20);
            assert!(run.hear(60_000, 4_000, audio(2), &[0; 160]));
            run.tick(60_000..100_000, 20);
        }),
        [50_000, 90_000]
    );
    assert_eq!(
        told(plan(20), &|run| {
            run.tick(0..20_000, 20);
            // A stranger's packets are no sign of life; the caller's RTCP is.
            assert!(!run.hear(20_000, 5_555, audio(1), &[0; 160]));
            let mut report = [0; 64];
            let length = crate::media::rtcp::Writer::new(&mut report).receiver_report(9, None).finish();
            let heard = Moment::from_millis(10_000);
            assert_eq!(run.stream.receive_control(heard, address(4_001), &report[..length]), Some(0));
            let elsewhere = SocketAddr::from(([127, 0, 0, 2], 4_001));
            assert_eq!(run.stream.receive_control(Moment::from_millis(20_000), elsewhere, &report[..length]), None);
            run.tick(20_000..60_000, 20);
        }),
        [40_000]
    );
    assert_eq!(
        told(plan(20), &|run| {
            run.tick(0..20_000, 20);
            run.stream.change(Moment::from_millis(20_000), directed(Direction::Inactive));
            run.tick(20_000..80_000, 20);
            run.stream.change(Moment::from_millis(80_000), plan(20));
            run.tick(80_000..150_000, 20);
        }),
        [110_000]
    );
}

#[test]
fn only_the_caller_is_heard() {
    let mut run = Run::new(plan(20));
    assert!(!run.hear(0, 4_000, Header { payload_type: 18, ..audio(1) }, &[0; 160]), "not agreed");
    assert!(!run.stream.receive(Moment::ZERO, address(4_000), b"hello", &mut |_| ()), "no RTP");
    assert!(!run.hear(0, 6_000, audio(1), &[0; 160]));
    assert!(run.hear(20, 6_000, audio(2), &[0; 160]), "proven");
    run.tick(20..40, 20);
    assert_eq!(run.stream.target(), Some(address(6_000)));
    assert!(!run.hear(40, 4_000, event(3, 320), &[5, 0, 0, 160]), "a stranger's key");
    assert!(run.hear(40, 6_000, event(3, 320), &[6, 0, 0, 160]));
    assert!(run.hear(60, 6_000, Header { payload_type: 13, ..audio(4) }, &[60]), "comfort noise");
    assert!(run.hear(80, 6_000, Header { payload_type: 18, ..audio(5) }, &[0; 20]), "another codec is a sign of life");
    assert_eq!(run.told, [(40, StreamEvent::Digit(Digit::from_event(6).expect("a key"), DigitSource::Rtp))]);
    let report = run.stream.report();
    assert_eq!((report.packets_received, report.packets_lost), (4, 0));
}

/// What `code` keys as a tone of 100 ms, in frames.
fn tone(code: u8) -> Vec<Vec<u8>> {
    let (low, high) = [(941.0, 1_336.0), (697.0, 1_209.0), (697.0, 1_336.0)][usize::from(code)];
    let sample = |n: usize| {
        let at = n as f64 * std::f64::consts::TAU / 8_000.0;
        codecs::encode(Codec::Pcmu, ((at * low).sin() * 6_000.0 + (at * high).sin() * 6_000.0) as i16)
    };
    (0..5).map(|frame| (0..160).map(|n| sample(frame * 160 + n)).collect()).collect()
}

#[test]
fn tones_are_keys_where_they_are_listened_for_and_never_twice() {
    let key = |code| Digit::from_event(code).expect("a key");
    let digits = |inband: bool, events: bool, from: u64| {
        let mut run = Run::new(AudioPlan { inband_digits: inband, ..plan(20) });
        let quiet = vec![codecs::silence(Codec::Pcmu); 160];
        let mut frames = Vec::new();
        for code in [1, 2, 2] {
            frames.extend(tone(code).into_iter().map(|frame| (code, frame)));
            frames.extend((0..5).map(|_| (99, quiet.clone())));
        }
        let mut begins = 0;
        let mut before = 99;
        for (n, (code, frame)) in frames.iter().enumerate() {
            let (ms, sequence) = (n as u64 * 20, n as u16 * 2);
            let timestamp = n as u32 * 160;
            assert!(run.hear(ms, 4_000, Header { timestamp, ..audio(sequence) }, frame));
            if *code != before {
                begins = timestamp;
            }
            before = *code;
            if events && *code != 99 && n as u64 % 10 >= from {
                run.hear(ms, 4_000, event(sequence + 1, begins), &[*code, 0, 0, 160 + n as u8 % 10]);
            }
        }
        run.told.into_iter().map(|(_, event)| event).collect::<Vec<_>>()
    };
    let all = |source| [1, 2, 2].map(|code| StreamEvent::Digit(key(code), source));
    assert_eq!(digits(false, false, 0), []);
    assert_eq!(digits(true, false, 0), all(DigitSource::Inband));
    assert_eq!(digits(false, true, 0), all(DigitSource::Rtp));
    assert_eq!(digits(true, true, 0), all(DigitSource::Rtp));
    // The tone leaks through before the gateway sends the event: told by the tone, and by events from then on.
    let mut leaked = all(DigitSource::Rtp);
    leaked[0] = StreamEvent::Digit(key(1), DigitSource::Inband);
    assert_eq!(digits(true, true, 4), leaked);
}

#[test]
fn two_streams_measure_each_other() {
    let mut ours = Stream::new(Moment::ZERO, plan(20), TERMS, 1);
    let theirs_plan = AudioPlan { remote: Some(address(2_000)), remote_rtcp: None, ..plan(20) };
    let mut theirs = Stream::new(Moment::ZERO, theirs_plan, TERMS, 2);
    let mut rng = fastrand::Rng::with_seed(3);
    for ms in (0..60_000).step_by(20) {
        let now = Moment::from_millis(ms);
        assert!(pass(now, &mut theirs, address(4_000), &mut ours, &mut |_| ()));
        // One in ten of ours is lost.
        let mut packet = [0; PACKET_MAX];
        let sent = ours.tick(now, &mut packet, &mut |_| ()).expect("it sends");
        if rng.u8(..10) > 0 {
            theirs.receive(now, address(2_000), &packet[..sent.length], &mut |_| ());
        }
        if let Some(report) = ours.tick_control(now, &mut packet) {
            assert!(theirs.receive_control(now, address(2_001), &packet[..report.length]).is_some());
        }
    }
    let report = ours.report();
    assert_eq!((report.packets_sent, report.packets_received, report.packets_lost), (3_000, 3_000, 0));
    assert_eq!(report.jitter_ms, 0.0);
    let loss = report.remote_loss.expect("they reported");
    assert!((0.02..0.25).contains(&loss), "{loss}");
    let round_trip = report.round_trip_ms.expect("measured");
    assert!(round_trip < 0.1, "{round_trip}");
    let lost = theirs.report().packets_lost;
    assert!((200..400).contains(&lost), "{lost}");
    assert_eq!(theirs.take_lost(), lost);
    assert_eq!(theirs.take_lost(), 0);
    let mut out = [0; 128];
    let goodbye = ours.close(Moment::from_millis(60_000), &mut out).expect("they are known");
    let packets = rtc_rtcp::packet::unmarshal(&mut &out[..goodbye.length]).expect("an independent reader reads it");
    assert_eq!(packets.len(), 3);
    assert_eq!(goodbye.to, address(4_000), "where their reports come from");
}

#[test]
fn rtcp_on_the_rtp_port_is_rtcp() {
    let mut run = Run::new(plan(20));
    let mut report = [0; 64];
    let block = crate::media::rtcp::Block { ssrc: run.stream.ssrc, cumulative_lost: 4, ..Default::default() };
    let length = crate::media::rtcp::Writer::new(&mut report).receiver_report(9, Some(&block)).finish();
    assert!(run.stream.receive(Moment::ZERO, address(4_000), &report[..length], &mut |_| ()));
    assert_eq!(run.stream.report().remote_loss, Some(0.0));
    assert_eq!(run.stream.report().packets_received, 0);
}

#[test]
fn a_leg_is_small() {
    let size = size_of::<Stream>();
    assert!(size <= 1_024, "{size}");
}
