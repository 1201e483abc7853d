//! G.711 as the reference software of ITU-T G.191 (`g711.c`) computes it, bit for bit.

use crate::telephony::Codec;

/// The linear sample of a G.711 byte: µ-law spans ±32124, A-law ±32256.
#[inline]
pub fn decode(codec: Codec, byte: u8) -> i16 {
    match codec {
        Codec::Pcmu => ULAW_LINEAR[usize::from(byte)],
        Codec::Pcma => ALAW_LINEAR[usize::from(byte)],
    }
}

/// The G.711 byte of a linear sample; all of -32768 to 32767 is allowed.
#[inline]
pub const fn encode(codec: Codec, sample: i16) -> u8 {
    match codec {
        Codec::Pcmu => ulaw(sample),
        Codec::Pcma => alaw(sample),
    }
}

/// The byte of the quietest sample: zero in µ-law, the smallest positive step (8 of 32768) in A-law, which has no zero.
pub const fn silence(codec: Codec) -> u8 {
    encode(codec, 0)
}

/// A byte of `from` as a byte of `to`, by the direct conversion of G.711 (tables 3 and 4): the sign stays as it is, and the
/// magnitude becomes one of the two nearest of the other law, so chosen that a second conversion changes nothing more.
#[inline]
pub fn transcode(from: Codec, to: Codec, byte: u8) -> u8 {
    match (from, to) {
        (Codec::Pcmu, Codec::Pcma) => ULAW_ALAW[usize::from(byte)],
        (Codec::Pcma, Codec::Pcmu) => ALAW_ULAW[usize::from(byte)],
        (Codec::Pcmu, Codec::Pcmu) | (Codec::Pcma, Codec::Pcma) => byte,
    }
}

/// The bit of either law that is set for positive samples.
const SIGN: u8 = 0x80;

static ULAW_LINEAR: [i16; 256] = linear(Codec::Pcmu);
static ALAW_LINEAR: [i16; 256] = linear(Codec::Pcma);
static ULAW_ALAW: [u8; 256] = conversion(Codec::Pcmu);
static ALAW_ULAW: [u8; 256] = conversion(Codec::Pcma);

/// `ulaw_compress` of G.191: 14 bits, the one's complement of what is negative, a bias of 33, and all bits inverted.
const fn ulaw(sample: i16) -> u8 {
    let magnitude = if sample < 0 { !sample } else { sample } >> 2;
    let biased = if magnitude + 33 > 0x1FFF { 0x1FFF } else { magnitude + 33 };
    // The segment, 1 to 8, is the number of bits above the lowest six, plus one.
    let segment = 1 + (16 - (biased >> 6).leading_zeros() as i16);
    let high = 8 - segment;
    let low = 0xF - ((biased >> segment) & 0xF);
    let byte = (high << 4 | low) as u8;
    if sample < 0 { byte } else { byte | SIGN }
}

/// `alaw_compress` of G.191: 12 bits, the one's complement of what is negative, and every other bit inverted.
const fn alaw(sample: i16) -> u8 {
    let mut code = if sample < 0 { !sample } else { sample } >> 4;
    if code > 15 {
        let mut exponent = 1;
        while code > 16 + 15 {
            code >>= 1;
            exponent += 1;
        }
        code = code - 16 + (exponent << 4);
    }
    let byte = code as u8;
    (if sample < 0 { byte } else { byte | SIGN }) ^ 0x55
}

/// `ulaw_expand` of G.191.
const fn ulaw_linear(byte: u8) -> i16 {
    let inverted = !byte as i16;
    let exponent = (inverted >> 4) & 7;
    let mantissa = inverted & 0xF;
    let step = 8 << exponent;
    let magnitude = (0x80 << exponent) + step * mantissa + step / 2 - 4 * 33;
    if byte & SIGN == 0 { -magnitude } else { magnitude }
}

/// `alaw_expand` of G.191.
const fn alaw_linear(byte: u8) -> i16 {
    let code = ((byte ^ 0x55) & 0x7F) as i16;
    let exponent = code >> 4;
    let leading_one = if exponent > 0 { 16 } else { 0 };
    let mut magnitude = (((code & 0xF) + leading_one) << 4) + 8;
    if exponent > 1 {
        magnitude <<= exponent - 1;
    }
    if byte & SIGN == 0 { -magnitude } else { magnitude }
}

const fn linear(codec: Codec) -> [i16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match codec {
            Codec::Pcmu => ulaw_linear(byte as u8),
            Codec::Pcma => alaw_linear(byte as u8),
        };
        byte += 1;
    }
    table
}

/// Table 3 of G.711: the number of the A-law value (1 to 128 there, from 0 here) for a µ-law value's number.
const fn ulaw_number_in_alaw(number: u8) -> u8 {
    match number {
        0..=15 => number / 2,
        16..=31 => number - 8,
        32..=35 => 24 + 2 * (number - 32),
        36..=47 => number - 4,
        48 => 45,
        49..=63 => number - 2,
        64..=80 => number - 1,
        _ => number,
    }
}

/// Table 4 of G.711: the number of the µ-law value for an A-law value's number, counted from 0.
const fn alaw_number_in_ulaw(number: u8) -> u8 {
    match number {
        0..=7 => 2 * number + 1,
        8..=23 => number + 8,
        24..=31 => 32 + (number - 24) / 2,
        32..=43 => number + 4,
        44..=47 => 48 + (number - 44) / 2,
        48..=61 => number + 2,
        62..=63 => 64,
        64..=79 => number + 1,
        _ => number,
    }
}

const fn conversion(from: Codec) -> [u8; 256] {
    let mut table = [0; 256];
    let mut number = 0;
    while number < 128 {
        // Positive bytes: µ-law's are inverted as a whole, A-law's in every other bit.
        let (byte, converted) = match from {
            Codec::Pcmu => (!number, (ulaw_number_in_alaw(number) | SIGN) ^ 0x55),
            Codec::Pcma => ((number | SIGN) ^ 0x55, !alaw_number_in_ulaw(number)),
        };
        table[byte as usize] = converted;
        table[(byte ^ SIGN) as usize] = converted ^ SIGN;
        number += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Codec; 2] = [Codec::Pcmu, Codec::Pcma];

    /// The decision values of G.711 tables 1a and 2a on the scale of 16 bits, from their own rule: 16 equal steps a
    /// segment. Each interval's value and code follow from its number alone, which shares nothing with the code above.
    fn intervals(codec: Codec) -> Vec<(i32, i32, u8)> {
        let mut list = Vec::new();
        let mut start = 0;
        for number in 0..128u8 {
            let segment = i32::from(number) / 16;
            let width = match codec {
                Codec::Pcmu if number == 0 => 4,
                Codec::Pcmu => 8 << segment,
                Codec::Pcma if segment == 0 => 16,
                Codec::Pcma => 16 << (segment - 1),
            };
            // The first interval of µ-law reaches from -4 to 4 and stands for nought.
            let value = if codec == Codec::Pcmu && number == 0 { 0 } else { start + width / 2 };
            let byte = match codec {
                Codec::Pcmu => !number,
                Codec::Pcma => (number | SIGN) ^ 0x55,
            };
            list.push((start, value, byte));
            start += width;
        }
        list
    }

    #[test]
    fn every_sample_falls_into_the_interval_of_the_recommendation() {
        for codec in BOTH {
            let intervals = intervals(codec);
            for sample in i16::MIN..=i16::MAX {
                // G.191 takes the one's complement of negative samples, so that both halves have as many values.
                let magnitude = i32::from(if sample < 0 { !sample } else { sample });
                let (_, value, positive) =
                    intervals.iter().rev().find(|(start, ..)| *start <= magnitude).expect("it begins at nought");
                let byte = if sample < 0 { positive ^ SIGN } else { *positive };
                assert_eq!(encode(codec, sample), byte, "{codec:?} {sample}");
                let value = if sample < 0 { -value } else { *value };
                assert_eq!(i32::from(decode(codec, byte)), value, "{codec:?} {byte:#04x}");
            }
        }
    }

    #[test]
    fn known_values() {
        // From the tables of G.711: both ends, both zeros, and the first steps.
        let check = |codec, byte, sample| assert_eq!(decode(codec, byte), sample, "{codec:?} {byte:#04x}");
        check(Codec::Pcmu, 0x00, -32124);
        check(Codec::Pcmu, 0x80, 32124);
        check(Codec::Pcmu, 0xFF, 0);
        check(Codec::Pcmu, 0x7F, 0);
        check(Codec::Pcmu, 0xFE, 8);
        check(Codec::Pcma, 0xAA, 32256);
        check(Codec::Pcma, 0x2A, -32256);
        check(Codec::Pcma, 0xD5, 8);
        check(Codec::Pcma, 0x55, -8);
        check(Codec::Pcma, 0xD4, 24);
        assert_eq!(silence(Codec::Pcmu), 0xFF);
        assert_eq!(silence(Codec::Pcma), 0xD5);
    }

    #[test]
    fn every_byte_survives_a_round_trip() {
        for codec in BOTH {
            for byte in 0..=255 {
                // Both zeros of µ-law are the same sample.
                let expected = if (codec, byte) == (Codec::Pcmu, 0x7F) { 0xFF } else { byte };
                let sample = decode(codec, byte);
                // A negative sample on an interval's edge belongs to the next one by the one's complement.
                assert_eq!(encode(codec, sample), expected, "{codec:?} {byte:#04x}");
            }
        }
    }

    #[test]
    fn conversion_stays_within_one_step_and_keeps_the_sign() {
        let magnitude = |codec, byte: u8| i32::from(decode(codec, byte | SIGN));
        for (from, to) in [(Codec::Pcmu, Codec::Pcma), (Codec::Pcma, Codec::Pcmu)] {
            let mut nearest_taken = 0;
            for byte in 0..=255u8 {
                let converted = transcode(from, to, byte);
                assert_eq!(converted & SIGN, byte & SIGN);
                let wanted = magnitude(from, byte);
                let mut distances: Vec<i32> =
                    (SIGN..=255).map(|candidate| (magnitude(to, candidate) - wanted).abs()).collect();
                distances.sort_unstable();
                let distance = (magnitude(to, converted) - wanted).abs();
                assert!(distance <= distances[1], "{from:?} {byte:#04x}: {distance} of {:?}", &distances[..2]);
                nearest_taken += usize::from(distance == distances[0]);
            }
            // Where the tables pass over the nearest, it is by design of the recommendation, in one segment.
            assert!(nearest_taken >= 220, "{from:?}: {nearest_taken}");
        }
        assert_eq!(transcode(Codec::Pcmu, Codec::Pcmu, 0x12), 0x12);
    }

    #[test]
    fn conversion_there_and_back_is_stable() {
        // What has passed once through the other law passes any number of times unchanged (G.711 section 3.4 note).
        for (from, to) in [(Codec::Pcmu, Codec::Pcma), (Codec::Pcma, Codec::Pcmu)] {
            for byte in 0..=255u8 {
                let once = transcode(to, from, transcode(from, to, byte));
                let twice = transcode(to, from, transcode(from, to, once));
                assert_eq!(once, twice, "{from:?} {byte:#04x}");
            }
        }
    }
}
