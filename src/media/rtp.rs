//! RTP packets (RFC 3550 section 5): read without copying, written without allocating.

/// Octets of the fixed header.
pub const HEADER: usize = 12;

/// Why bytes are no RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Shorter than its header says, or than any header.
    #[error("the packet ends before its header does")]
    Short,
    /// Not version 2.
    #[error("the version is not 2")]
    Version,
    /// The padding is longer than the payload, or has no length.
    #[error("the padding does not fit the payload")]
    Padding,
}

/// A packet as it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The fixed header's fields that mean something to us.
    pub header: Header,
    /// The contributing sources, four octets each.
    pub contributors: &'a [u8],
    /// The header extension, when there is one.
    pub extension: Option<Extension<'a>>,
    /// The payload without its padding.
    pub payload: &'a [u8],
}

/// The fields of the fixed header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// For audio: the first packet of a talkspurt (RFC 3551 section 4.1).
    pub marker: bool,
    /// 0 to 127.
    pub payload_type: u8,
    /// Goes up by one with each packet, and round.
    pub sequence: u16,
    /// In samples, and round.
    pub timestamp: u32,
    /// The synchronization source.
    pub ssrc: u32,
}

/// A header extension (RFC 3550 section 5.3.1), not looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// What defines the data.
    pub profile: u16,
    /// A whole number of 32-bit words.
    pub data: &'a [u8],
}

/// Whether bytes on an RTP port are really RTCP: its packet types stand where RTP has marker and payload type, and no
/// RTP payload type may fall on them (RFC 5761 section 4).
pub fn is_control(bytes: &[u8]) -> bool {
    bytes.get(1).is_some_and(|second| (192..=223).contains(second))
}

impl<'a> Packet<'a> {
    /// Reads a packet; all lengths in it are checked (RFC 3550 section A.1, first part).
    pub fn parse(bytes: &'a [u8]) -> Result<Packet<'a>, Malformed> {
        let (fixed, rest) = bytes.split_first_chunk::<HEADER>().ok_or(Malformed::Short)?;
        if fixed[0] >> 6 != 2 {
            return Err(Malformed::Version);
        }
        let (contributors, rest) = rest.split_at_checked(usize::from(fixed[0] & 0x0f) * 4).ok_or(Malformed::Short)?;
        let (extension, rest) = if fixed[0] & 0x10 != 0 { extension(rest)? } else { (None, rest) };
        let payload = if fixed[0] & 0x20 != 0 { without_padding(rest)? } else { rest };
        Ok(Packet { header: Header::read(fixed), contributors, extension, payload })
    }
}

fn extension(bytes: &[u8]) -> Result<(Option<Extension<'_>>, &[u8]), Malformed> {
    let (head, rest) = bytes.split_first_chunk::<4>().ok_or(Malformed::Short)?;
    let words = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let (data, rest) = rest.split_at_checked(words * 4).ok_or(Malformed::Short)?;
    Ok((Some(Extension { profile: u16::from_be_bytes([head[0], head[1]]), data }), rest))
}

fn without_padding(payload: &[u8]) -> Result<&[u8], Malformed> {
    // The last octet counts itself, so it is never 0.
    let padding = usize::from(*payload.last().ok_or(Malformed::Padding)?);
    match payload.len().checked_sub(padding) {
        Some(length) if padding > 0 => Ok(&payload[..length]),
        _ => Err(Malformed::Padding),
    }
}

impl Header {
    fn read(fixed: &[u8; HEADER]) -> Header {
        let [_, kind, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = *fixed;
        Header {
            marker: kind & 0x80 != 0,
            payload_type: kind & 0x7f,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
        }
    }

    /// The header as it is sent: version 2, no padding, no extension, no contributors.
    pub fn print(&self) -> [u8; HEADER] {
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [c0, c1, c2, c3] = self.ssrc.to_be_bytes();
        let kind = u8::from(self.marker) << 7 | self.payload_type & 0x7f;
        [0x80, kind, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtc_rtp::Packet as Other;
    use rtc_shared::marshal::Unmarshal;

    const PLAIN: Header = Header { marker: true, payload_type: 8, sequence: 0xfffe, timestamp: 0x8000_0001, ssrc: 7 };

    fn packet(first: u8, after_header: &[u8]) -> Vec<u8> {
        let mut bytes = PLAIN.print().to_vec();
        bytes[0] = first;
        bytes.extend_from_slice(after_header);
        bytes
    }

    #[test]
    fn lengths_are_checked() {
        let check = |first: u8, after_header: &[u8], expected: Result<&[u8], Malformed>| {
            let bytes = packet(first, after_header);
            assert_eq!(Packet::parse(&bytes).map(|packet| packet.payload), expected, "{first:#x} {after_header:?}");
        };
        check(0x80, b"audio", Ok(b"audio"));
        check(0x80, b"", Ok(b""));
        check(0x00, b"audio", Err(Malformed::Version));
        check(0x40, b"audio", Err(Malformed::Version));
        check(0xc0, b"audio", Err(Malformed::Version));
        check(0x82, b"\0\0\0\x01\0\0\0\x02audio", Ok(b"audio"));
        check(0x82, b"\0\0\0\x01\0\0\0", Err(Malformed::Short));
        check(0x90, b"\xbe\xde\0\x01\x10\xff\0\0audio", Ok(b"audio"));
        check(0x90, b"\xbe\xde\0\x02\x10\xff\0\0", Err(Malformed::Short));
        check(0x90, b"\xbe\xde\0", Err(Malformed::Short));
        check(0xa0, b"audio\0\0\x03", Ok(b"audio"));
        check(0xa0, b"audio\0\0\0", Err(Malformed::Padding));
        check(0xa0, b"au\x09", Err(Malformed::Padding));
        check(0xa0, b"\0\x02", Ok(b""));
        check(0xa0, b"", Err(Malformed::Padding));
        assert_eq!(Packet::parse(&[0x80; 11]), Err(Malformed::Short));
        assert_eq!(Packet::parse(&[]), Err(Malformed::Short));
    }

    #[test]
    fn control_packets_are_told_apart() {
        for (second, control) in [(200, true), (201, true), (207, true), (0, false), (0x80, false), (0x80 | 101, false)]
        {
            assert_eq!(is_control(&[0x80, second]), control, "{second}");
        }
        assert!(!is_control(&[0x80]));
    }

    #[test]
    fn an_independent_reader_reads_the_same() {
        let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        println!("SEED={seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut both = 0;
        for _ in 0..20_000 {
            let mut bytes: Vec<u8> = (0..rng.usize(0..64)).map(|_| rng.u8(..)).collect();
            if let Some(first) = bytes.first_mut() {
                *first = *first & 0x33 | 0x80; // few contributors, so that many are whole
                // Extension elements are looked into by the other reader only: keep to profiles that it takes whole.
                *first &= if rng.bool() { 0xef } else { 0xff };
            }
            let ours = Packet::parse(&bytes);
            let theirs = Other::unmarshal(&mut bytes.as_slice());
            let (Ok(ours), Ok(theirs)) = (ours, theirs) else { continue };
            both += 1;
            assert_eq!(ours.header.marker, theirs.header.marker);
            assert_eq!(ours.header.payload_type, theirs.header.payload_type);
            assert_eq!(ours.header.sequence, theirs.header.sequence_number);
            assert_eq!(ours.header.timestamp, theirs.header.timestamp);
            assert_eq!(ours.header.ssrc, theirs.header.ssrc);
            assert_eq!(ours.contributors.len(), theirs.header.csrc.len() * 4);
            assert_eq!(ours.extension.map(|extension| extension.profile).unwrap_or(0), theirs.header.extension_profile);
            assert_eq!(ours.payload, &theirs.payload[..], "{bytes:02x?}");
        }
        assert!(both > 1_000, "only {both} packets were read by both");
        let printed = PLAIN.print();
        let theirs = Other::unmarshal(&mut printed.as_slice()).expect("a plain header").header;
        assert_eq!((theirs.version, theirs.padding, theirs.extension, theirs.marker), (2, false, false, true));
        assert_eq!((theirs.payload_type, theirs.sequence_number, theirs.timestamp), (8, 0xfffe, 0x8000_0001));
        assert_eq!(Packet::parse(&printed).expect("ours too").header, PLAIN);
    }
}
