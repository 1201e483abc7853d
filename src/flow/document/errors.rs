//! Which errors leave the ways of callers as they are meant: what else would be wrong is told at the same time.

use super::codes;
use super::diagnostic::{Diagnostic, Faults};

/// Errors of how something is said, how long it takes, who may be called and what is kept: every step and every way out of it is
/// known in spite of them.
const BESIDE_THE_WAYS: [codes::Code; 48] = [
    codes::UNREAD_KEY,
    codes::NO_SUCH_VALUE,
    codes::NO_SUCH_FORMAT,
    codes::SECRET_SPOKEN,
    codes::NO_CURRENCY,
    codes::LANGUAGE_WITHOUT_NUMBERS,
    codes::NO_TIME_ZONE,
    codes::DURATION,
    codes::DIGIT_RANGE,
    codes::NOT_TRUTH,
    codes::WRONG_NUMBER,
    codes::WRONG_VALUE,
    codes::CONDITION_TYPES,
    codes::TIME_ZONE,
    codes::CURRENCY,
    codes::DUPLICATE_NUMBER,
    codes::ENVIRONMENT,
    codes::DUPLICATE_AGENT,
    codes::EXTENSION,
    codes::RING_TOO_LONG,
    codes::SERVICE_LEVEL,
    codes::AGENT_CODE,
    codes::CALLBACK_ADDRESS,
    codes::ALERT_INFO,
    codes::OPENING_TIMES,
    codes::DATE,
    codes::TIMES_MEET,
    codes::HOURS_WITHOUT_ZONE,
    codes::HOST,
    codes::FIELD,
    codes::NO_SUCH_FIELD,
    codes::RETRIES,
    codes::HEADER,
    codes::ANY_TEXT,
    codes::PRIORITY_VALUE,
    codes::SKILL_VALUE,
    codes::NO_SUCH_AGENT_TO_TRANSFER,
    codes::TRANSFER_NOT_ALLOWED,
    codes::TRANSFER_TARGET,
    codes::MESSAGE_LENGTH,
    codes::MAIL_ADDRESS,
    codes::NO_CONSENT,
    codes::LANGUAGE_TAG,
    codes::SPEECH_RULE,
    codes::NO_SUCH_PHRASE,
    codes::NO_SUCH_RULES,
    codes::UNSPEAKABLE_NUMBER,
    codes::PLURAL_RULE,
];

/// Whether all the ways of callers are known in spite of the errors, where so many names of steps that there are not were
/// `guessed`.
pub(super) fn leave_ways(faults: &Faults, guessed: usize) -> bool {
    let Some(errors) = faults.all_errors() else { return false };
    let is_dangling = |fault: &&Diagnostic| fault.code == codes::NO_SUCH_STEP;
    let beside = |fault: &Diagnostic| BESIDE_THE_WAYS.contains(&fault.code);
    errors.iter().filter(is_dangling).count() == guessed
        && errors.iter().all(|fault| is_dangling(&fault) || beside(fault))
}
