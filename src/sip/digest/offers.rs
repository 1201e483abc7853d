//! Which hash functions a phone is offered.
//!
//! RFC 8760 section 2.4 wants a phone to pass over the challenges that it does not know. Many give up instead: baresip
//! before 2.0 wherever SHA-256 appears at all, SIPp 3.6 where it comes first. So those known for it are offered MD5 alone,
//! and so is whoever asks once more instead of answering. That gives nothing away: who can ask can choose MD5 anyway.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Algorithm;

/// How the User-Agents begin of those that give up at the sight of SHA-256.
const MD5_ONLY: [&str; 2] = ["baresip v0.", "baresip v1."];

/// Challenges without answer that are remembered. When there are more, all are forgotten.
const ASKED_MAX: usize = 4_096;

/// The longest Call-ID that is remembered, in octets.
const CALL_ID_BYTES_MAX: usize = 256;

/// Who was challenged and has not answered: by source and Call-ID, with the CSeq of the request.
#[derive(Debug, Default)]
pub(in crate::sip) struct Offers {
    asked: BTreeMap<(IpAddr, String), u32>,
}

impl Offers {
    /// Of `digests`, those to offer to the sender of a request without an answer to any challenge.
    pub(in crate::sip) fn to(
        &mut self,
        source: IpAddr,
        call_id: &str,
        cseq: u32,
        user_agent: &str,
        digests: &[Algorithm],
    ) -> Vec<Algorithm> {
        let all = || digests.to_vec();
        if !digests.contains(&Algorithm::Md5) {
            return all();
        }
        if MD5_ONLY.iter().any(|start| user_agent.starts_with(start)) {
            return vec![Algorithm::Md5];
        }
        if call_id.len() > CALL_ID_BYTES_MAX {
            return all();
        }
        let key = (source, call_id.to_owned());
        if self.asked.len() >= ASKED_MAX && !self.asked.contains_key(&key) {
            self.asked.clear();
        }
        // A copy of the request, whose answer was lost, is no second question.
        let first = *self.asked.entry(key).or_insert(cseq);
        if cseq == first { all() } else { vec![Algorithm::Md5] }
    }

    /// The challenge was answered.
    pub(in crate::sip) fn answered(&mut self, source: IpAddr, call_id: &str) {
        if !self.asked.is_empty() {
            self.asked.remove(&(source, call_id.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_understand_is_asked_more_simply() {
        use Algorithm::{Md5, Sha256};
        let source = IpAddr::from([192, 0, 2, 1]);
        let mut offers = Offers::default();
        let mut check = |cseq: u32, user_agent: &str, expected: &[Algorithm]| {
            assert_eq!(offers.to(source, "a", cseq, user_agent, &[Sha256, Md5]), expected, "{cseq} {user_agent}");
        };
        check(1, "", &[Sha256, Md5]);
        check(1, "", &[Sha256, Md5]);
        check(2, "", &[Md5]);
        check(3, "Linphone/5", &[Md5]);
        check(1, "baresip v1.0.0 (x86_64/linux)", &[Md5]);
        check(1, "baresip v3.10.0 (x86_64/linux)", &[Sha256, Md5]);
        offers.answered(source, "a");
        assert_eq!(offers.to(source, "a", 4, "", &[Sha256, Md5]), [Sha256, Md5]);
        assert_eq!(offers.to(source, "a", 5, "baresip v1.0.0", &[Sha256]), [Sha256]);
        for count in 0..2 * ASKED_MAX {
            offers.to(source, &count.to_string(), 1, "", &[Sha256, Md5]);
        }
        assert!(offers.asked.len() <= ASKED_MAX);
    }
}
