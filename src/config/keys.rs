//! Every table of keys that the reader of the installation file goes by, for the schema of editors.

use super::{codes, mail, settings, trunks, voice};
use crate::flow::document::keys::KeyTable;

/// The tables of `helpline.yaml`.
pub fn tables() -> Vec<KeyTable> {
    vec![
        KeyTable::new("installation", &settings::KEYS),
        KeyTable::new("sip", &settings::SIP_KEYS),
        KeyTable::new("trunk", &trunks::KEYS),
        KeyTable::new("register", &trunks::REGISTER_KEYS),
        KeyTable::new("media", &settings::MEDIA_KEYS),
        KeyTable::new("http", &settings::HTTP_KEYS),
        KeyTable::new("limits", &settings::LIMIT_KEYS),
        KeyTable::new("records", &settings::RECORD_KEYS),
        KeyTable::new("mail", &mail::MAIL_KEYS),
        KeyTable::new("voicemail", &mail::KEEP_KEYS),
        KeyTable::new("recordings", &mail::KEEP_KEYS),
        KeyTable::new("codes", &codes::KEYS),
        KeyTable::new("text_to_speech", &voice::KEYS),
    ]
}

/// The codecs that can be spoken.
pub fn codecs() -> impl Iterator<Item = &'static str> {
    settings::CODECS.iter().map(|(name, _)| *name)
}
