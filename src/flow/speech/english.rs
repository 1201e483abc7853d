//! English: which phrases there are and how numbers, money, days and times are joined from them.

use super::{Amount, Day, Grammar, Measured, Number, Phrases, Time};
use crate::flow::Currency;

/// English as it is spoken in Britain: "one hundred and five", "Friday, the eighteenth of December".
pub(super) struct English;

const UNITS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

const DATES: [&str; 31] = [
    "the first",
    "the second",
    "the third",
    "the fourth",
    "the fifth",
    "the sixth",
    "the seventh",
    "the eighth",
    "the ninth",
    "the tenth",
    "the eleventh",
    "the twelfth",
    "the thirteenth",
    "the fourteenth",
    "the fifteenth",
    "the sixteenth",
    "the seventeenth",
    "the eighteenth",
    "the nineteenth",
    "the twentieth",
    "the twenty-first",
    "the twenty-second",
    "the twenty-third",
    "the twenty-fourth",
    "the twenty-fifth",
    "the twenty-sixth",
    "the twenty-seventh",
    "the twenty-eighth",
    "the twenty-ninth",
    "the thirtieth",
    "the thirty-first",
];

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The phrases that are no row of a series, by name and text.
const SINGLE: &[(&str, &str)] = &[
    ("digit/star", "star"),
    ("digit/hash", "hash"),
    ("digit/plus", "plus"),
    ("number/hundred", "hundred"),
    ("number/thousand", "thousand"),
    ("number/million", "million"),
    ("number/billion", "billion"),
    ("number/and", "and"),
    ("number/minus", "minus"),
    ("number/point", "point"),
    ("money/pound", "pound"),
    ("money/pounds", "pounds"),
    ("money/penny", "penny"),
    ("money/pence", "pence"),
    ("money/dollar", "dollar"),
    ("money/dollars", "dollars"),
    ("money/cent", "cent"),
    ("money/cents", "cents"),
    ("money/euro", "euro"),
    ("money/euros", "euros"),
    ("money/and", "and"),
    ("day/today", "today"),
    ("day/tomorrow", "tomorrow"),
    ("day/yesterday", "yesterday"),
    ("date/of", "of"),
    ("time/at", "at"),
    ("time/oclock", "o'clock"),
    ("time/oh", "oh"),
    ("time/am", "A M"),
    ("time/pm", "P M"),
    ("time/midnight", "midnight"),
    ("time/noon", "noon"),
    ("menu/no_input", "Sorry, I did not hear a key."),
    ("menu/no_match", "Sorry, that is not one of the choices."),
    ("collect/too_short", "Sorry, that number is too short."),
    ("collect/too_long", "Sorry, that number is too long."),
    ("collect/no_input", "Sorry, I did not hear any keys."),
    ("collect/you_entered", "You entered"),
    ("collect/confirm", "If that is right, press one. To enter it again, press two."),
    ("lookup/one_moment", "One moment, please, while I look that up."),
    ("lookup/still_looking", "I am still looking. Thank you for waiting."),
    ("lookup/failed", "I am sorry, I cannot look that up at the moment."),
    ("queue/please_hold", "Please hold while I find somebody to help you."),
    ("queue/you_are_next", "You are next in line."),
    ("queue/number", "You are number"),
    ("queue/in_line", "in line."),
    ("queue/more_than_ten", "There are more than ten callers ahead of you."),
    ("queue/wait_about", "You will wait about"),
    ("queue/minute", "minute."),
    ("queue/minutes", "minutes."),
    ("queue/more_than_twenty_minutes", "You will wait more than twenty minutes."),
    ("queue/thank_you_for_waiting", "Thank you for waiting. Somebody will be with you as soon as possible."),
    ("queue/nobody_available", "I am sorry, nobody can take your call at the moment."),
    ("queue/call_back_number", "We will call you back on"),
    (
        "queue/call_back_confirm",
        "If that is right, press one. For another number, press two. To keep waiting, press star.",
    ),
    (
        "queue/call_back_enter",
        "Please enter the number on which we can call you, then press hash. To keep waiting, press star.",
    ),
    (
        "queue/call_back_promised",
        "Thank you. You keep your place in line, and we will call you when it is your turn. Goodbye.",
    ),
    ("queue/call_back_cannot", "I am sorry, we cannot call that number."),
    ("queue/call_back_ask", "Please enter the number on which we can call you, then press hash."),
    ("queue/call_back_booked", "Thank you. You have a place in line, and we will call you when it is your turn."),
    ("queue/call_back_impossible", "I am sorry, we cannot call you back at the moment."),
    (
        "queue/calling_back",
        "Hello. You asked us to call you back. Please hold for a moment while I find somebody to help you.",
    ),
    ("queue/call_back_agent", "A caller asked to be called back. I am calling them now."),
    ("agent/ready", "You are ready."),
    ("agent/logged_out", "You are logged out."),
    ("agent/paused", "You are paused."),
    ("agent/paused_by_misses", "You are paused, because calls rang and nobody answered."),
    ("agent/wrap_up_over", "Your wrap-up is over."),
    ("agent/no_wrap_up", "There is no wrap-up at the moment."),
    ("agent/wrap_up_goes_on", "Your wrap-up goes on."),
    ("agent/more_second", "more second."),
    ("agent/more_seconds", "more seconds."),
    ("agent/more_minute", "more minute."),
    ("agent/more_minutes", "more minutes."),
    ("agent/nothing_changed", "Nothing has changed."),
    ("agent/after_the_call", "When your call is over:"),
    ("agent/in_call", "You are in a call."),
    ("agent/ringing", "Your telephone rings for a caller."),
    ("agent/unreachable", "Your telephone is not registered, or does not reply."),
    ("agent/missed", "A call rang, and nobody answered."),
    ("agent/next_in", "The next can come in"),
    ("agent/second", "second."),
    ("agent/seconds", "seconds."),
    ("agent/no_queue", "You serve no queue."),
    ("agent/nobody_waits", "Nobody is waiting."),
    ("agent/next_is_yours", "The next caller is for you."),
    ("agent/agent_before", "agent is before you."),
    ("agent/agents_before", "agents are before you."),
    ("agent/many_before", "More than ten agents are before you."),
    ("agent/skills_lack", "Callers are waiting, but they ask for skills that you do not have."),
    ("agent/others_ring", "Callers are waiting, and other telephones ring for them."),
    ("agent/callbacks_later", "Callers are waiting to be called back later."),
    ("agent/to_take_calls", "To take calls, dial"),
    ("agent/to_end_it", "To end it, dial"),
    ("agent/waited", "waited"),
    ("agent/waited_less", "Waited less than a minute."),
    ("agent/caller_has_waited", "A caller has waited"),
    ("agent/caller_has_waited_less", "A caller has waited less than a minute."),
    ("system/goodbye", "Thank you for calling. Goodbye."),
    (
        "system/trouble",
        "I am sorry, something has gone wrong on our side. Please call again in a few minutes. Goodbye.",
    ),
];

fn below_hundred(number: usize) -> String {
    match (number / 10, number % 10) {
        (0 | 1, _) => UNITS[number].to_owned(),
        (tens, 0) => TENS[tens].to_owned(),
        (tens, units) => format!("{}-{}", TENS[tens], UNITS[units]),
    }
}

impl Grammar for English {
    fn phrases(&self) -> Vec<(String, String)> {
        let digits = (0..10).map(|digit| (format!("digit/{digit}"), UNITS[digit].to_owned()));
        let numbers = (0..100).map(|number| (format!("number/{number}"), below_hundred(number)));
        let days = DAYS.iter().map(|day| (format!("day/{}", day.to_lowercase()), (*day).to_owned()));
        let months = MONTHS.iter().map(|month| (format!("month/{}", month.to_lowercase()), (*month).to_owned()));
        let dates = (1..).zip(DATES).map(|(date, text)| (format!("date/{date}"), text.to_owned()));
        let single = SINGLE.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        digits.chain(numbers).chain(days).chain(months).chain(dates).chain(single).collect()
    }

    fn number(&self, phrases: &mut Phrases, number: Number) {
        if number.negative {
            phrases.add("number/minus");
        }
        whole(phrases, number.whole);
        if number.places > 0 {
            phrases.add("number/point");
            for place in (0..u32::from(number.places)).rev() {
                phrases.series("digit", number.fraction / 10_u64.pow(place) % 10);
            }
        }
    }

    fn money(&self, phrases: &mut Phrases, amount: Amount) {
        let (one, many, hundredth, hundredths) = match amount.currency {
            Currency::Gbp => ("money/pound", "money/pounds", "money/penny", "money/pence"),
            Currency::Usd => ("money/dollar", "money/dollars", "money/cent", "money/cents"),
            Currency::Eur => ("money/euro", "money/euros", "money/cent", "money/cents"),
        };
        if amount.negative {
            phrases.add("number/minus");
        }
        if amount.whole > 0 || amount.hundredths == 0 {
            whole(phrases, amount.whole);
            phrases.add(if amount.whole == 1 { one } else { many });
        }
        if amount.hundredths > 0 {
            if amount.whole > 0 {
                phrases.add("money/and");
            }
            whole(phrases, u64::from(amount.hundredths));
            phrases.add(if amount.hundredths == 1 { hundredth } else { hundredths });
        }
    }

    fn day(&self, phrases: &mut Phrases, day: Day) {
        let date = match day {
            Day::Yesterday => return phrases.add("day/yesterday"),
            Day::Today => return phrases.add("day/today"),
            Day::Tomorrow => return phrases.add("day/tomorrow"),
            Day::ThisYear(date) | Day::OtherYear(date) => date,
        };
        phrases.name("day", DAYS[date.weekday().to_monday_zero_offset().unsigned_abs() as usize]);
        phrases.series("date", u64::from(date.day().unsigned_abs()));
        phrases.add("date/of");
        phrases.name("month", MONTHS[date.month().unsigned_abs() as usize - 1]);
        if let Day::OtherYear(_) = day {
            year(phrases, u64::from(date.year().unsigned_abs()));
        }
    }

    fn time(&self, phrases: &mut Phrases, time: Time) {
        match (time.hour, time.minute) {
            (0, 0) => return phrases.add("time/midnight"),
            (12, 0) => return phrases.add("time/noon"),
            (hour, minute) => {
                phrases.series("number", u64::from((hour + 11) % 12 + 1));
                match minute {
                    0 => phrases.add("time/oclock"),
                    1..10 => {
                        phrases.add("time/oh");
                        phrases.series("number", u64::from(minute));
                    }
                    _ => phrases.series("number", u64::from(minute)),
                }
            }
        }
        phrases.add(if time.hour < 12 { "time/am" } else { "time/pm" });
    }

    fn day_time(&self, phrases: &mut Phrases, day: Day, time: Time) {
        self.day(phrases, day);
        phrases.add("time/at");
        self.time(phrases, time);
    }

    fn place(&self, phrases: &mut Phrases, number: u64) {
        phrases.add("queue/number");
        whole(phrases, number);
        phrases.add("queue/in_line");
    }

    fn measured(&self, phrases: &mut Phrases, number: u64, what: Measured) {
        let (one, many) = match what {
            Measured::Seconds => ("agent/second", "agent/seconds"),
            Measured::Minutes => ("queue/minute", "queue/minutes"),
            Measured::MoreSeconds => ("agent/more_second", "agent/more_seconds"),
            Measured::MoreMinutes => ("agent/more_minute", "agent/more_minutes"),
            Measured::AgentsBefore => ("agent/agent_before", "agent/agents_before"),
        };
        whole(phrases, number);
        phrases.add(if number == 1 { one } else { many });
    }

    fn minutes(&self, phrases: &mut Phrases, minutes: u64) {
        phrases.add("queue/wait_about");
        whole(phrases, minutes);
        phrases.add(if minutes == 1 { "queue/minute" } else { "queue/minutes" });
    }
}

/// A whole number below a million millions: "one thousand, two hundred and five".
fn whole(phrases: &mut Phrases, number: u64) {
    if number == 0 {
        return phrases.series("number", 0);
    }
    let groups = [(1_000_000_000, "number/billion"), (1_000_000, "number/million"), (1_000, "number/thousand")];
    for (size, name) in groups {
        let group = number / size % 1_000;
        if group > 0 {
            below_thousand(phrases, group);
            phrases.add(name);
        }
    }
    let rest = number % 1_000;
    if (1..100).contains(&rest) && number > rest {
        phrases.add("number/and");
    }
    if rest > 0 {
        below_thousand(phrases, rest);
    }
}

/// 1 to 999: "one hundred and five".
fn below_thousand(phrases: &mut Phrases, number: u64) {
    if number >= 100 {
        phrases.series("number", number / 100);
        phrases.add("number/hundred");
        if !number.is_multiple_of(100) {
            phrases.add("number/and");
        }
    }
    if !number.is_multiple_of(100) {
        phrases.series("number", number % 100);
    }
}

/// A year as it is said: "nineteen ninety-nine", "two thousand and five", "twenty twenty-six".
fn year(phrases: &mut Phrases, year: u64) {
    let (century, rest) = (year / 100, year % 100);
    match (century, rest) {
        (10..100, 10..) => {
            phrases.series("number", century);
            phrases.series("number", rest);
        }
        (10..100, 1..) if century % 10 > 0 => {
            phrases.series("number", century);
            phrases.add("time/oh");
            phrases.series("number", rest);
        }
        (10..100, 0) if century % 10 > 0 => {
            phrases.series("number", century);
            phrases.add("number/hundred");
        }
        _ => whole(phrases, year),
    }
}
