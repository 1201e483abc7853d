use super::*;

fn packet(sequence: u16, timestamp: u32) -> Header {
    Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: 1 }
}

/// A buffer that has heard `frames` of 20 ms, each 5 ms before it was taken, the sequence and timestamps from `first` on.
fn flowing(frames: u32, first: u32) -> (JitterBuffer, u32) {
    let mut buffer = JitterBuffer::new(Codec::Pcmu, 0, Patience::TALK);
    for frame in 0..frames {
        let at = Moment::from_micros(u64::from(frame) * 20_000 + 15_000);
        buffer.receive(at, &packet(frame as u16, first.wrapping_add(frame * 160)), &[frame as u8; 160]);
        let step = buffer.step(Moment::from_millis(u64::from(frame) * 20 + 20), 160);
        assert_eq!(step, Step { skipped: frame == 0, change: Change::None });
        let mut out = [0; 160];
        assert_eq!(buffer.run(160), Run::Heard(160));
        buffer.take(&mut out);
        assert_eq!(out, [frame as u8; 160]);
    }
    (buffer, first.wrapping_add(frames * 160))
}

#[test]
fn a_steady_flow_is_taken_as_it_comes() {
    for first in [0, 5, 0xffff_ff00, 0x7fff_ff80] {
        let (buffer, next) = flowing(1_000, first);
        assert_eq!(buffer.position(), next);
        assert_eq!(buffer.delay(), Some(40));
    }
}

#[test]
fn nothing_is_taken_where_nothing_came() {
    let mut buffer = JitterBuffer::new(Codec::Pcma, 0, Patience::TALK);
    assert_eq!(buffer.step(Moment::ZERO, 160), Step { skipped: false, change: Change::None });
    assert_eq!((buffer.run(160), buffer.delay()), (Run::Missing(160), None));
    buffer.receive(Moment::ZERO, &packet(1, 0), &[]);
    buffer.receive(Moment::ZERO, &packet(1, 0), &[0; 1_000]);
    assert_eq!((buffer.run(160), buffer.delay()), (Run::Missing(160), None));
}

#[test]
fn what_is_known_of_the_jitter_counts_from_the_first_packet_on() {
    for (jitter, delay) in [(0, 40), (20, 40), (100, 200), (200, 360), (1_000_000, 1_640)] {
        let mut buffer = JitterBuffer::new(Codec::Pcmu, jitter, Patience::TALK);
        buffer.receive(Moment::from_millis(15), &packet(1, 0), &[1; 160]);
        buffer.step(Moment::from_millis(20), 160);
        buffer.advance(160);
        assert_eq!(buffer.delay(), Some(delay), "{jitter}");
    }
}

#[test]
fn late_packets_make_the_delay_grow_at_once_and_are_not_lost() {
    let (mut buffer, next) = flowing(10, 0);
    // The next comes 30 ms late: two frames pass without it, and the first of them is played after them.
    for ms in [220, 240] {
        assert_eq!(buffer.step(Moment::from_millis(ms), 160).change, Change::None);
        assert_eq!(buffer.run(160), Run::Missing(160));
        buffer.pass(&[0; 160]);
    }
    buffer.receive(Moment::from_millis(245), &packet(10, next), &[10; 160]);
    buffer.receive(Moment::from_millis(246), &packet(11, next + 160), &[11; 160]);
    assert_eq!(buffer.step(Moment::from_millis(260), 160).change, Change::None);
    assert_eq!((buffer.position(), buffer.run(160)), (next, Run::Heard(160)));
}

#[test]
fn a_packet_that_is_lost_adds_no_delay() {
    let (mut buffer, next) = flowing(10, 0);
    buffer.step(Moment::from_millis(220), 160);
    buffer.pass(&[0; 160]);
    buffer.receive(Moment::from_millis(235), &packet(11, next + 160), &[11; 160]);
    assert_eq!(buffer.step(Moment::from_millis(240), 160), Step { skipped: false, change: Change::None });
    assert_eq!((buffer.position(), buffer.run(160)), (next + 160, Run::Heard(160)));
    let mut past = [1; 160];
    buffer.history(&mut past);
    assert_eq!(past, [0; 160], "what was made up is remembered");
}

/// Takes the frame at `ms`: whether audio was heard in it.
fn heard_at(buffer: &mut JitterBuffer, ms: u64) -> bool {
    buffer.step(Moment::from_millis(ms), 160);
    match buffer.run(160) {
        Run::Heard(160) => {
            buffer.take(&mut [0; 160]);
            true
        }
        _ => {
            buffer.pass(&[0; 160]);
            false
        }
    }
}

#[test]
fn who_goes_on_after_a_pause_as_if_there_had_been_none_is_heard_again() {
    for pause in [220, 500, 3_000, 20_000] {
        let (mut buffer, mut next) = flowing(300, 0);
        let mut silent = 0;
        for frame in 0..pause / 20 + 100 {
            let ms = 6_020 + frame * 20;
            if frame >= pause / 20 {
                let sequence = (300 + frame - pause / 20) as u16;
                buffer.receive(Moment::from_millis(ms - 5), &packet(sequence, next), &[1; 160]);
                next += 160;
                silent += u64::from(!heard_at(&mut buffer, ms)) * 20;
            } else {
                heard_at(&mut buffer, ms);
            }
        }
        assert!(silent <= 120, "{silent} ms after a pause of {pause} ms");
        assert!(buffer.delay().is_some_and(|delay| delay <= 200), "{:?} after a pause of {pause} ms", buffer.delay());
    }
}

#[test]
fn what_a_network_held_up_leaves_everything_as_it_was() {
    let (mut buffer, next) = flowing(300, 0);
    for frame in 0..25 {
        heard_at(&mut buffer, 6_020 + frame * 20);
    }
    // Half a second comes at once, and all that follows in time.
    for late in 0..25 {
        buffer.receive(Moment::from_millis(6_500), &packet(300 + late, next + u32::from(late) * 160), &[1; 160]);
    }
    for frame in 25..100_u32 {
        let ms = 6_020 + u64::from(frame) * 20;
        buffer.receive(Moment::from_millis(ms - 5), &packet(300 + frame as u16, next + frame * 160), &[1; 160]);
        assert!(heard_at(&mut buffer, ms), "{frame}");
    }
}

#[test]
fn whatever_comes_nothing_breaks() {
    let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for _ in 0..200 {
        let mut buffer = JitterBuffer::new(Codec::Pcmu, rng.u32(..), Patience::TALK);
        let (mut now, mut sequence, mut timestamp) = (rng.u64(..1 << 40), rng.u16(..), rng.u32(..));
        for _ in 0..500 {
            match rng.u8(..20) {
                0 => timestamp = rng.u32(..),
                1 => sequence = rng.u16(..),
                2 => timestamp = timestamp.wrapping_add(rng.u32(..2_000)).wrapping_sub(1_000),
                3 => now += rng.u64(..1_000_000),
                _ => {}
            }
            let length = if rng.u8(..10) == 0 { rng.usize(..1_100) } else { 160 };
            let header = Header { ssrc: u32::from(rng.u8(..50) == 0), ..packet(sequence, timestamp) };
            buffer.receive(Moment::from_micros(now), &header, &[9; 1_100][..length]);
            sequence = sequence.wrapping_add(1);
            timestamp = timestamp.wrapping_add(length as u32);
            now += rng.u64(..40_000);
            let mut left = [80, 160, 320, 480][rng.usize(..4)];
            match buffer.step(Moment::from_micros(now), left).change {
                Change::None => {}
                Change::Insert(samples) => left -= samples,
                Change::Cut(samples) => {
                    buffer.advance(FADE + samples);
                    left -= FADE;
                }
            }
            while left > 0 {
                let length = match buffer.run(left) {
                    Run::Heard(length) => {
                        buffer.take(&mut vec![0; length]);
                        length
                    }
                    Run::Missing(length) => {
                        buffer.pass(&vec![0; length]);
                        length
                    }
                };
                assert!((1..=left).contains(&length));
                left -= length;
            }
            assert!(buffer.delay().is_none_or(|delay| delay < RING as u32 * 100));
        }
    }
}
