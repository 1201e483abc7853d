//! Recordings: finding what was played in what was heard.

use std::path::Path;

/// The samples of a mono WAV of 16 bits.
pub fn samples(path: &Path) -> Vec<i16> {
    let mut reader = hound::WavReader::open(path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    assert_eq!(reader.spec().channels, 1, "{} is not mono", path.display());
    assert_eq!(reader.spec().sample_rate, 8_000, "{} is not at 8 kHz", path.display());
    // A program that was ended may have left the length in the header unset: what can be read counts.
    reader.samples::<i16>().map_while(Result::ok).collect()
}

/// Where in `heard` the passage `played` begins, and how many of its samples are the very same there.
pub fn locate(played: &[i16], heard: &[i16]) -> Option<(usize, usize)> {
    let probe_at = loudest(played, 400)?;
    let probe = &played[probe_at..probe_at + 400];
    let found = heard
        .windows(probe.len())
        .enumerate()
        .min_by_key(|(_, window)| {
            window.iter().zip(probe).map(|(a, b)| i64::from(*a).abs_diff(i64::from(*b))).sum::<u64>()
        })
        .map(|(position, _)| position)?;
    let begin = found.checked_sub(probe_at)?;
    let same = heard[begin..].iter().zip(played).filter(|(a, b)| a == b).count();
    Some((begin, same))
}

/// Where the `length` loudest samples in a row begin.
fn loudest(samples: &[i16], length: usize) -> Option<usize> {
    (0..samples.len().checked_sub(length)?)
        .step_by(40)
        .max_by_key(|start| samples[*start..start + length].iter().map(|s| u64::from(s.unsigned_abs())).sum::<u64>())
}

#[test]
fn a_passage_is_found_where_it_is() {
    let played: Vec<i16> = (0..2_000_i32).map(|n| ((n * n * 7) % 6_000 - 3_000) as i16).collect();
    let mut heard = vec![0; 1_234];
    heard.extend(&played);
    heard.extend([5; 300]);
    assert_eq!(locate(&played, &heard), Some((1_234, 2_000)));
    heard[1_500] ^= 64;
    assert_eq!(locate(&played, &heard), Some((1_234, 1_999)));
}
