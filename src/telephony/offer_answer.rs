//! The offer/answer model of RFC 3264, for one audio stream.

use std::net::{IpAddr, SocketAddr};

use super::{
    AudioPlan, Codec, Direction, Format, MediaDescription, MediaKind, Origin, SessionDescription, Timing, Warning,
};

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
    Ok(Agreed { description: description(media, offer.timing, local), plan })
}

/// Our own offer.
pub fn offer(local: &LocalMedia<'_>) -> SessionDescription {
    let mut formats: Vec<Format> =
        local.codecs.iter().map(|codec| format(codec.payload_type(), codec.encoding(), "")).collect();
    formats.push(format(OFFERED_TELEPHONE_EVENT, TELEPHONE_EVENT, EVENTS));
    let line = audio_line(RTP_AVP.to_owned(), Direction::SendReceive, formats, local);
    description(vec![line], Timing::default(), local)
}

/// What was agreed when `answer` came back to our [`offer`], which has one line.
pub fn accept_answer(answer: &SessionDescription, local: &LocalMedia<'_>) -> Result<AudioPlan, OfferRefused> {
    let line = answer.media.first().ok_or_else(|| refused(NO_AUDIO, "The answer has no audio"))?;
    plan(line, answer.connection, local)
}

const RTP_AVP: &str = "RTP/AVP";
/// The same with feedback that may be sent earlier, of which we ask none and send none (RFC 4585 section 4.2: the answer
/// has the profile of the offer).
const RTP_AVPF: &str = "RTP/AVPF";
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
    if ![RTP_AVP, RTP_AVPF].iter().any(|profile| line.protocol.eq_ignore_ascii_case(profile)) {
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

fn description(media: Vec<MediaDescription>, timing: Timing, local: &LocalMedia<'_>) -> SessionDescription {
    SessionDescription {
        origin: Origin {
            username: "-".to_owned(),
            session_id: local.session_id,
            version: local.version,
            address: local.address.to_string(),
        },
        connection: Some(local.address),
        timing,
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

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &[Codec] = &[Codec::Pcmu, Codec::Pcma];

    fn local(codecs: &[Codec]) -> LocalMedia<'_> {
        LocalMedia {
            address: IpAddr::from([192, 0, 2, 1]),
            port: 16_384,
            session_id: 7,
            version: 3,
            codecs,
            inband_digits: InbandDigits::Auto,
        }
    }

    /// A format as `0 PCMU/8000`.
    fn read_format(text: &str) -> Format {
        let (token, rest) = text.split_once(' ').expect("a token");
        let (encoding, rate) = rest.rsplit_once('/').expect("a rate");
        Format {
            token: token.to_owned(),
            payload_type: token.parse().ok(),
            encoding: encoding.to_owned(),
            clock_rate: rate.parse().expect("a number"),
            parameters: String::new(),
        }
    }

    fn line(port: u16, formats: &[&str]) -> MediaDescription {
        MediaDescription {
            kind: MediaKind::Audio,
            port,
            protocol: "RTP/AVP".to_owned(),
            connection: None,
            rtcp_port: None,
            direction: Direction::SendReceive,
            ptime: None,
            maxptime: None,
            formats: formats.iter().map(|format| read_format(format)).collect(),
        }
    }

    fn session(media: Vec<MediaDescription>) -> SessionDescription {
        let origin = Origin { username: "x".to_owned(), session_id: 1, version: 1, address: "192.0.2.9".to_owned() };
        let connection = Some(IpAddr::from([192, 0, 2, 9]));
        SessionDescription { origin, connection, timing: Timing::default(), media }
    }

    fn agreed(line: MediaDescription) -> Agreed {
        answer(&session(vec![line]), &local(BOTH)).expect("it can be taken")
    }

    fn refusal(line: MediaDescription) -> u16 {
        answer(&session(vec![line]), &local(BOTH)).expect_err("it cannot be taken").0.code
    }

    fn tokens(line: &MediaDescription) -> Vec<&str> {
        line.formats.iter().map(|format| format.token.as_str()).collect()
    }

    const PCMU: &str = "0 PCMU/8000";
    const PCMA: &str = "8 PCMA/8000";
    const EVENT: &str = "101 telephone-event/8000";

    #[test]
    fn the_first_codec_of_the_offer_that_we_take_is_chosen() {
        let check = |formats: &[&str], codecs: &[Codec], codec: Codec, payload_type: u8, event: Option<u8>| {
            let Agreed { description, plan } =
                answer(&session(vec![line(4000, formats)]), &local(codecs)).expect("it can be taken");
            assert_eq!(
                (plan.codec, plan.payload_type, plan.telephone_event),
                (codec, payload_type, event),
                "{formats:?}"
            );
            assert_eq!(plan.inband_digits, event.is_none(), "{formats:?}");
            let expected: Vec<String> =
                [Some(payload_type), event].into_iter().flatten().map(|t| t.to_string()).collect();
            assert_eq!(tokens(&description.media[0]), expected, "{formats:?}");
        };
        check(&[PCMU, PCMA, EVENT], BOTH, Codec::Pcmu, 0, Some(101));
        check(&[PCMA, PCMU], BOTH, Codec::Pcma, 8, None);
        check(&[PCMU, PCMA], &[Codec::Pcma], Codec::Pcma, 8, None);
        check(&["9 G722/8000", "18 G729/8000", PCMA, "96 telephone-event/8000"], BOTH, Codec::Pcma, 8, Some(96));
        check(&["97 pcmu/8000", PCMU], BOTH, Codec::Pcmu, 97, None);
        check(&["97 PCMU/16000", "98 PCMU/2/8000", PCMA], BOTH, Codec::Pcma, 8, None);
        check(&["111 opus/2/48000", "110 telephone-event/48000", PCMU, EVENT], BOTH, Codec::Pcmu, 0, Some(101));
    }

    #[test]
    fn the_answer_is_ours() {
        let Agreed { description, plan } = agreed(line(4000, &[PCMU, EVENT]));
        let Origin { username, session_id, version, address } = &description.origin;
        assert_eq!((username.as_str(), *session_id, *version, address.as_str()), ("-", 7, 3, "192.0.2.1"));
        assert_eq!(description.connection, Some(IpAddr::from([192, 0, 2, 1])));
        let line = &description.media[0];
        assert_eq!((line.port, line.protocol.as_str(), line.ptime), (16_384, "RTP/AVP", Some(20)));
        assert_eq!(line.formats[1].parameters, "0-15");
        assert_eq!(plan.remote, Some(SocketAddr::from(([192, 0, 2, 9], 4000))));
        assert_eq!(plan.remote_rtcp, Some(SocketAddr::from(([192, 0, 2, 9], 4001))));
    }

    #[test]
    fn the_answer_has_the_times_and_the_profile_of_the_offer() {
        let timing = Timing { start: 2_873_397_496, stop: 2_873_404_696 };
        let early = MediaDescription { protocol: "RTP/AVPF".to_owned(), ..line(4000, &[PCMU]) };
        let offered = SessionDescription { timing, ..session(vec![early]) };
        let Agreed { description, plan } = answer(&offered, &local(BOTH)).expect("it can be taken");
        assert_eq!((description.timing, description.media[0].protocol.as_str()), (timing, "RTP/AVPF"));
        assert_eq!(plan, agreed(line(4000, &[PCMU])).plan);
    }

    #[test]
    fn one_line_is_taken_and_the_others_are_kept_at_port_0() {
        let video = MediaDescription { kind: MediaKind::Other("video".to_owned()), ..line(5000, &["31 H261/90000"]) };
        let secure = MediaDescription { protocol: "RTP/SAVP".to_owned(), ..line(5002, &[PCMU]) };
        let lines = vec![video, secure, line(5004, &["18 G729/8000"]), line(5006, &[PCMA]), line(5008, &[PCMU])];
        let Agreed { description, plan } = answer(&session(lines.clone()), &local(BOTH)).expect("it can be taken");
        assert_eq!(plan.remote, Some(SocketAddr::from(([192, 0, 2, 9], 5006))));
        let ports: Vec<u16> = description.media.iter().map(|line| line.port).collect();
        assert_eq!(ports, [0, 0, 0, 16_384, 0]);
        for (offered, answered) in lines.iter().zip(&description.media) {
            assert_eq!((&offered.kind, &offered.protocol), (&answered.kind, &answered.protocol));
            assert_eq!(tokens(offered), tokens(answered));
        }
    }

    #[test]
    fn what_cannot_be_taken_is_refused_with_its_warning() {
        let good = || line(4000, &[PCMU]);
        assert_eq!(answer(&session(Vec::new()), &local(BOTH)).expect_err("no line").0.code, 304);
        assert_eq!(refusal(MediaDescription { kind: MediaKind::Other("video".to_owned()), ..good() }), 304);
        assert_eq!(refusal(line(0, &[PCMU])), 304);
        assert_eq!(refusal(line(4000, &["18 G729/8000", EVENT])), 305);
        assert_eq!(refusal(MediaDescription { protocol: "RTP/SAVP".to_owned(), ..good() }), 302);
        assert_eq!(refusal(MediaDescription { protocol: "UDP/TLS/RTP/SAVPF".to_owned(), ..good() }), 302);
        assert_eq!(refusal(MediaDescription { connection: "2001:db8::1".parse().ok(), ..good() }), 301);
        assert_eq!(refusal(MediaDescription { connection: "224.0.0.1".parse().ok(), ..good() }), 330);
        let nowhere = SessionDescription { connection: None, ..session(vec![good()]) };
        assert_eq!(answer(&nowhere, &local(BOTH)).expect_err("no address").0.code, 301);
        // The reason is that of the line that came closest.
        let lines = vec![line(0, &[PCMU]), line(4000, &["18 G729/8000"]), line(0, &[PCMU])];
        let refused = answer(&session(lines), &local(&[Codec::Pcma])).expect_err("no codec").0;
        assert_eq!((refused.code, refused.text.as_str()), (305, "Only PCMA is spoken here"));
    }

    #[test]
    fn directions_mirror_the_offer() {
        use Direction::{Inactive, ReceiveOnly, SendOnly, SendReceive};
        let check = |offered: Direction, address: &str, expected: Direction| {
            let offer =
                MediaDescription { direction: offered, connection: address.parse().ok(), ..line(4000, &[PCMU]) };
            let Agreed { description, plan } = agreed(offer);
            assert_eq!(plan.direction, expected, "{offered:?} {address}");
            assert_eq!(description.media[0].direction, expected, "{offered:?} {address}");
            assert_eq!(plan.remote.is_some(), address != "0.0.0.0");
            assert_eq!(plan.remote_rtcp.is_some(), address != "0.0.0.0");
        };
        check(SendReceive, "192.0.2.9", SendReceive);
        check(SendOnly, "192.0.2.9", ReceiveOnly);
        check(ReceiveOnly, "192.0.2.9", SendOnly);
        check(Inactive, "192.0.2.9", Inactive);
        // Hold in the old way.
        check(SendReceive, "0.0.0.0", ReceiveOnly);
        check(SendOnly, "0.0.0.0", ReceiveOnly);
        check(ReceiveOnly, "0.0.0.0", Inactive);
        check(Inactive, "0.0.0.0", Inactive);
    }

    #[test]
    fn packets_are_as_long_as_wished_or_the_next_less() {
        let check = |ptime: Option<u16>, maxptime: Option<u16>, ms: u8| {
            let Agreed { description, plan } = agreed(MediaDescription { ptime, maxptime, ..line(4000, &[PCMU]) });
            assert_eq!(plan.packet_ms, ms, "{ptime:?} {maxptime:?}");
            assert_eq!(description.media[0].ptime, Some(20));
        };
        check(None, None, 20);
        check(Some(20), None, 20);
        check(Some(30), None, 20);
        check(Some(10), None, 10);
        check(Some(5), None, 10);
        check(Some(0), Some(0), 20);
        check(Some(40), None, 40);
        check(Some(50), Some(40), 40);
        check(Some(60), Some(30), 20);
        check(Some(240), None, 60);
        check(None, Some(10), 10);
        check(None, Some(200), 20);
    }

    #[test]
    fn rtcp_goes_where_the_offer_says() {
        let port = |port: u16, rtcp_port: Option<u16>| {
            let plan = agreed(MediaDescription { rtcp_port, ..line(port, &[PCMU]) }).plan;
            plan.remote_rtcp.map(|address| address.port())
        };
        assert_eq!(port(4000, None), Some(4001));
        assert_eq!(port(4000, Some(5000)), Some(5000));
        assert_eq!(port(65_535, None), None);
    }

    #[test]
    fn tones_are_looked_for_as_configured() {
        let check = |inband_digits: InbandDigits, formats: &[&str], expected: bool| {
            let local = LocalMedia { inband_digits, ..local(BOTH) };
            let agreed = answer(&session(vec![line(4000, formats)]), &local).expect("it can be taken");
            assert_eq!(agreed.plan.inband_digits, expected, "{inband_digits:?} {formats:?}");
        };
        check(InbandDigits::Auto, &[PCMU], true);
        check(InbandDigits::Auto, &[PCMU, EVENT], false);
        check(InbandDigits::On, &[PCMU, EVENT], true);
        check(InbandDigits::Off, &[PCMU], false);
    }

    #[test]
    fn our_offer_is_answered() {
        let ours = offer(&local(&[Codec::Pcma, Codec::Pcmu]));
        assert_eq!(ours.media.len(), 1);
        assert_eq!(tokens(&ours.media[0]), ["8", "0", "101"]);
        assert_eq!(ours.media[0].formats[2].parameters, "0-15");
        // Another Helpline answers.
        let there = LocalMedia { address: IpAddr::from([192, 0, 2, 8]), port: 20_000, ..local(BOTH) };
        let Agreed { description, plan: their_plan } = answer(&ours, &there).expect("it can be taken");
        let plan = accept_answer(&description, &local(BOTH)).expect("it is what we offered");
        assert_eq!(plan.remote, Some(SocketAddr::from(([192, 0, 2, 8], 20_000))));
        assert_eq!(
            (plan.codec, plan.payload_type, plan.telephone_event, plan.direction),
            (Codec::Pcma, 8, Some(101), Direction::SendReceive)
        );
        assert_eq!((their_plan.codec, their_plan.telephone_event), (plan.codec, plan.telephone_event));

        let code = |lines: Vec<MediaDescription>| {
            accept_answer(&session(lines), &local(BOTH)).expect_err("it cannot be used").0.code
        };
        assert_eq!(code(Vec::new()), 304);
        assert_eq!(code(vec![line(0, &[PCMU])]), 304);
        assert_eq!(code(vec![line(4000, &["9 G722/8000"])]), 305);
        let held = MediaDescription { direction: Direction::SendOnly, ..line(4000, &[PCMU]) };
        let plan = accept_answer(&session(vec![held]), &local(BOTH)).expect("held from the start");
        assert_eq!(plan.direction, Direction::ReceiveOnly);
    }
}
