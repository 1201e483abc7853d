//! RTCP packets (RFC 3550 section 6): compound packets read without copying, reports written without allocating.

/// Room for any compound packet that we write.
pub const SENT_MAX: usize = 128;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const CNAME: u8 = 1;
const BLOCK: usize = 24;

/// Why bytes are no compound RTCP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The lengths do not add up to that of the datagram, or a packet is too short for what it counts.
    #[error("the lengths do not fit the datagram")]
    Length,
    /// Not version 2.
    #[error("the version is not 2")]
    Version,
    /// Padding elsewhere than in the last packet, or longer than it.
    #[error("the padding is not at the end, or longer than the packet")]
    Padding,
    /// The first packet is no report.
    #[error("the first packet is neither a sender's nor a receiver's report")]
    First,
}

/// A compound packet whose every length has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compound<'a> {
    bytes: &'a [u8],
}

/// One packet of a compound packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// SR, from one who sends.
    SenderReport {
        /// Whose report.
        ssrc: u32,
        /// What was sent.
        sent: SenderInfo,
        /// What was heard.
        blocks: Blocks<'a>,
    },
    /// RR, from one who only listens.
    ReceiverReport {
        /// Whose report.
        ssrc: u32,
        /// What was heard.
        blocks: Blocks<'a>,
    },
    /// SDES with its chunks.
    SourceDescription(Chunks<'a>),
    /// BYE.
    Goodbye {
        /// The sources that leave, four octets each.
        sources: &'a [u8],
        /// Why, in any bytes; empty when not said.
        reason: &'a [u8],
    },
    /// A kind that we have no use for.
    Other {
        /// Its packet type.
        packet_type: u8,
    },
}

/// The sender's part of an SR (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderInfo {
    /// When the report was sent, 32.32 fixed point seconds.
    pub ntp: u64,
    /// The same moment in RTP time.
    pub timestamp: u32,
    /// RTP packets sent.
    pub packets: u32,
    /// Payload octets sent.
    pub octets: u32,
}

/// A reception report block (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Whom it is about.
    pub ssrc: u32,
    /// Lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Lost since the beginning; less than zero when duplicates outnumber losses. 24 bits.
    pub cumulative_lost: i32,
    /// The highest sequence number received, with the count of its cycles above.
    pub highest_sequence: u32,
    /// Interarrival jitter, in samples.
    pub jitter: u32,
    /// The middle 32 bits of the NTP time in the last SR received; 0 when there was none.
    pub last_report: u32,
    /// How long ago that was, in 1/65536 s.
    pub delay: u32,
}

/// Report blocks, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks<'a>(&'a [u8]);

/// The chunks of a source description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunks<'a>(&'a [u8]);

impl<'a> Compound<'a> {
    /// Reads a datagram, by the checks of RFC 3550 section A.2; every packet in it fits what it counts.
    pub fn parse(bytes: &'a [u8]) -> Result<Compound<'a>, Malformed> {
        let mut rest = bytes;
        let mut first = true;
        while !rest.is_empty() || first {
            let head = rest.first_chunk::<4>().ok_or(Malformed::Length)?;
            if head[0] >> 6 != 2 {
                return Err(Malformed::Version);
            }
            if first && !matches!(head[1], SENDER_REPORT | RECEIVER_REPORT) {
                return Err(Malformed::First);
            }
            let (packet, after) = rest.split_at_checked(length(head)).ok_or(Malformed::Length)?;
            // A.2 forbids padding in the first packet alone of several; a compound packet of one report may have it.
            if head[0] & 0x20 != 0 && !after.is_empty() {
                return Err(Malformed::Padding);
            }
            read(packet)?;
            rest = after;
            first = false;
        }
        Ok(Compound { bytes })
    }

    /// The packets, in their order.
    pub fn packets(&self) -> impl Iterator<Item = Packet<'a>> + use<'a> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            let (packet, after) = rest.split_at_checked(length(rest.first_chunk()?))?;
            rest = after;
            read(packet).ok()
        })
    }
}

/// A packet's length in octets, its header included.
fn length(head: &[u8; 4]) -> usize {
    (usize::from(u16::from_be_bytes([head[2], head[3]])) + 1) * 4
}

/// Reads one packet, cut out by its own length.
fn read(packet: &[u8]) -> Result<Packet<'_>, Malformed> {
    let (head, mut body) = packet.split_first_chunk::<4>().ok_or(Malformed::Length)?;
    if head[0] & 0x20 != 0 {
        // It ought to be a multiple of four, and some senders pad a BYE's reason by less.
        let padding = usize::from(*body.last().ok_or(Malformed::Padding)?);
        let kept = body.len().checked_sub(padding).filter(|_| padding > 0);
        body = &body[..kept.ok_or(Malformed::Padding)?];
    }
    let count = usize::from(head[0] & 0x1f);
    match head[1] {
        SENDER_REPORT => {
            let (fixed, rest) = body.split_first_chunk::<24>().ok_or(Malformed::Length)?;
            let sent = SenderInfo {
                ntp: u64::from(word(fixed, 1)) << 32 | u64::from(word(fixed, 2)),
                timestamp: word(fixed, 3),
                packets: word(fixed, 4),
                octets: word(fixed, 5),
            };
            Ok(Packet::SenderReport { ssrc: word(fixed, 0), sent, blocks: Blocks::of(rest, count)? })
        }
        RECEIVER_REPORT => {
            let (fixed, rest) = body.split_first_chunk::<4>().ok_or(Malformed::Length)?;
            Ok(Packet::ReceiverReport { ssrc: u32::from_be_bytes(*fixed), blocks: Blocks::of(rest, count)? })
        }
        SOURCE_DESCRIPTION => {
            let mut rest = body;
            for _ in 0..count {
                rest = chunk(rest).ok_or(Malformed::Length)?.after;
            }
            Ok(Packet::SourceDescription(Chunks(&body[..body.len() - rest.len()])))
        }
        GOODBYE => {
            let (sources, rest) = body.split_at_checked(count * 4).ok_or(Malformed::Length)?;
            let reason = match rest.split_first() {
                Some((&octets, text)) => text.get(..usize::from(octets)).ok_or(Malformed::Length)?,
                None => &[],
            };
            Ok(Packet::Goodbye { sources, reason })
        }
        packet_type => Ok(Packet::Other { packet_type }),
    }
}

/// The `index`th 32-bit word; the callers have checked that there is one.
fn word(bytes: &[u8], index: usize) -> u32 {
    bytes[index * 4..].first_chunk().map_or(0, |word| u32::from_be_bytes(*word))
}

impl<'a> Blocks<'a> {
    fn of(bytes: &'a [u8], count: usize) -> Result<Blocks<'a>, Malformed> {
        // What follows the blocks is a profile's extension (section 6.4.3).
        bytes.get(..count * BLOCK).map(Blocks).ok_or(Malformed::Length)
    }

    /// The block about `ssrc`, when there is one.
    pub fn about(self, ssrc: u32) -> Option<Block> {
        self.iter().find(|block| block.ssrc == ssrc)
    }

    /// All blocks, in their order.
    pub fn iter(self) -> impl Iterator<Item = Block> + use<'a> {
        self.0.chunks_exact(BLOCK).map(|bytes| {
            let lost = word(bytes, 1);
            Block {
                ssrc: word(bytes, 0),
                fraction_lost: (lost >> 24) as u8,
                // 24 bits with a sign, shifted up and back to carry it.
                cumulative_lost: ((lost << 8) as i32) >> 8,
                highest_sequence: word(bytes, 2),
                jitter: word(bytes, 3),
                last_report: word(bytes, 4),
                delay: word(bytes, 5),
            }
        })
    }
}

struct Chunk<'a> {
    ssrc: u32,
    items: &'a [u8],
    after: &'a [u8],
}

/// Cuts one chunk off (RFC 3550 section 6.5): source, items, and one to four zeros up to the next 32-bit boundary.
fn chunk(bytes: &[u8]) -> Option<Chunk<'_>> {
    let (ssrc, items) = bytes.split_first_chunk::<4>()?;
    let mut end = 0;
    while *items.get(end)? != 0 {
        end += 2 + usize::from(*items.get(end + 1)?);
    }
    let after = items.get((end / 4 + 1) * 4..)?;
    Some(Chunk { ssrc: u32::from_be_bytes(*ssrc), items: &items[..end], after })
}

impl<'a> Chunks<'a> {
    /// The canonical name of each source that gives one.
    pub fn names(self) -> impl Iterator<Item = (u32, &'a [u8])> {
        let mut rest = self.0;
        let chunks = std::iter::from_fn(move || {
            let found = chunk(rest)?;
            rest = found.after;
            Some(found)
        });
        chunks.filter_map(|chunk| {
            let mut items = chunk.items;
            while let [kind, length, text @ ..] = items {
                let (text, after) = text.split_at_checked(usize::from(*length))?;
                if *kind == CNAME {
                    return Some((chunk.ssrc, text));
                }
                items = after;
            }
            None
        })
    }
}

/// Writes a compound packet, one packet after another. What does not fit the buffer is left out whole.
pub struct Writer<'a> {
    out: &'a mut [u8],
    length: usize,
}

impl<'a> Writer<'a> {
    /// Writes into `out`; [`SENT_MAX`] octets hold one packet of each kind.
    pub fn new(out: &'a mut [u8]) -> Writer<'a> {
        Writer { out, length: 0 }
    }

    /// An SR, when something was sent since the report before the last (section 6.4).
    pub fn sender_report(self, ssrc: u32, sent: &SenderInfo, block: Option<&Block>) -> Writer<'a> {
        let fixed = [ssrc, (sent.ntp >> 32) as u32, sent.ntp as u32, sent.timestamp, sent.packets, sent.octets];
        self.report(SENDER_REPORT, &fixed, block)
    }

    /// An RR, otherwise.
    pub fn receiver_report(self, ssrc: u32, block: Option<&Block>) -> Writer<'a> {
        self.report(RECEIVER_REPORT, &[ssrc], block)
    }

    fn report(mut self, packet_type: u8, fixed: &[u32], block: Option<&Block>) -> Writer<'a> {
        let words = fixed.len() + block.map_or(0, |_| BLOCK / 4);
        if self.begin(packet_type, u8::from(block.is_some()), words) {
            for word in fixed {
                self.put(&word.to_be_bytes());
            }
            if let Some(block) = block {
                let lost = block.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
                let words = [
                    block.ssrc,
                    u32::from(block.fraction_lost) << 24 | lost,
                    block.highest_sequence,
                    block.jitter,
                    block.last_report,
                    block.delay,
                ];
                for word in words {
                    self.put(&word.to_be_bytes());
                }
            }
        }
        self
    }

    /// An SDES with the canonical name alone, of at most 32 octets here.
    pub fn name(mut self, ssrc: u32, name: &[u8]) -> Writer<'a> {
        let name = &name[..name.len().min(32)];
        let words = 1 + (2 + name.len()) / 4 + 1;
        if self.begin(SOURCE_DESCRIPTION, 1, words) {
            self.put(&ssrc.to_be_bytes());
            self.put(&[CNAME, name.len() as u8]);
            self.put(name);
            let zeros = words * 4 - 4 - 2 - name.len();
            self.put(&[0; 4][..zeros]);
        }
        self
    }

    /// A BYE without a reason.
    pub fn goodbye(mut self, ssrc: u32) -> Writer<'a> {
        if self.begin(GOODBYE, 1, 1) {
            self.put(&ssrc.to_be_bytes());
        }
        self
    }

    /// How many octets were written.
    pub fn finish(self) -> usize {
        self.length
    }

    fn begin(&mut self, packet_type: u8, count: u8, words: usize) -> bool {
        let fits = self.length + 4 + words * 4 <= self.out.len();
        if fits {
            let [high, low] = (words as u16).to_be_bytes();
            self.put(&[0x80 | count, packet_type, high, low]);
        }
        fits
    }

    fn put(&mut self, bytes: &[u8]) {
        self.out[self.length..][..bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtc_rtcp::{goodbye::Goodbye, sender_report::SenderReport, source_description::SourceDescription};
    use rtc_shared::marshal::Marshal;

    const SENT: SenderInfo =
        SenderInfo { ntp: 0x1234_5678_9abc_def0, timestamp: 160_000, packets: 1_000, octets: 160_000 };
    const HEARD: Block = Block {
        ssrc: 9,
        fraction_lost: 26,
        cumulative_lost: -3,
        highest_sequence: 0x0001_0007,
        jitter: 40,
        last_report: 0x5678_9abc,
        delay: 65_536,
    };

    #[test]
    fn an_independent_reader_reads_what_we_write() {
        let mut out = [0; SENT_MAX];
        let length = Writer::new(&mut out)
            .sender_report(7, &SENT, Some(&Block { cumulative_lost: 77, ..HEARD }))
            .name(7, b"0123456789abcdef01234567")
            .goodbye(7)
            .finish();
        let packets = rtc_rtcp::packet::unmarshal(&mut &out[..length]).expect("three packets");
        assert_eq!(packets.len(), 3);
        let report = packets[0].as_any().downcast_ref::<SenderReport>().expect("an SR");
        assert_eq!((report.ssrc, report.ntp_time, report.rtp_time), (7, SENT.ntp, SENT.timestamp));
        assert_eq!((report.packet_count, report.octet_count), (1_000, 160_000));
        let block = &report.reports[0];
        assert_eq!((block.ssrc, block.fraction_lost, block.total_lost), (9, 26, 77));
        assert_eq!((block.last_sequence_number, block.jitter), (0x0001_0007, 40));
        assert_eq!((block.last_sender_report, block.delay), (0x5678_9abc, 65_536));
        let names = packets[1].as_any().downcast_ref::<SourceDescription>().expect("an SDES");
        assert_eq!(names.chunks[0].source, 7);
        assert_eq!(&names.chunks[0].items[0].text[..], b"0123456789abcdef01234567");
        let goodbye = packets[2].as_any().downcast_ref::<Goodbye>().expect("a BYE");
        assert_eq!(goodbye.sources, [7]);
    }

    #[test]
    fn what_an_independent_writer_writes_is_read() {
        let goodbye = Goodbye { sources: vec![1, 2], reason: "off to lunch".into() };
        let mut bytes = Vec::new();
        let mut out = [0; SENT_MAX];
        let length = Writer::new(&mut out).receiver_report(1, None).finish();
        bytes.extend_from_slice(&out[..length]);
        bytes.extend_from_slice(&goodbye.marshal().expect("it fits"));
        let compound = Compound::parse(&bytes).expect("a compound packet");
        let packets: Vec<_> = compound.packets().collect();
        let Packet::ReceiverReport { ssrc: 1, blocks } = packets[0] else { panic!("{packets:?}") };
        assert_eq!(blocks.iter().count(), 0);
        assert_eq!(packets[1], Packet::Goodbye { sources: &[0, 0, 0, 1, 0, 0, 0, 2], reason: b"off to lunch" });
    }

    #[test]
    fn reading_gives_back_what_was_written() {
        for (name, block) in [(&b"a"[..], Some(HEARD)), (b"ab", None), (b"abc", Some(HEARD)), (b"", None)] {
            let mut out = [0; SENT_MAX];
            let length = Writer::new(&mut out).sender_report(7, &SENT, block.as_ref()).name(7, name).finish();
            let compound = Compound::parse(&out[..length]).expect("our own");
            let packets: Vec<_> = compound.packets().collect();
            let Packet::SenderReport { ssrc: 7, sent: SENT, blocks } = packets[0] else { panic!("{packets:?}") };
            assert_eq!(blocks.about(9), block);
            let Packet::SourceDescription(chunks) = packets[1] else { panic!("{packets:?}") };
            assert_eq!(chunks.names().collect::<Vec<_>>(), [(7, name)]);
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_whole() {
        for room in 0..SENT_MAX {
            let mut out = vec![0; room];
            let length = Writer::new(&mut out).sender_report(7, &SENT, Some(&HEARD)).name(7, b"x").goodbye(7).finish();
            assert!(length <= room);
            assert!(length < 52 || Compound::parse(&out[..length]).is_ok(), "{room}: {length}");
        }
    }

    #[test]
    fn the_checks_of_a_2() {
        let check = |bytes: &[u8], expected: Result<(), Malformed>| {
            assert_eq!(Compound::parse(bytes).map(|_| ()), expected, "{bytes:02x?}");
        };
        check(&[], Err(Malformed::Length));
        check(&[0x80, 201, 0, 1, 0, 0, 0, 1], Ok(()));
        check(&[0x40, 201, 0, 1, 0, 0, 0, 1], Err(Malformed::Version));
        check(&[0x80, 203, 0, 0], Err(Malformed::First));
        check(&[0x81, 201, 0, 1, 0, 0, 0, 1], Err(Malformed::Length));
        check(&[0x80, 201, 0, 2, 0, 0, 0, 1], Err(Malformed::Length));
        check(&[0x80, 201, 0, 1, 0, 0, 0, 1, 0x80], Err(Malformed::Length));
        check(&[0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4], Ok(()));
        check(&[0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0], Err(Malformed::Padding));
        check(&[0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 9], Err(Malformed::Padding));
        check(&[0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 5], Err(Malformed::Length));
        check(&[0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4, 0x80, 204, 0, 0], Err(Malformed::Padding));
        check(&[0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 202, 0, 2, 0, 0, 0, 1, 1, 9, 0, 0], Err(Malformed::Length));
        check(&[0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 203, 0, 2, 0, 0, 0, 1, 9, 0, 0, 0], Err(Malformed::Length));
        check(&[0x80, 201, 0, 1, 0, 0, 0, 1, 0x80, 207, 0, 0], Ok(()));
    }
}
