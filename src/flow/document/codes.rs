//! The codes of the faults, in one table: a code never changes its meaning, and a code that is no longer used is not given away.

use std::fmt;

/// The stable name of a fault, `HL0207`, with its title.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code {
    /// `HL` and four digits; the first two name the chapter.
    pub id: &'static str,
    /// What the fault is, in one line.
    pub title: &'static str,
}

impl Code {
    /// The page of docs/codes about it, in Markdown: what it is, what callers would meet, examples, and where to read on.
    pub fn page(self) -> &'static str {
        ALL.iter().position(|code| *code == self).map_or("", |place| PAGES[place])
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal;)*) => {
        $(#[doc = $title] pub const $name: Code = Code { id: $id, title: $title };)*

        /// Every code, in order.
        pub const ALL: &[Code] = &[$($name),*];

        /// The long text of each, in the same order: a code without its page in docs/codes does not compile.
        const PAGES: &[&str] = &[$(include_str!(concat!("../../../docs/codes/", $id, ".md"))),*];
    };
}

codes! {
    // How the file is written.
    SYNTAX = "HL0101", "The file is not well-formed YAML";
    TAB = "HL0102", "A tab where only spaces may stand";
    DUPLICATE_KEY = "HL0103", "A key that stands twice in the same place";
    UNKNOWN_KEY = "HL0104", "A key that means nothing here";
    UNREAD_KEY = "HL0105", "A setting that nothing reads";
    MISSING_KEY = "HL0106", "Something that must be there is missing";
    WRONG_SHAPE = "HL0107", "A text, a list or a table where another was expected";
    TOO_LARGE = "HL0108", "A file, or something in it, is larger than the limit";
    COMMENTED_KEY = "HL0109", "A choice for the hash key that is a comment";
    UNREADABLE = "HL0110", "A file or folder cannot be read";
    TOO_MANY_FAULTS = "HL0111", "More faults than are listed";
    NOT_AVAILABLE = "HL0112", "Something that this version does not have";
    TAG = "HL0113", "A YAML tag";
    COMMA = "HL0114", "A comma that cuts a text in two";
    NO_SPACE = "HL0115", "A colon without a space after it";
    QUOTATION_MARKS = "HL0116", "Quotation marks that are none to YAML";
    ODD_SPACE = "HL0117", "A space that is none to YAML";
    UNUSED_ANCHOR = "HL0118", "A word that YAML takes for a name";
    COMMENT_IN_TEXT = "HL0119", "A text that ends where a comment begins";

    // Names, and where they lead.
    NO_KIND = "HL0201", "A step that does nothing";
    SEVERAL_KINDS = "HL0202", "A step that does several things";
    NAME = "HL0203", "A name with letters that a name cannot have, or one that is taken";
    DUPLICATE_FLOW = "HL0204", "Two flows of the same name";
    NO_SUCH_FLOW = "HL0205", "No flow has this name";
    NO_SUCH_LANGUAGE = "HL0206", "The flow does not speak this language";
    NO_SUCH_STEP = "HL0207", "No step has this name";
    NO_ARROW = "HL0208", "A choice that leads nowhere";
    DUPLICATE_CHOICE = "HL0209", "Two choices for the same key";
    NOT_A_KEY = "HL0210", "Not a key of a telephone";
    AMBIGUOUS_CHOICE = "HL0211", "A choice that is the beginning of another";
    NO_CHOICES = "HL0212", "A menu without choices";
    NO_FLOW = "HL0213", "No flow that a caller could reach";

    // What is said.
    NO_RECORDING = "HL0301", "A recording is missing";
    NO_PHRASES = "HL0302", "Recordings of phrases are missing";
    NO_TEXT = "HL0303", "A step that speaks has nothing to say";
    NOT_TRANSLATED = "HL0304", "A text is missing in one of the flow's languages";
    PLACEHOLDER = "HL0305", "A placeholder that is not closed, or is empty";
    NO_SUCH_VALUE = "HL0306", "Nothing sets this value";
    NO_SUCH_FORMAT = "HL0307", "A value cannot be spoken in this way";
    SECRET_SPOKEN = "HL0308", "A secret would be spoken";
    NO_CURRENCY = "HL0309", "Money without a currency";
    LANGUAGE_WITHOUT_NUMBERS = "HL0310", "Values cannot be spoken in this language";
    RECORDING_NAME = "HL0311", "Not the name of a recording";
    NO_TIME_ZONE = "HL0312", "A time is spoken, and the flow has no time zone";
    UNUSABLE_RECORDING = "HL0313", "A recording that cannot be used";
    CLIPPED_RECORDING = "HL0314", "A recording that is distorted";
    QUIET_RECORDING = "HL0315", "A recording that is too quiet";
    OLD_RECORDING = "HL0316", "A recording that is older than its text";

    // Values and conditions.
    DURATION = "HL0401", "Not a length of time, or one that is too short or too long";
    DIGIT_RANGE = "HL0402", "Not a number of digits";
    NOT_TRUTH = "HL0403", "Neither true nor false";
    WRONG_NUMBER = "HL0404", "Not a number, or one outside its limits";
    WRONG_WORD = "HL0405", "Not one of the words that may stand here";
    UNUSED_VALUE = "HL0406", "A value that nothing reads";
    WRONG_VALUE = "HL0407", "Not a value";
    CONDITION = "HL0408", "A condition that cannot be understood";
    CONDITION_TYPES = "HL0409", "A condition that compares unlike things";
    TIME_ZONE = "HL0410", "No such time zone";
    CURRENCY = "HL0411", "No such currency";
    LANGUAGE_CODE = "HL0412", "Not the code of a language";

    // What callers dial.
    NOT_A_NUMBER = "HL0501", "Not a number that callers can dial";
    DUPLICATE_NUMBER = "HL0502", "A number that two flows answer";

    // The installation.
    LISTEN = "HL0601", "Not an address to listen on";
    ADDRESS = "HL0602", "Not an address";
    PORTS = "HL0603", "Not a range of ports, or too small a one";
    CODEC = "HL0604", "No such codec";
    ENVIRONMENT = "HL0605", "An environment variable is not set";
    TOKEN = "HL0606", "A token is needed";
    VERSION = "HL0607", "A file for another version";
    DIAL_PREFIX = "HL0608", "Not the beginning of a number";

    // Queues and agents.
    NO_SUCH_QUEUE = "HL0701", "No queue has this name";
    NO_SUCH_AGENT = "HL0702", "No agent has this extension";
    DUPLICATE_QUEUE = "HL0703", "Two queues of the same name";
    DUPLICATE_AGENT = "HL0704", "Two agents of the same extension";
    EXTENSION = "HL0705", "Not an extension, or one that a flow answers";
    UNANSWERED_QUEUE = "HL0706", "A queue that nobody answers";
    IDLE_AGENT = "HL0707", "An agent who answers no queue";
    UNUSED_QUEUE = "HL0708", "A queue that no step uses";
    NO_SUCH_SKILL = "HL0709", "A skill that nobody in the queue has";
    RING_TOO_LONG = "HL0710", "A telephone that rings for longer than callers wait";
    WHOSE_STEP = "HL0711", "A step that could be of several flows";
    SERVICE_LEVEL = "HL0712", "Not a service level";
    NO_MUSIC = "HL0713", "No music for those who wait";
    NOT_WAITING = "HL0714", "A place where nobody waits";
    AGENT_CODE = "HL0715", "Not a code that agents can dial, or one that something else answers";
    NO_CALLBACK = "HL0716", "Nobody can be called back";
    CALLBACK_ADDRESS = "HL0717", "Not an address that could be called back";
    ALERT_INFO = "HL0720", "Not an Alert-Info";
    NEVER_ANNOUNCED = "HL0721", "An announcement that nobody would hear";
    QUEUE_ROUND = "HL0722", "A way out of a queue that leads back into it";

    // Hours.
    NO_SUCH_HOURS = "HL0801", "No hours have this name";
    DUPLICATE_HOURS = "HL0802", "Two hours of the same name";
    WEEKDAYS = "HL0803", "Not days of the week";
    OPENING_TIMES = "HL0804", "Not times of a day";
    DATE = "HL0805", "Not a date";
    TIMES_MEET = "HL0806", "Times that overlap, or a day that stands twice";
    NEVER_OPEN = "HL0807", "Hours that never open";
    HOLIDAYS_OVER = "HL0808", "Holidays that have run out, or are about to";
    CLOCK_CHANGE = "HL0809", "A time that a clock change skips or repeats";
    UNUSED_HOURS = "HL0810", "Hours that nothing reads";
    HOURS_WITHOUT_ZONE = "HL0811", "Hours without a time zone";

    // Connectors and lookups.
    NO_SUCH_CONNECTOR = "HL0901", "No connector has this name";
    DUPLICATE_CONNECTOR = "HL0902", "Two connectors of the same name";
    CONNECTOR_URL = "HL0903", "Not an address that could be asked";
    HOST = "HL0904", "A host that is not asked";
    SECRET_SENT = "HL0905", "A secret would stand in an address";
    CLEAR_TEXT = "HL0906", "A service that is asked without encryption";
    FIELD = "HL0907", "Not a field of an answer";
    NO_SUCH_FIELD = "HL0908", "An answer has no such field";
    RETRIES = "HL0909", "Something would be done twice";
    UNUSED_CONNECTOR = "HL0910", "A connector that no step asks";
    HEADER = "HL0911", "Not a header, or one that cannot be set";
    ANY_TEXT = "HL0912", "A text that could be anything would be spoken";
    PRIORITY_VALUE = "HL0913", "A value that is no priority";
    SKILL_VALUE = "HL0914", "A value that names no skill";

    // Transfers.
    NO_SUCH_AGENT_TO_TRANSFER = "HL1001", "A transfer to an extension that no agent has";
    TRANSFER_NOT_ALLOWED = "HL1002", "A transfer to a number that no trunk may call";
    TRANSFER_TARGET = "HL1003", "Nothing that a transfer could lead to";

    // Messages and recordings.
    NO_SUCH_MAILBOX = "HL1101", "No mailbox has this name";
    MESSAGE_LENGTH = "HL1102", "A message that could never be left";
    MAIL_ADDRESS = "HL1103", "Not an address of mail";
    NO_MAIL_SERVER = "HL1104", "Messages are to be mailed, and nobody says how";
    UNHEARD_MAILBOX = "HL1105", "A mailbox whose messages nobody hears";
    NO_CONSENT = "HL1201", "A recording without the caller's consent";
    NOT_RECORDED = "HL1202", "A recording is paused or ended that nothing begins";
    UNTOLD = "HL1203", "Somebody is recorded who has not been told";

    // How a language is spoken.
    LANGUAGE_TAG = "HL1301", "A language file of another language";
    SPEECH_RULE = "HL1302", "A rule of speech that cannot be understood";
    NO_SUCH_PHRASE = "HL1303", "No phrase has this name";
    NO_SUCH_RULES = "HL1304", "No rules of speech have this name";
    UNSPEAKABLE_NUMBER = "HL1305", "Numbers that the rules of speech cannot say";
    PLURAL_RULE = "HL1306", "Not a plural rule of CLDR";
    PHRASES_LACK = "HL1307", "A language without some of its phrases";
    RULES_LACK = "HL1308", "A language without some of its rules";
    UNUSED_PHRASE = "HL1309", "A phrase that nothing says";

    // Ways through the flows.
    UNREACHABLE = "HL1401", "A step that no caller comes to";
    ENDLESS = "HL1402", "Steps that callers go round and never leave";
    SILENT_CIRCLE = "HL1403", "Steps that callers go round while they do nothing";
    DEAD_END = "HL1404", "A place where callers get no further";
    NO_PERSON = "HL1405", "A place from which nobody can be reached";
    MANY_CHOICES = "HL1406", "More choices than callers remember";
    KEY_ORDER = "HL1407", "Keys with gaps, or out of order";
    SHADOWED_KEY = "HL1408", "A key that means something else here than everywhere";
    SECRET_KEPT = "HL1409", "A secret that is kept or sent like any other value";
    LONG_LISTENING = "HL1410", "A choice that takes long to hear";
    LONG_ANNOUNCEMENT = "HL1411", "An announcement that is longer than the pause after it";

    // Call tests, as they are written.
    TEST_NAME = "HL1501", "A call test without a name, or with one that is taken";
    TEST_TIME = "HL1502", "Not a time at which a call test can take place";
    NOBODY_ANSWERS = "HL1503", "A call test that calls a number which no flow answers";
    NO_SUCH_ACT = "HL1504", "Something that cannot happen in a call test";
    SEVERAL_ACTS = "HL1505", "Several things of a call test in one entry";
    NEVER_SAID = "HL1506", "A word that no recording says";
    HABIT = "HL1507", "Something that no agent and no telephone does";
    OUTCOME = "HL1508", "A way in which no wait and no call ends";
    METRIC_NAME = "HL1509", "Not the name of a metric";
    EMPTY_TEST = "HL1510", "A call test in which nothing is expected";
    STUB = "HL1511", "An answer that the web service of a call test could not give";
    NO_SUCH_TELEPHONE = "HL1512", "A telephone to which no step passes callers on";

    // Call tests, as they are played.
    NOT_HEARD = "HL1551", "A caller did not hear what they should";
    HEARD = "HL1552", "A caller heard what they should not";
    UNEXPECTED = "HL1553", "Something went otherwise than a call test expects";
    CALL_OVER = "HL1554", "A call ended before its call test did";
    NOT_POSSIBLE = "HL1555", "Something that could not happen in a call test";
    METRIC = "HL1556", "A metric changed otherwise than a call test expects";
    NOT_WALKED = "HL1561", "A step or a way out of it that no call test walks";

    // Surveys.
    SURVEY_QUESTION = "HL1601", "Not a question of a survey";
    SURVEY_LENGTH = "HL1602", "A survey without questions, or with more than callers answer";
    NO_SURVEY = "HL1603", "A queue's survey that asks nothing";

    // Recordings and their script.
    DRAFTS = "HL1701", "Recordings that are drafts";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_stand_once() {
        for pair in ALL.windows(2) {
            assert!(pair[0].id < pair[1].id, "{} and {}", pair[0].id, pair[1].id);
        }
        assert!(ALL.iter().all(|code| code.id.len() == 6 && !code.title.ends_with('.')));
    }
}
