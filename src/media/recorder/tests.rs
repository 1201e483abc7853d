use super::*;
use crate::telephony::TapeLabel;

/// An order of these seconds.
fn order(kind: TapeKind, sides: Sides, longest: u64, silence: Option<u64>) -> TapeOrder {
    TapeOrder {
        tape: TapeId(1),
        kind,
        tone: false,
        sides,
        longest: Duration::from_secs(longest),
        silence: silence.map(Duration::from_secs),
        shortest: Duration::from_secs(1),
        folder: "voicemail/support".into(),
        label: TapeLabel {
            mailbox: Some("support".into()),
            call: "c1".into(),
            caller: Default::default(),
            caller_name: None,
            dialled: "1000".into(),
            started: String::new(),
            language: "en".into(),
            mail: Vec::new(),
        },
    }
}

/// A sample of a voice, or of silence.
fn spoken(place: usize, loud: bool) -> u8 {
    let sample = (place as f32 / 8_000.0 * 440.0 * std::f32::consts::TAU).sin() * 6_000.0;
    codecs::encode(Codec::Pcmu, if loud { sample as i16 } else { 0 })
}

struct Scene {
    recorder: Recorder,
    tape: Vec<u8>,
    far: Vec<u8>,
    lost: u64,
    sequence: u16,
    frame: u64,
}

impl Scene {
    fn new(order: &TapeOrder) -> Scene {
        let mut recorder = Recorder::new(order, Codec::Pcmu, 0, 7);
        recorder.give(Block::boxed());
        recorder.give(Block::boxed());
        Scene { recorder, tape: Vec::new(), far: Vec::new(), lost: 0, sequence: 0, frame: 0 }
    }

    fn take(&mut self, block: &Block) {
        self.lost += block.lost;
        self.tape.extend(std::iter::repeat_n(codecs::silence(Codec::Pcmu), block.lost as usize));
        self.far.extend(std::iter::repeat_n(codecs::silence(Codec::Pcmu), block.lost as usize));
        self.tape.extend(&block.near[..block.length]);
        self.far.extend(&block.far[..block.length]);
    }

    /// So many turns in which a packet arrives, unless it is lost, and one is sent.
    fn turns(&mut self, count: u64, loud: bool, lost: impl Fn(u64) -> bool) -> Option<TapeReport> {
        for _ in 0..count {
            let now = Moment::from_millis(self.frame * 20);
            let payload: Vec<u8> = (0..160).map(|n| spoken(self.frame as usize * 160 + n, loud)).collect();
            let header = Header {
                marker: false,
                payload_type: 0,
                sequence: self.sequence,
                timestamp: self.frame as u32 * 160,
                ssrc: 9,
            };
            if !lost(self.frame) {
                self.recorder.receive(now, &header, &payload);
            }
            self.sequence = self.sequence.wrapping_add(1);
            self.frame += 1;
            let far = [codecs::encode(Codec::Pcmu, 1_000); 160];
            let ended = self.recorder.turn(now + Duration::from_millis(10), Some((Codec::Pcmu, &far)));
            if let Some(full) = self.recorder.take_full() {
                self.take(&full);
                self.recorder.give(full);
            }
            if ended.is_some() {
                return ended;
            }
        }
        None
    }

    fn finish(&mut self) -> TapeReport {
        self.end(TapeEnd::Told)
    }

    fn end(&mut self, end: TapeEnd) -> TapeReport {
        let report = self.recorder.end(end).or(self.recorder.report()).expect("it has ended");
        let blocks: Vec<_> = self.recorder.take_all().collect();
        for block in blocks {
            self.take(&block);
        }
        report
    }
}

#[test]
fn what_was_said_is_on_the_tape_sample_by_sample() {
    let mut scene = Scene::new(&order(TapeKind::Message, Sides::Caller, 60, Some(10)));
    scene.turns(250, true, |_| false);
    let report = scene.finish();
    assert!(!report.empty && report.lost.is_zero(), "{report:?}");
    let said: Vec<u8> = (0..250 * 160).map(|place| spoken(place, true)).collect();
    // All of it, behind what the jitter buffer adds.
    let begin = scene.tape.windows(400).position(|window| *window == said[..400]).expect("it is there");
    assert!(begin < 480, "it begins after {begin} samples");
    assert_eq!(scene.tape[begin..], said[..scene.tape.len() - begin]);
    assert!(scene.tape.len() >= said.len(), "{} of {} samples", scene.tape.len(), said.len());
}

/// Packets of a voice, each `late` by so many milliseconds, and the tape that comes of them.
fn taped(frames: u64, late: impl Fn(u64) -> u64) -> (Vec<u8>, Vec<u8>) {
    let mut scene = Scene::new(&order(TapeKind::Message, Sides::Caller, 60, Some(10)));
    let packet = |frame: u64| -> Vec<u8> { (0..160).map(|n| spoken(frame as usize * 160 + n, true)).collect() };
    let mut arrivals: Vec<(u64, u64)> = (0..frames).map(|frame| (frame * 20 + late(frame), frame)).collect();
    arrivals.sort_unstable();
    let mut arrivals = arrivals.into_iter().peekable();
    for turn in 0..frames {
        let due = turn * 20 + 10;
        while let Some((at, frame)) = arrivals.next_if(|(at, _)| *at <= due) {
            let header = Header {
                marker: false,
                payload_type: 0,
                sequence: frame as u16,
                timestamp: frame as u32 * 160,
                ssrc: 9,
            };
            scene.recorder.receive(Moment::from_millis(at), &header, &packet(frame));
        }
        scene.recorder.turn(Moment::from_millis(due), Some((Codec::Pcmu, &[0xFF; 160])));
        if let Some(full) = scene.recorder.take_full() {
            scene.take(&full);
            scene.recorder.give(full);
        }
    }
    scene.finish();
    (scene.tape, (0..frames).flat_map(packet).collect())
}

#[test]
fn a_packet_that_comes_late_is_on_the_tape_all_the_same() {
    // One in fifty is so late that who hears the caller live hears something made up.
    for late in [30, 60, 90] {
        let (tape, said) = taped(500, |frame| if frame % 50 == 20 { late } else { frame % 3 });
        let begin = tape.windows(400).position(|window| *window == said[..400]).expect("it is there");
        assert!(begin <= 320, "{late} ms: it begins after {begin} samples");
        let differs = tape[begin..].iter().zip(&said).filter(|(one, other)| one != other).count();
        assert_eq!(differs, 0, "{late} ms: so many samples are not what was said");
        assert!(tape.len() - begin >= said.len() - 160, "{late} ms: {} of {}", tape.len() - begin, said.len());
    }
}

#[test]
fn losses_leave_the_length_as_it_was() {
    let mut scene = Scene::new(&order(TapeKind::Conversation, Sides::Stereo, 3_600, None));
    scene.turns(500, true, |frame| frame % 11 == 3);
    let report = scene.finish();
    assert_eq!(scene.tape.len(), scene.far.len());
    assert!((80_000..81_400).contains(&scene.tape.len()), "{} samples", scene.tape.len());
    assert!((scene.far[40_000] as i16 - codecs::encode(Codec::Pcmu, 1_000) as i16).abs() == 0);
    assert!(!report.empty);
}

#[test]
fn silence_ends_a_message_and_is_left_out() {
    let mut scene = Scene::new(&order(TapeKind::Message, Sides::Caller, 60, Some(5)));
    scene.turns(150, true, |_| false);
    let report = scene.turns(500, false, |_| false).expect("it ends");
    assert_eq!(report.end, TapeEnd::Silence);
    assert!((3.9..4.2).contains(&report.length.as_secs_f64()), "{report:?}");
    assert!(!report.empty);
}

#[test]
fn a_message_of_nothing_is_empty_and_a_long_one_ends() {
    let mut scene = Scene::new(&order(TapeKind::Message, Sides::Caller, 60, Some(5)));
    let report = scene.turns(500, false, |_| false).expect("it ends");
    assert!(report.empty, "{report:?}");
    let mut scene = Scene::new(&order(TapeKind::Message, Sides::Caller, 60, Some(5)));
    scene.turns(30, true, |_| false);
    assert!(scene.finish().empty, "too short");
    let mut scene = Scene::new(&order(TapeKind::Message, Sides::Caller, 4, Some(5)));
    let report = scene.turns(500, true, |_| false).expect("it ends");
    assert_eq!((report.end, report.length, report.empty), (TapeEnd::Longest, Duration::from_secs(4), false));
}

#[test]
fn who_hangs_up_has_left_what_they_said_however_short() {
    let hung_up = |frames: u64| {
        let mut scene = Scene::new(&order(TapeKind::Message, Sides::Caller, 60, Some(5)));
        scene.turns(50, false, |_| false);
        scene.turns(frames, true, |_| false);
        scene.end(TapeEnd::Closed)
    };
    assert!(!hung_up(15).empty, "a word");
    assert!(hung_up(2).empty, "a click");
    assert!(hung_up(0).empty, "nothing");
}

#[test]
fn a_secret_is_not_on_the_tape() {
    let mut scene = Scene::new(&order(TapeKind::Conversation, Sides::Stereo, 60, None));
    scene.turns(50, true, |_| false);
    scene.recorder.mute(true, Codec::Pcmu, 0, 1);
    scene.turns(50, true, |_| false);
    scene.recorder.mute(false, Codec::Pcmu, 0, 1);
    scene.turns(50, true, |_| false);
    scene.finish();
    let silence = codecs::silence(Codec::Pcmu);
    assert!(scene.tape[8_000..16_000].iter().chain(&scene.far[8_000..16_000]).all(|byte| *byte == silence));
    assert!(scene.tape[..8_000].iter().any(|byte| *byte != silence));
    assert!(scene.tape[16_800..].iter().any(|byte| *byte != silence));
}

#[test]
fn a_slow_disk_leaves_silence_of_the_same_length() {
    let mut scene = Scene::new(&order(TapeKind::Conversation, Sides::Mixed, 60, None));
    // Nobody takes a block for five seconds.
    for _ in 0..250 {
        let now = Moment::from_millis(scene.frame * 20);
        scene.frame += 1;
        scene.recorder.turn(now, Some((Codec::Pcmu, &[1; 160])));
    }
    let full = scene.recorder.take_full().expect("the first");
    scene.take(&full);
    scene.recorder.give(full);
    let waiting = scene.recorder.take_full();
    assert!(waiting.is_none());
    scene.turns(100, true, |_| false);
    let report = scene.finish();
    assert!(report.lost > Duration::from_secs(3), "{report:?}");
    let seconds = scene.tape.len() as f64 / 8_000.0;
    assert!((6.9..7.3).contains(&seconds), "{seconds} s, {report:?}");
}

#[test]
fn a_stall_leaves_a_gap_of_its_length() {
    let mut scene = Scene::new(&order(TapeKind::Conversation, Sides::Stereo, 600, None));
    scene.turns(50, true, |_| false);
    scene.frame += 10;
    scene.turns(50, true, |_| false);
    scene.frame += 100;
    scene.turns(50, true, |_| false);
    scene.finish();
    assert!((41_600..42_500).contains(&scene.tape.len()), "{} samples", scene.tape.len());
}
