//! The offer/answer model of RFC 3264, for one audio stream.

use std::net::{IpAddr, SocketAddr};

use super::{AudioPlan, Codec, Direction, Format, MediaDescription, MediaKind, Origin, SessionDescription, Warning};

/// Whether tones are looked for in the audio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InbandDigits {
    /// Where no telephone-event was agreed.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// What our side brings to an offer or an answer.
#[derive(Clone, Debug)]
pub struct LocalMedia<'a> {
    /// The address that the other side reaches us by.
    pub address: IpAddr,
    /// Our even RTP port.
    pub port: u16,
    /// The `o=` line's session id: the same for the life of the dialog.
    pub session_id: u64,
    /// The `o=` line's version: one more with each description that differs from the last.
    pub version: u64,
    /// The codecs we take, most preferred first; never empty.
    pub codecs: &'a [Codec],
    /// As configured.
    pub inband_digits: InbandDigits,
}

/// The end of a successful negotiation.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreed {
    /// Our answer.
    pub description: SessionDescription,
    /// What `media` is to do.
    pub plan: AudioPlan,
}

/// Why nothing could be agreed: refused with 488 and this Warning (RFC 3261 section 21.4.26).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferRefused(pub Warning);

/// The payload type that our own offers give telephone-event.
const OFFERED_TELEPHONE_EVENT: u8 = 101;

/// The events of RFC 4733 section 3.2 that we understand: the sixteen keys.
const EVENTS: &str = "0-15";

/// What we ask to be sent, in milliseconds of audio a packet.
const PTIME: u16 = 20;

/// The packet times that the media can send, in milliseconds.
const PACKET_TIMES: [u8; 4] = [10, 20, 40, 60];

/// Answers `offer`: the first audio line that we can take is taken, all others are kept at port 0.
pub fn answer(offer: &SessionDescription, local: &LocalMedia<'_>) -> Result<Agreed, OfferRefused> {
    let mut taken: Option<(usize, AudioPlan)> = None;
    let mut refusal: Option<OfferRefused> = None;
    for (index, line) in offer.media.iter().enumerate() {
        match plan(line, offer.connection, local) {
            Ok(plan) if taken.is_none() => taken = Some((index, plan)),
            Ok(_) => {}
            // A stream that is offered disabled tells less about what is wrong than one that we had to refuse.
            Err(fault) if refusal.is_none() || fault.0.code != NO_AUDIO => refusal = Some(fault),
            Err(_) => {}
        }
    }
    let Some((taken, plan)) = taken else {
        return Err(refusal.unwrap_or_else(|| refused(NO_AUDIO, "No audio is offered")));
    };
    let media = offer
        .media
        .iter()
        .enumerate()
        .map(|(index, line)| if index == taken { answer_line(line, &plan, local) } else { refused_line(line) })
        .collect();
    Ok(Agreed { description: description(media, local), plan })
}

/// Our own offer.
pub fn offer(local: &LocalMedia<'_>) -> SessionDescription {
    let mut formats: Vec<Format> =
        local.codecs.iter().map(|codec| format(codec.payload_type(), codec.encoding(), "")).collect();
    formats.push(format(OFFERED_TELEPHONE_EVENT, TELEPHONE_EVENT, EVENTS));
    description(vec![audio_line(RTP_AVP.to_owned(), Direction::SendReceive, formats, local)], local)
}

/// What was agreed when `answer` came back to our [`offer`], which has one line.
pub fn accept_answer(answer: &SessionDescription, local: &LocalMedia<'_>) -> Result<AudioPlan, OfferRefused> {
    let line = answer.media.first().ok_or_else(|| refused(NO_AUDIO, "The answer has no audio"))?;
    plan(line, answer.connection, local)
}

const RTP_AVP: &str = "RTP/AVP";
const TELEPHONE_EVENT: &str = "telephone-event";
const CLOCK_RATE: u32 = 8_000;

// Warn-codes of RFC 3261 section 20.43.
const BAD_ADDRESS: u16 = 301;
const BAD_TRANSPORT: u16 = 302;
const NO_AUDIO: u16 = 304;
const NO_CODEC: u16 = 305;
const NO_MULTICAST: u16 = 330;

fn refused(code: u16, text: &str) -> OfferRefused {
    OfferRefused(Warning { code, text: text.to_owned() })
}

/// What one line of the other side's comes to, or why it cannot be taken.
fn plan(line: &MediaDescription, session: Option<IpAddr>, local: &LocalMedia<'_>) -> Result<AudioPlan, OfferRefused> {
    if line.kind != MediaKind::Audio || line.port == 0 {
        return Err(refused(NO_AUDIO, "No audio is offered"));
    }
    if !line.protocol.eq_ignore_ascii_case(RTP_AVP) {
        return Err(refused(BAD_TRANSPORT, "Only RTP/AVP is spoken here"));
    }
    let address = usable_address(line.connection.or(session), local.address)?;
    let (codec, payload_type) = line
        .formats
        .iter()
        .find_map(|format| codec(format, local.codecs).zip(format.payload_type))
        .ok_or_else(|| refused(NO_CODEC, &format!("Only {} is spoken here", names(local.codecs))))?;
    let telephone_event = line.formats.iter().find(|format| is_encoding(format, TELEPHONE_EVENT));
    let telephone_event = telephone_event.and_then(|format| format.payload_type);
    let direction = match (line.direction.reversed(), address) {
        (wished, Some(_)) => wished,
        // Hold in the old way: nothing may be sent (RFC 3264 section 8.4).
        (Direction::SendReceive | Direction::ReceiveOnly, None) => Direction::ReceiveOnly,
        (Direction::SendOnly | Direction::Inactive, None) => Direction::Inactive,
    };
    let rtcp_port = line.rtcp_port.or(line.port.checked_add(1));
    Ok(AudioPlan {
        remote: address.map(|address| SocketAddr::new(address, line.port)),
        remote_rtcp: address.zip(rtcp_port).map(|(address, port)| SocketAddr::new(address, port)),
        codec,
        payload_type,
        telephone_event,
        direction,
        packet_ms: packet_ms(line.ptime, line.maxptime),
        inband_digits: match local.inband_digits {
            InbandDigits::Auto => telephone_event.is_none(),
            InbandDigits::On => true,
            InbandDigits::Off => false,
        },
    })
}

/// Where to send: nothing for the unspecified address, which means "not now" (RFC 3264 sections 5.1 and 8.4).
fn usable_address(address: Option<IpAddr>, local: IpAddr) -> Result<Option<IpAddr>, OfferRefused> {
    let address = address.ok_or_else(|| refused(BAD_ADDRESS, "An IPv4 or IPv6 address is needed"))?;
    if address.is_unspecified() {
        return Ok(None);
    }
    if address.is_multicast() {
        return Err(refused(NO_MULTICAST, "Multicast is not spoken here"));
    }
    if address.is_ipv4() != local.is_ipv4() {
        let family = if local.is_ipv4() { "IPv4" } else { "IPv6" };
        return Err(refused(BAD_ADDRESS, &format!("An {family} address is needed")));
    }
    Ok(Some(address))
}

/// The codec that a format is, where we take it.
fn codec(format: &Format, codecs: &[Codec]) -> Option<Codec> {
    codecs.iter().copied().find(|codec| is_encoding(format, codec.encoding()))
}

fn is_encoding(format: &Format, encoding: &str) -> bool {
    format.clock_rate == CLOCK_RATE && format.encoding.eq_ignore_ascii_case(encoding)
}

fn names(codecs: &[Codec]) -> String {
    codecs.iter().map(|codec| codec.encoding()).collect::<Vec<_>>().join(" or ")
}

/// What we send in a packet: what the other side wishes, or the next less that we can.
fn packet_ms(ptime: Option<u16>, maxptime: Option<u16>) -> u8 {
    let wished = ptime.filter(|ptime| *ptime > 0).unwrap_or(PTIME);
    let wished = wished.min(maxptime.filter(|maxptime| *maxptime > 0).unwrap_or(u16::MAX));
    PACKET_TIMES.into_iter().rev().find(|ms| u16::from(*ms) <= wished).unwrap_or(PACKET_TIMES[0])
}

fn description(media: Vec<MediaDescription>, local: &LocalMedia<'_>) -> SessionDescription {
    SessionDescription {
        origin: Origin {
            username: "-".to_owned(),
            session_id: local.session_id,
            version: local.version,
            address: local.address.to_string(),
        },
        connection: Some(local.address),
        media,
    }
}

fn audio_line(
    protocol: String,
    direction: Direction,
    formats: Vec<Format>,
    local: &LocalMedia<'_>,
) -> MediaDescription {
    MediaDescription {
        kind: MediaKind::Audio,
        port: local.port,
        protocol,
        connection: None,
        rtcp_port: None,
        direction,
        ptime: Some(PTIME),
        maxptime: None,
        formats,
    }
}

/// Our line for the one that was taken: the codec and the events under the offer's own payload types.
fn answer_line(line: &MediaDescription, plan: &AudioPlan, local: &LocalMedia<'_>) -> MediaDescription {
    let mut formats = vec![format(plan.payload_type, plan.codec.encoding(), "")];
    formats.extend(plan.telephone_event.map(|payload_type| format(payload_type, TELEPHONE_EVENT, EVENTS)));
    audio_line(line.protocol.clone(), plan.direction, formats, local)
}

/// The same line at port 0, with the formats that a line must have (RFC 3264 section 6).
fn refused_line(line: &MediaDescription) -> MediaDescription {
    MediaDescription {
        kind: line.kind.clone(),
        port: 0,
        protocol: line.protocol.clone(),
        connection: None,
        rtcp_port: None,
        direction: Direction::SendReceive,
        ptime: None,
        maxptime: None,
        formats: line.formats.clone(),
    }
}

fn format(payload_type: u8, encoding: &str, parameters: &str) -> Format {
    Format {
        token: payload_type.to_string(),
        payload_type: Some(payload_type),
        encoding: encoding.to_owned(),
        clock_rate: CLOCK_RATE,
        parameters: parameters.to_owned(),
    }
}
