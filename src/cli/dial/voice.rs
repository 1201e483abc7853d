//! One call's audio: its socket, its mouth and its ear.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;

use super::ear::{Ear, Measured};
use super::mouth::{KeyPath, Mouth, PACKET_MAX};
use super::reader::{self, Reader, Wall};
use super::tape::Tape;
use crate::media::rtp::{Packet, is_control};
use crate::telephony::{AudioPlan, Clip, Codec, Digit};

/// Datagrams of audio read with one call: those of two ticks, and some to spare.
const BATCH: usize = 4;
/// The longest datagram that is read whole.
const DATAGRAM_MAX: usize = 1_500;

/// A reader for sockets of [`Voice`]s.
pub fn audio_reader() -> Reader {
    Reader::new(BATCH, DATAGRAM_MAX)
}

/// One call's audio.
pub struct Voice {
    socket: UdpSocket,
    port: u16,
    agreed: Option<Agreed>,
    ear: Ear,
    tape: Option<Tape>,
}

struct Agreed {
    remote: Option<SocketAddr>,
    codec: Codec,
    payload_type: u8,
    sends: bool,
    mouth: Mouth,
}

impl Voice {
    /// Opens a socket on a port of the system's choice, an even one where that is to be had: RTCP's is above it (RFC 3550
    /// section 11).
    ///
    /// # Errors
    /// What the operating system says, such as too many open files.
    pub fn open(local: IpAddr, record: bool) -> io::Result<Voice> {
        let mut socket = UdpSocket::bind((local, 0))?;
        let mut port = socket.local_addr()?.port();
        if port % 2 == 1
            && let Ok(beside) = UdpSocket::bind((local, port - 1))
        {
            (socket, port) = (beside, port - 1);
        }
        socket.set_nonblocking(true)?;
        reader::timestamp(&socket);
        Ok(Voice { socket, port, agreed: None, ear: Ear::default(), tape: record.then(Tape::default) })
    }

    /// Our RTP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Speaks and hears as agreed; tells how keys go if they go in the audio.
    pub fn agree(
        &mut self,
        plan: &AudioPlan,
        tones: bool,
        recording: Option<&Arc<Clip>>,
        rng: &mut fastrand::Rng,
    ) -> KeyPath {
        let path = plan.telephone_event.filter(|_| !tones).map_or(KeyPath::Tones, KeyPath::Events);
        match &mut self.agreed {
            Some(agreed) => {
                agreed.mouth.change(plan.codec, plan.payload_type);
                (agreed.remote, agreed.codec, agreed.payload_type) = (plan.remote, plan.codec, plan.payload_type);
                agreed.sends = plan.direction.sends();
            }
            None => {
                self.agreed = Some(Agreed {
                    remote: plan.remote,
                    codec: plan.codec,
                    payload_type: plan.payload_type,
                    sends: plan.direction.sends(),
                    mouth: Mouth::new(plan.codec, plan.payload_type, path, recording.cloned(), rng),
                });
            }
        }
        path
    }

    /// Presses a key in the audio.
    pub fn press(&mut self, digit: Digit) {
        if let Some(agreed) = &mut self.agreed {
            agreed.mouth.press(digit);
        }
    }

    /// A key was sent by signalling at `at`.
    pub fn pressed(&mut self, at: crate::clock::Moment, measured: &mut Measured) {
        self.ear.press(at, measured);
    }

    /// Hears what has come.
    pub fn hear(&mut self, reader: &mut Reader, wall: &Wall, measured: &mut Measured) {
        let Voice { socket, agreed, ear, tape, .. } = self;
        let audio = agreed.as_ref().map(|agreed| (agreed.payload_type, agreed.codec));
        reader.read(socket, wall, |at, _, bytes| {
            if is_control(bytes) {
                return;
            }
            let Ok(packet) = Packet::parse(bytes) else { return };
            let header = packet.header;
            let codec = match audio {
                Some((payload_type, codec)) if payload_type == header.payload_type => Some(codec),
                // Before the answer is known, what came early is of the static type it says.
                None if header.payload_type == 8 => Some(Codec::Pcma),
                None if header.payload_type == 0 => Some(Codec::Pcmu),
                _ => None,
            };
            ear.receive(at, &header, codec, packet.payload, measured);
            if let (Some(tape), Some(codec)) = (tape.as_mut(), codec) {
                tape.receive(&header, codec, packet.payload);
            }
        });
    }

    /// Sends the packet of this tick; tells whether a key began with it.
    pub fn speak(&mut self, wall: &Wall, measured: &mut Measured) -> bool {
        let Some(agreed) = self.agreed.as_mut().filter(|agreed| agreed.sends) else { return false };
        let Some(remote) = agreed.remote else { return false };
        let mut out = [0; PACKET_MAX];
        let sent = agreed.mouth.tick(&mut out);
        if sent.key {
            self.ear.press(wall.now(), measured);
        }
        // A packet that cannot be sent is a packet lost: the other side counts it.
        let _ = self.socket.send_to(&out[..sent.length], remote);
        sent.key
    }

    /// Packets sent and received so far.
    pub fn counts(&self) -> (u64, u64) {
        (self.agreed.as_ref().map_or(0, |agreed| agreed.mouth.sent()), self.ear.received())
    }

    /// Hears the last of it and adds up; gives what was recorded.
    pub fn finish(mut self, reader: &mut Reader, wall: &Wall, measured: &mut Measured) -> Option<Tape> {
        self.hear(reader, wall, measured);
        self.ear.finish(measured);
        self.tape
    }
}
