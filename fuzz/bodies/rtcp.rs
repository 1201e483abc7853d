//! No bytes make the reader panic; what was checked can all be read; and reports are written back as they were read.

use helpline::media::rtcp::{Compound, Packet, SENT_MAX, Writer};

pub fn run(data: &[u8]) {
    let Ok(compound) = Compound::parse(data) else {
        return;
    };
    let mut octets = 0;
    for (place, packet) in compound.packets().enumerate() {
        match packet {
            Packet::SenderReport { ssrc, sent, blocks } => {
                let first = blocks.iter().next();
                let mut out = [0; SENT_MAX];
                let length = Writer::new(&mut out).sender_report(ssrc, &sent, first.as_ref()).finish();
                let again = Compound::parse(&out[..length]).expect("our own");
                let Some(Packet::SenderReport { ssrc: whose, sent: what, blocks: heard }) = again.packets().next()
                else {
                    panic!("it was a sender's report");
                };
                assert_eq!((whose, what, heard.iter().next()), (ssrc, sent, first));
            }
            Packet::ReceiverReport { ssrc, blocks } => {
                for block in blocks.iter() {
                    assert_eq!(blocks.about(block.ssrc).map(|found| found.ssrc), Some(block.ssrc));
                    let mut out = [0; SENT_MAX];
                    let length = Writer::new(&mut out).receiver_report(ssrc, Some(&block)).finish();
                    let again = Compound::parse(&out[..length]).expect("our own");
                    let Some(Packet::ReceiverReport { blocks: heard, .. }) = again.packets().next() else {
                        panic!("it was a receiver's report");
                    };
                    assert_eq!(heard.iter().next(), Some(block));
                }
            }
            Packet::SourceDescription(chunks) => octets += chunks.names().map(|(_, name)| name.len()).sum::<usize>(),
            Packet::Goodbye { sources, reason } => octets += sources.len() + reason.len(),
            Packet::Other { packet_type } => assert!(place > 0 && !matches!(packet_type, 200..=203)),
        }
    }
    assert!(octets <= data.len());
}
