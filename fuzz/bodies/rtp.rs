//! No bytes make the reader panic; what is read stands where it stood; and a stream that hears anything, from anybody,
//! goes on sending valid packets and tells at most as many keys as it heard packets.

use std::net::SocketAddr;
use std::time::Duration;

use helpline::clock::Moment;
use helpline::media::rtp::{HEADER, Packet};
use helpline::media::stream::{PACKET_MAX, Stream, StreamEvent, Terms};
use helpline::telephony::{AudioPlan, Codec, Direction};

pub fn run(data: &[u8]) {
    if let Ok(packet) = Packet::parse(data) {
        let extension = packet.extension.map_or(0, |extension| 4 + extension.data.len());
        assert!(HEADER + packet.contributors.len() + extension + packet.payload.len() <= data.len());
        assert_eq!(packet.header.print()[1..], data[1..HEADER]);
    }
    hear(data);
}

/// The input as datagrams: a length, a port's last bits, and the bytes.
fn hear(data: &[u8]) {
    let address = |port: u8| SocketAddr::from(([127, 0, 0, 1], 4_000 + u16::from(port & 3)));
    let plan = AudioPlan {
        remote: Some(address(0)),
        remote_rtcp: None,
        codec: Codec::Pcma,
        payload_type: 8,
        telephone_event: Some(101),
        direction: Direction::SendReceive,
        packet_ms: 20,
        inband_digits: true,
    };
    let mut stream = Stream::new(Moment::ZERO, plan, Terms { silence: Duration::from_secs(30), ntp_zero: 0 }, 1);
    let (mut heard, mut digits, mut now) = (0, 0, Moment::ZERO);
    let mut rest = data;
    while let [length, port, after @ ..] = rest {
        let (datagram, after) = after.split_at(usize::from(*length).min(after.len()));
        let mut tell = |event| digits += usize::from(matches!(event, StreamEvent::Digit(..)));
        heard += 1;
        stream.receive(now, address(*port), datagram, &mut tell);
        stream.receive_control(now, address(*port), datagram);
        now += Duration::from_millis(20);
        let mut out = [0; PACKET_MAX];
        let sent = stream.tick(now, &mut out, &mut |_| ()).expect("it sends on every tick");
        assert!(Packet::parse(&out[..sent.length]).is_ok());
        if let Some(report) = stream.tick_control(now, &mut out) {
            assert!(helpline::media::rtcp::Compound::parse(&out[..report.length]).is_ok());
        }
        rest = after;
    }
    let report = stream.report();
    assert!(report.packets_received <= heard as u64 + 1);
    assert!(digits <= heard * 4);
}
