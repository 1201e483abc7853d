use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::*;
use crate::media::codecs;
use crate::telephony::{Codec, PhoneNumber, Sides, TapeEnd, TapeLabel};

fn order(tape: u64, kind: TapeKind, sides: Sides) -> Box<TapeOrder> {
    let is_message = kind == TapeKind::Message;
    Box::new(TapeOrder {
        tape: TapeId(tape),
        kind,
        tone: false,
        sides,
        longest: Duration::from_secs(60),
        silence: None,
        shortest: if is_message { Duration::from_secs(1) } else { Duration::ZERO },
        folder: if is_message { "voicemail/support".into() } else { "recordings/2026-12-18".into() },
        label: TapeLabel {
            mailbox: is_message.then(|| "support".into()),
            call: "c1".into(),
            caller: PhoneNumber::new("+442079460123"),
            caller_name: Some("Jo".into()),
            dialled: "1000".into(),
            started: "2026-12-18T17:29:00.000Z".into(),
            language: "en".into(),
            mail: vec!["support@example.com".into()],
        },
    })
}

fn report(millis: u64) -> TapeReport {
    let length = Duration::from_millis(millis);
    TapeReport { end: TapeEnd::Told, length, empty: false, lost: Duration::ZERO }
}

/// A block whose sides have these samples throughout.
fn block(near: i16, far: i16, length: usize, lost: u64) -> Box<Block> {
    let mut block = Block::boxed();
    block.near.fill(codecs::encode(Codec::Pcmu, near));
    block.far.fill(codecs::encode(Codec::Pcmu, far));
    (block.length, block.lost) = (length, lost);
    block
}

struct Scene {
    folder: tempfile::TempDir,
    tapes: Option<Tapes>,
    deck: Deck,
    news: Arc<Mutex<Vec<TapeNews>>>,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().expect("a folder");
        let news: Arc<Mutex<Vec<TapeNews>>> = Arc::default();
        let told = news.clone();
        let sink = move |event| told.lock().expect("nobody panics with it").push(event);
        let (tapes, mut decks) = Tapes::start(folder.path().to_owned(), 1, sink).expect("a thread");
        Scene { folder, tapes: Some(tapes), deck: decks.remove(0), news }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Lets the thread write all that it was given.
    fn finish(&mut self) -> Vec<TapeNews> {
        self.deck.flush();
        self.tapes = None;
        std::mem::take(&mut *self.news.lock().expect("nobody panics with it"))
    }
}

fn samples(path: &Path) -> (u16, Vec<i16>) {
    let mut reader = hound::WavReader::open(path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    assert_eq!((reader.spec().sample_rate, reader.spec().bits_per_sample), (8_000, 16));
    (reader.spec().channels, reader.samples::<i16>().map(|sample| sample.expect("a sample")).collect())
}

#[test]
fn a_message_that_is_kept_is_a_whole_file() {
    let mut scene = Scene::new();
    scene.deck.open(LegId::inbound(1), order(17, TapeKind::Message, Sides::Caller));
    scene.deck.write(TapeId(17), block(1_000, 0, BLOCK_SAMPLES, 0));
    // Half a second was lost before the next.
    scene.deck.write(TapeId(17), block(2_000, 0, 2_000, 4_000));
    scene.deck.close(TapeId(17), report(1_250));
    scene.deck.tell(Job::Keep(TapeId(17)));
    let news = scene.finish();
    let [TapeNews::Kept(kept)] = &news[..] else { panic!("{news:?}") };
    assert_eq!((kept.name.as_str(), kept.length), ("m17", Duration::from_millis(1_250)));
    let folder = scene.path().join("voicemail/support");
    let (channels, samples) = samples(&folder.join("m17.wav"));
    assert_eq!((channels, samples.len()), (1, 10_000));
    assert!((samples[0] - 1_000).abs() < 40 && samples[6_000] == 0 && (samples[9_000] - 2_000).abs() < 80);
    assert_eq!(fs::metadata(folder.join("m17.wav")).expect("it is there").len(), kept.octets);
    assert!(!folder.join("m17.part.wav").exists());
}

const BLOCK_SAMPLES: usize = crate::media::recorder::BLOCK;

#[test]
fn a_conversation_has_both_sides() {
    for (sides, expected) in [(Sides::Stereo, vec![1_000, -3_000]), (Sides::Mixed, vec![-2_000])] {
        let mut scene = Scene::new();
        scene.deck.open(LegId::inbound(1), order(18, TapeKind::Conversation, sides));
        scene.deck.write(TapeId(18), block(1_000, -3_000, 1_600, 0));
        scene.deck.close(TapeId(18), report(200));
        scene.deck.tell(Job::Keep(TapeId(18)));
        scene.finish();
        let (channels, samples) = samples(&scene.path().join("recordings/2026-12-18/r18.wav"));
        assert_eq!(usize::from(channels), expected.len());
        for (sample, expected) in samples.iter().zip(&expected) {
            assert!((sample - expected).abs() < 120, "{sample}, not {expected}");
        }
    }
}

#[test]
fn what_is_dropped_leaves_nothing() {
    let mut scene = Scene::new();
    scene.deck.open(LegId::inbound(1), order(17, TapeKind::Message, Sides::Caller));
    scene.deck.write(TapeId(17), block(1_000, 0, BLOCK_SAMPLES, 0));
    scene.deck.close(TapeId(17), report(500));
    scene.deck.tell(Job::Drop(TapeId(17)));
    assert!(scene.finish().is_empty());
    assert_eq!(fs::read_dir(scene.path().join("voicemail/support")).expect("a folder").count(), 0);
}

#[test]
fn a_tape_is_read_back_before_and_after_it_is_kept() {
    let mut scene = Scene::new();
    scene.deck.open(LegId::inbound(1), order(17, TapeKind::Message, Sides::Caller));
    scene.deck.write(TapeId(17), block(1_000, 0, BLOCK_SAMPLES, 0));
    scene.deck.write(TapeId(17), block(1_000, 0, BLOCK_SAMPLES, 0));
    scene.deck.close(TapeId(17), report(1_000));
    scene.deck.tell(Job::Read(LegId::inbound(1), TapeId(17), None));
    scene.deck.tell(Job::Keep(TapeId(17)));
    scene.deck.tell(Job::Read(LegId::inbound(1), TapeId(17), Some("voicemail/support".into())));
    scene.deck.tell(Job::Read(LegId::inbound(1), TapeId(99), None));
    let read: Vec<Option<Duration>> = scene
        .finish()
        .iter()
        .filter_map(|news| match news {
            TapeNews::Event(MediaEvent::TapeRead { clip, .. }) => Some(clip.as_ref().map(|clip| clip.duration())),
            _ => None,
        })
        .collect();
    assert_eq!(read, [Some(Duration::from_secs(1)), Some(Duration::from_secs(1)), None]);
}

#[test]
fn a_disk_that_cannot_be_written_is_told_and_stops_nothing() {
    // No folder can be made there.
    let mut scene = Scene::new();
    fs::write(scene.path().join("voicemail"), "a file").expect("a file");
    scene.deck.open(LegId::inbound(1), order(17, TapeKind::Message, Sides::Caller));
    scene.deck.write(TapeId(17), block(1_000, 0, BLOCK_SAMPLES, 0));
    scene.deck.close(TapeId(17), report(500));
    scene.deck.tell(Job::Keep(TapeId(17)));
    let news = scene.finish();
    assert!(matches!(&news[..], [TapeNews::Event(MediaEvent::TapeFailed { .. })]), "{news:?}");

    // A disk that is full from the beginning (`/dev/full` takes nothing).
    let mut scene = Scene::new();
    let folder = scene.path().join("voicemail/support");
    fs::create_dir_all(&folder).expect("a folder");
    std::os::unix::fs::symlink("/dev/full", folder.join("m17.part.wav")).expect("a link");
    scene.deck.open(LegId::inbound(1), order(17, TapeKind::Message, Sides::Caller));
    scene.deck.write(TapeId(17), block(1_000, 0, BLOCK_SAMPLES, 0));
    let news = scene.finish();
    let [TapeNews::Event(MediaEvent::TapeFailed { reason, .. })] = &news[..] else { panic!("{news:?}") };
    assert!(reason.contains("space"), "{reason}");
    assert!(!folder.join("m17.json").exists());
}

#[test]
fn what_a_dead_process_has_left_is_kept() {
    let mut scene = Scene::new();
    for (tape, blocks, loudness) in [(17, 4, 1_000), (18, 1, 1_000), (19, 0, 0), (22, 8, 10)] {
        scene.deck.open(LegId::inbound(1), order(tape, TapeKind::Message, Sides::Caller));
        for _ in 0..blocks {
            scene.deck.write(TapeId(tape), block(loudness, 0, BLOCK_SAMPLES, 0));
        }
    }
    scene.deck.open(LegId::inbound(2), order(20, TapeKind::Conversation, Sides::Stereo));
    scene.deck.write(TapeId(20), block(1_000, 500, 1_000, 0));
    // The thread ends as if it had been killed: nothing was closed.
    scene.finish();
    let folder = scene.path().join("voicemail/support");
    // Its header is true all the same.
    assert_eq!(samples(&folder.join("m17.part.wav")).1.len(), 4 * BLOCK_SAMPLES);
    // A write that was cut off in the middle.
    let part = fs::OpenOptions::new().append(true).open(folder.join("m17.part.wav"));
    std::io::Write::write_all(&mut part.expect("it is there"), &[1, 2, 3]).expect("it is written");
    fs::write(folder.join("m21.json"), "{").expect("a file");

    let recovered = || {
        let mut found = recover(scene.path(), "voicemail").expect("it can be read");
        found.sort_by(|one, other| one.name.cmp(&other.name));
        found
    };
    let found = recovered();
    let names: Vec<(&str, Duration)> = found.iter().map(|tape| (tape.name.as_str(), tape.length)).collect();
    // However short it is, what somebody has said is kept.
    assert_eq!(names, [("m17", Duration::from_micros(2_000_125)), ("m18", Duration::from_millis(500))]);
    assert_eq!(found[0].label, order(17, TapeKind::Message, Sides::Caller).label);
    assert_eq!(samples(&folder.join("m17.wav")).1.len(), 4 * BLOCK_SAMPLES + 1);
    // Silence is gone, and so is what was nothing yet.
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 4);
    // Once more finds the same.
    assert_eq!(recovered(), found);
    let recordings = recover(scene.path(), "recordings").expect("it can be read");
    assert_eq!((recordings.len(), recordings[0].length), (1, Duration::from_millis(125)));
    assert_eq!(recover(scene.path(), "nothing").expect("it is empty"), []);
}

#[test]
fn blocks_go_round_and_none_is_lost() {
    let mut scene = Scene::new();
    for tape in 0..20 {
        scene.deck.open(LegId::inbound(tape), order(tape, TapeKind::Conversation, Sides::Mixed));
        let mut written = 0;
        while written < 10 {
            match scene.deck.block() {
                Some(mut block) => {
                    (block.length, block.lost) = (BLOCK_SAMPLES, 0);
                    scene.deck.write(TapeId(tape), block);
                    written += 1;
                }
                None => thread::sleep(Duration::from_millis(1)),
            }
        }
        scene.deck.close(TapeId(tape), report(5_000));
        scene.deck.tell(Job::Keep(TapeId(tape)));
    }
    assert!(scene.deck.made <= BLOCKS_KEPT + BLOCKS_EACH, "{} blocks are left", scene.deck.made);
    assert_eq!(scene.finish().len(), 20);
}

#[test]
fn a_tape_goes_on_at_another_reactors_deck_in_its_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let news: Arc<Mutex<Vec<TapeNews>>> = Arc::default();
    let told = news.clone();
    let sink = move |event| told.lock().expect("nobody panics with it").push(event);
    let (tapes, mut decks) = Tapes::start(folder.path().to_owned(), 2, sink).expect("a thread");
    let (mut there, mut here) = (decks.pop().expect("two"), decks.pop().expect("two"));
    here.open(LegId::inbound(1), order(1, TapeKind::Conversation, Sides::Caller));
    let take = |deck: &mut Deck| deck.block().expect("they were made");
    let [first, second, held] = [(); 3].map(|()| take(&mut here));
    drop([first, second]);
    here.write(TapeId(1), block(1_000, 0, 4_000, 0));
    // The thread is behind: this one waits at the deck that the tape leaves.
    here.backlog.push_back(Job::Block(TapeId(1), here.index, block(2_000, 0, 4_000, 0)));
    let jobs = here.hand_over(TapeId(1), Some(1));
    assert_eq!((jobs.len(), here.tapes), (1, 0));
    there.take_over(jobs, Some(1));
    drop(held);
    there.write(TapeId(1), block(3_000, 0, 4_000, 0));
    there.close(TapeId(1), report(1_500));
    there.tell(Job::Keep(TapeId(1)));
    drop((here, there));
    drop(tapes);
    let kept = news.lock().expect("nobody panics with it");
    let [TapeNews::Kept(kept)] = &kept[..] else { panic!("{kept:?}") };
    let clip = clip_of(&folder.path().join(&*kept.folder).join(format!("{}.wav", kept.name))).expect("it is there");
    let heard = [2_000, 6_000, 10_000].map(|place| codecs::decode(Codec::Pcmu, clip.pcmu[place]));
    assert!(heard[0] < heard[1] && heard[1] < heard[2], "{heard:?}");
}

#[test]
fn blocks_that_go_with_a_tape_are_the_other_decks_from_then_on() {
    let (_tapes, mut decks) = Tapes::start(tempfile::tempdir().expect("a folder").keep(), 2, |_| {}).expect("a thread");
    let (mut there, mut here) = (decks.pop().expect("two"), decks.pop().expect("two"));
    for _ in 0..50 {
        here.open(LegId::inbound(1), order(1, TapeKind::Conversation, Sides::Caller));
        let (one, two) = (here.block().expect("made"), here.block().expect("made"));
        let jobs = here.hand_over(TapeId(1), Some(2));
        there.take_over(jobs, Some(2));
        there.give_back(one);
        there.give_back(two);
        there.close(TapeId(1), report(0));
        there.tell(Job::Drop(TapeId(1)));
        assert_eq!((here.made, there.made), (here.pool.len(), there.pool.len()), "each block is somewhere");
        assert!(here.made <= BLOCKS_KEPT && there.made <= BLOCKS_KEPT, "{} and {}", here.made, there.made);
    }
}
