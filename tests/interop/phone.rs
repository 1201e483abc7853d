//! Agents' softphones, whoever made them.

use helpline::telephony::Codec;

use crate::pjsip::{Options, Pjsip};
use crate::server::Server;
use crate::softphone::{Answering, Softphone};

pub const ADA_IS: (&str, &str) = ("1001", "secret");
pub const GRACE_IS: (&str, &str) = ("1002", "other");

/// Who made a softphone.
#[derive(Clone, Copy, Debug)]
pub enum Maker {
    Baresip,
    Pjsip,
}

pub const MAKERS: [Maker; 2] = [Maker::Baresip, Maker::Pjsip];

/// An agent's softphone, whoever made it.
pub enum Phone {
    Baresip(Box<Softphone>),
    Pjsip(Box<Pjsip>),
}

impl Phone {
    /// One that answers at once.
    pub fn new(maker: Maker, server: &Server, who: (&str, &str), codec: Codec, hertz: f64) -> Phone {
        match maker {
            Maker::Baresip => Phone::Baresip(Box::new(Softphone::agent(server, who, codec, hertz, Answering::Auto))),
            Maker::Pjsip => {
                let options = Options { answers: &[180, 200], ..Options::default() };
                Phone::Pjsip(Box::new(Pjsip::agent(server, who, codec, hertz, &options)))
            }
        }
    }

    /// One that rings and rings.
    pub fn ringing(maker: Maker, server: &Server, who: (&str, &str), hertz: f64) -> Phone {
        match maker {
            Maker::Baresip => {
                Phone::Baresip(Box::new(Softphone::agent(server, who, Codec::Pcmu, hertz, Answering::Manual)))
            }
            Maker::Pjsip => {
                let options = Options { answers: &[180], ..Options::default() };
                Phone::Pjsip(Box::new(Pjsip::agent(server, who, Codec::Pcmu, hertz, &options)))
            }
        }
    }

    /// Tells it `hold`, `resume` or `hangup`, which both understand.
    pub fn order(&mut self, order: &str) {
        match self {
            Phone::Baresip(phone) => phone.command(order, ""),
            Phone::Pjsip(phone) => phone.order(order),
        }
    }

    /// Dials.
    pub fn call(&mut self, uri: &str) {
        match self {
            Phone::Baresip(phone) => phone.command("dial", uri),
            Phone::Pjsip(phone) => phone.order(&format!("call {uri}")),
        }
    }

    /// Presses a key in its call.
    pub fn press(&mut self, key: char) {
        match self {
            Phone::Baresip(phone) => phone.command("sndcode", &key.to_string()),
            Phone::Pjsip(phone) => phone.order(&format!("digits {key}")),
        }
    }

    /// Passes its call on to `uri`, without asking.
    pub fn transfer(&mut self, uri: &str) {
        match self {
            Phone::Baresip(phone) => phone.command("transfer", uri),
            Phone::Pjsip(phone) => phone.order(&format!("transfer {uri}")),
        }
    }

    pub fn kill(&mut self) {
        match self {
            Phone::Baresip(phone) => phone.kill(),
            Phone::Pjsip(phone) => phone.kill(),
        }
    }

    pub fn freeze(&self) {
        match self {
            Phone::Baresip(phone) => phone.freeze(),
            Phone::Pjsip(phone) => phone.freeze(),
        }
    }

    pub fn thaw(&self) {
        match self {
            Phone::Baresip(phone) => phone.thaw(),
            Phone::Pjsip(phone) => phone.thaw(),
        }
    }

    pub fn log(&self) -> String {
        match self {
            Phone::Baresip(phone) => phone.log(),
            Phone::Pjsip(phone) => phone.told().join("\n"),
        }
    }

    pub fn quit(self) -> Vec<i16> {
        match self {
            Phone::Baresip(phone) => phone.quit(),
            Phone::Pjsip(phone) => phone.quit(),
        }
    }
}
