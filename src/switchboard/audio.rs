//! What is agreed of a leg's audio, from our side: the description last given and the plan that follows from it.

use std::net::IpAddr;

use super::Settings;
use crate::telephony::{
    AudioPlan, Direction, LocalMedia, MediaDescription, SessionDescription, StreamReport, Warning, accept_answer,
    answer, offer,
};

/// What the reactor has said of a leg's audio.
#[derive(Debug)]
pub(super) enum Stream {
    /// Not opened yet: the call is not answered.
    Unopened,
    Open,
    /// It could not be opened.
    Failed,
    Closed(StreamReport),
}

/// What is agreed of a leg's audio.
#[derive(Debug)]
pub(super) struct Audio {
    pub(super) port: u16,
    address: IpAddr,
    session_id: u64,
    /// The description that we gave last.
    description: SessionDescription,
    plan: AudioPlan,
    /// The description was an offer, and its answer has not come.
    awaits_answer: bool,
}

impl Audio {
    /// Answers the offer of an INVITE, or makes ours where it had none. The error is the Warning of the 488.
    pub(super) fn open(
        offered: Option<&SessionDescription>,
        address: IpAddr,
        port: u16,
        session_id: u64,
        settings: &Settings,
    ) -> Result<Audio, Warning> {
        let local = local_media(address, port, session_id, 1, settings);
        let (description, plan) = match offered {
            Some(offered) => {
                let agreed = answer(offered, &local).map_err(|refused| refused.0)?;
                (agreed.description, agreed.plan)
            }
            None => {
                let description = offer(&local);
                let plan = plan_of_offer(&description, settings);
                (description, plan)
            }
        };
        Ok(Audio { port, address, session_id, description, plan, awaits_answer: offered.is_none() })
    }

    /// What we offer to somebody whom we dial.
    pub(super) fn dial(address: IpAddr, port: u16, session_id: u64, settings: &Settings) -> Audio {
        let description = offer(&local_media(address, port, session_id, 1, settings));
        let plan = plan_of_offer(&description, settings);
        Audio { port, address, session_id, description, plan, awaits_answer: true }
    }

    /// Whom we dialled reaches us by this address, and our offer said so.
    pub(super) fn reached_by(&mut self, address: IpAddr) {
        self.address = address;
        self.description = self.description.reached_by(address);
    }

    /// Our address, as the other side knows it.
    pub(super) fn address(&self) -> IpAddr {
        self.address
    }

    /// The description to send.
    pub(super) fn description(&self) -> &SessionDescription {
        &self.description
    }

    /// What `media` is to do.
    pub(super) fn plan(&self) -> &AudioPlan {
        &self.plan
    }

    /// Whether the answer to our offer has yet to come.
    pub(super) fn awaits_answer(&self) -> bool {
        self.awaits_answer
    }

    /// Answers an offer within the call, or makes ours where there was none. Everything stays as it was when nothing
    /// can be agreed. Tells whether the plan has changed.
    pub(super) fn change(
        &mut self,
        offered: Option<&SessionDescription>,
        settings: &Settings,
    ) -> Result<bool, Warning> {
        let version = self.description.origin.version;
        let local = local_media(self.address, self.port, self.session_id, version, settings);
        let Some(offered) = offered else {
            // The lines that were rejected are kept, so that every line keeps its place (RFC 3264 section 8).
            let mut ours = offer(&local);
            let line = self.line();
            let mut media = self.description.media.clone();
            if let (Some(kept), Some(new)) = (media.get_mut(line), ours.media.pop()) {
                *kept = MediaDescription { protocol: kept.protocol.clone(), ..new };
            }
            ours.media = media;
            self.describe(ours);
            self.awaits_answer = true;
            return Ok(false);
        };
        let agreed = answer(offered, &local).map_err(|refused| refused.0)?;
        self.describe(agreed.description);
        self.awaits_answer = false;
        Ok(self.follow(agreed.plan))
    }

    /// Takes the answer to our offer. Tells whether the plan has changed.
    pub(super) fn accept(&mut self, answer: &SessionDescription, settings: &Settings) -> Result<bool, Warning> {
        self.awaits_answer = false;
        let version = self.description.origin.version;
        let local = local_media(self.address, self.port, self.session_id, version, settings);
        let taken = answer.media.get(self.line()).cloned();
        let taken = SessionDescription { media: taken.into_iter().collect(), ..answer.clone() };
        let plan = accept_answer(&taken, &local).map_err(|refused| refused.0)?;
        Ok(self.follow(plan))
    }

    /// The place of our audio among the lines of the description.
    fn line(&self) -> usize {
        self.description.media.iter().position(|media| media.port != 0).unwrap_or(0)
    }

    /// The version goes up only when the description differs from the last one (RFC 3264 section 8).
    fn describe(&mut self, mut description: SessionDescription) {
        if description != self.description {
            description.origin.version = self.description.origin.version + 1;
            self.description = description;
        }
    }

    fn follow(&mut self, plan: AudioPlan) -> bool {
        let changed = plan != self.plan;
        self.plan = plan;
        changed
    }
}

fn local_media(address: IpAddr, port: u16, session_id: u64, version: u64, settings: &Settings) -> LocalMedia<'_> {
    LocalMedia { address, port, session_id, version, codecs: &settings.codecs, inband_digits: settings.inband_digits }
}

/// Until the answer comes we can hear the caller, who may send as soon as the offer is read, and send nowhere.
fn plan_of_offer(description: &SessionDescription, settings: &Settings) -> AudioPlan {
    let codec = settings.codecs[0];
    let events = description
        .media
        .iter()
        .flat_map(|media| &media.formats)
        .find(|format| format.encoding.eq_ignore_ascii_case("telephone-event"));
    AudioPlan {
        remote: None,
        remote_rtcp: None,
        codec,
        payload_type: codec.payload_type(),
        telephone_event: events.and_then(|format| format.payload_type),
        direction: Direction::SendReceive,
        packet_ms: 20,
        inband_digits: false,
    }
}
