//! What a run came to, as a table for people and as JSON for programs.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::time::Duration;

use serde::Serialize;

use super::caller::Ending;
use super::load::{Order, Outcome};
use super::statistics::Histogram;
use crate::sip::message::reason_phrase;
use crate::telephony::Cause;

/// A run's figures. Durations are in milliseconds; a figure that nothing was measured of is null.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The address that was called.
    pub target: String,
    /// `udp` or `tcp`.
    pub transport: String,
    /// From the first INVITE to the end.
    pub seconds: f64,
    /// Calls.
    pub calls: Calls,
    /// From sending INVITE to receiving its 200.
    pub setup_ms: Spread,
    /// Signalling that had to be repeated.
    pub signalling: Signalling,
    /// Audio.
    pub rtp: Rtp,
    /// Keys, and the prompts that followed.
    pub keys: Keys,
    /// How late this program itself was, at each of its steps: what it says of pacing is the other side's, since packets
    /// carry the kernel's time, but a generator that is late sends late.
    pub own_lateness_ms: Spread,
}

/// Calls, counted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calls {
    /// Dialled.
    pub attempted: u64,
    /// Answered with 200.
    pub answered: u64,
    /// Refused, without an answer, or broken.
    pub failed: u64,
    /// Stopped at the terminal before they were answered.
    pub interrupted: u64,
    /// Answered calls that the other side ended.
    pub ended_by_the_other_side: u64,
    /// The failed calls by what became of them, such as `486 Busy Here`.
    pub failures: BTreeMap<String, u64>,
}

/// A distribution in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// How many were measured.
    pub count: u64,
    /// The median.
    pub p50: Option<f64>,
    /// Nine tenths are no longer.
    pub p90: Option<f64>,
    /// 99 of 100.
    pub p99: Option<f64>,
    /// 999 of 1,000.
    pub p99_9: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
}

/// Signalling that had to be repeated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Signalling {
    /// By us, because no answer came in time.
    pub retransmissions_sent: u64,
    /// By the other side: 200s to INVITE that came again.
    pub retransmissions_received: u64,
}

/// Audio of all calls together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rtp {
    /// Packets sent.
    pub sent: u64,
    /// Packets that should have come, by their sequence numbers.
    pub expected: u64,
    /// Packets that came, each counted once.
    pub received: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Packets that came again.
    pub duplicated: u64,
    /// Packets that came after one that was sent later.
    pub out_of_order: u64,
    /// Pauses on purpose, told by marker and timestamp; they are no gaps.
    pub pauses: u64,
    /// From one packet of a call to the next.
    pub inter_arrival_ms: Spread,
    /// Whose clock told the arrivals: `kernel`, or `program` on systems without receive timestamps.
    pub arrival_times: &'static str,
}

/// Keys, and the prompts that followed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Keys {
    /// Keys pressed.
    pub pressed: u64,
    /// Prompts known by the marker of their first packet.
    pub prompts_by_marker: u64,
    /// Prompts known by their first sound after silence, where no marker told.
    pub prompts_by_sound: u64,
    /// From a key's first packet to the first of the prompt.
    pub to_next_prompt_ms: Spread,
}

impl Ending {
    /// Whether a call that ended so counts as failed.
    pub fn is_failure(&self) -> bool {
        matches!(self, Ending::Broken(_) | Ending::Refused(_) | Ending::NoAnswer | Ending::Unreachable)
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::HungUp => f.write_str("hung up"),
            Ending::RemoteHungUp => f.write_str("the other side hung up"),
            Ending::Broken(Cause::MediaFailed) => f.write_str("no audio could be agreed"),
            Ending::Broken(Cause::SessionExpired) => f.write_str("the session was not refreshed"),
            Ending::Broken(Cause::TransportFailed) => f.write_str("the connection was lost"),
            Ending::Broken(_) => f.write_str("the call was lost"),
            Ending::Refused(refused) => {
                let reason =
                    if refused.reason.is_empty() { reason_phrase(refused.status) } else { refused.reason.as_str() };
                write!(f, "{} {reason}", refused.status)?;
                refused.warnings.iter().try_for_each(|warning| write!(f, " (warning {warning})"))
            }
            Ending::NoAnswer => f.write_str("no answer"),
            Ending::Unreachable => f.write_str("could not be reached"),
            Ending::Interrupted => f.write_str("stopped before an answer"),
        }
    }
}

impl Report {
    /// The figures of a run.
    pub fn new(order: &Order, outcome: &Outcome) -> Report {
        let count = |wanted: fn(&Ending) -> bool| {
            outcome.endings.iter().filter(|(ending, _)| wanted(ending)).map(|(_, count)| count).sum()
        };
        let mut failures = BTreeMap::new();
        for (ending, count) in outcome.endings.iter().filter(|(ending, _)| ending.is_failure()) {
            *failures.entry(ending.to_string()).or_default() += count;
        }
        let measured = &outcome.measured;
        let totals = measured.totals;
        Report {
            target: order.target.uri.clone(),
            transport: order.target.transport.to_string().to_ascii_lowercase(),
            seconds: round(outcome.elapsed.as_secs_f64()),
            calls: Calls {
                attempted: outcome.attempted,
                answered: outcome.answered,
                failed: count(Ending::is_failure),
                interrupted: count(|ending| *ending == Ending::Interrupted),
                ended_by_the_other_side: count(|ending| *ending == Ending::RemoteHungUp),
                failures,
            },
            setup_ms: Spread::of(&outcome.setup),
            signalling: Signalling {
                retransmissions_sent: outcome.retransmissions_sent,
                retransmissions_received: outcome.retransmissions_received,
            },
            rtp: Rtp {
                sent: outcome.packets_sent,
                expected: totals.expected,
                received: totals.received,
                lost: totals.lost(),
                duplicated: totals.duplicated,
                out_of_order: totals.out_of_order,
                pauses: totals.pauses,
                inter_arrival_ms: Spread::of(&measured.inter_arrival),
                arrival_times: if cfg!(target_os = "linux") { "kernel" } else { "program" },
            },
            keys: Keys {
                pressed: outcome.keys_pressed,
                prompts_by_marker: measured.by_marker,
                prompts_by_sound: measured.by_sound,
                to_next_prompt_ms: Spread::of(&measured.key_to_prompt),
            },
            own_lateness_ms: Spread::of(&outcome.lateness),
        }
    }
}

impl Spread {
    /// The spread of what was recorded.
    pub fn of(histogram: &Histogram) -> Spread {
        let share = |share| histogram.percentile(share).map(millis);
        Spread {
            count: histogram.count(),
            p50: share(0.5),
            p90: share(0.9),
            p99: share(0.99),
            p99_9: share(0.999),
            max: histogram.max().map(millis),
        }
    }

    fn row(&self, name: &str, text: &mut String) {
        let shown = |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.2}"));
        let figures = [self.p50, self.p90, self.p99, self.p99_9, self.max].map(shown);
        let _ = write!(text, "  {name:<24}");
        figures.iter().for_each(|figure| text.push_str(&format!("{figure:>10}")));
        let _ = writeln!(text, "{:>12}", grouped(self.count));
    }
}

impl fmt::Display for Report {
    /// A table, whose last line is a summary.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        let _ = writeln!(text, "{} over {}, {:.1} s", self.target, self.transport.to_uppercase(), self.seconds);
        let _ = writeln!(text);
        let mut line = |name: &str, value: String| text.push_str(&format!("  {name:<24}{value}\n"));
        let calls = &self.calls;
        line("calls", format!("{} attempted, {} answered", grouped(calls.attempted), grouped(calls.answered)));
        calls.failures.iter().for_each(|(what, count)| line("  failed", format!("{} x {what}", grouped(*count))));
        if calls.ended_by_the_other_side > 0 {
            line("", format!("{} ended by the other side", grouped(calls.ended_by_the_other_side)));
        }
        let signalling = &self.signalling;
        let (sent, received) = (signalling.retransmissions_sent, signalling.retransmissions_received);
        line("retransmissions", format!("{} by us, {} by the other side", grouped(sent), grouped(received)));
        let rtp = &self.rtp;
        line("packets sent", grouped(rtp.sent));
        let faults = [(rtp.lost, "lost"), (rtp.duplicated, "duplicated"), (rtp.out_of_order, "out of order")];
        let faults = faults.map(|(count, what)| format!("{} {what}", grouped(count))).join(", ");
        line("packets heard", format!("{} of {} expected; {faults}", grouped(rtp.received), grouped(rtp.expected)));
        if self.keys.pressed > 0 {
            let prompts = self.keys.prompts_by_marker + self.keys.prompts_by_sound;
            line("keys", format!("{} pressed, {} prompts followed", grouped(self.keys.pressed), grouped(prompts)));
        }
        let _ = writeln!(text);
        let _ = write!(text, "  {:<24}", "milliseconds");
        ["p50", "p90", "p99", "p99.9", "max"].iter().for_each(|name| text.push_str(&format!("{name:>10}")));
        let _ = writeln!(text, "{:>12}", "measured");
        self.setup_ms.row("INVITE to 200", &mut text);
        rtp.inter_arrival_ms.row("packet to packet", &mut text);
        if self.keys.pressed > 0 {
            self.keys.to_next_prompt_ms.row("key to next prompt", &mut text);
        }
        self.own_lateness_ms.row("lateness of this program", &mut text);
        if rtp.arrival_times != "kernel" {
            let _ = writeln!(text, "  This system tells no arrival times: packets count as they were read.");
        }
        let _ = writeln!(text);
        let (failed, attempted) = (grouped(calls.failed), grouped(calls.attempted));
        let _ = write!(text, "{failed} of {attempted} calls failed, {} packets lost", grouped(rtp.lost));
        f.write_str(&text)
    }
}

fn millis(length: Duration) -> f64 {
    round(length.as_secs_f64() * 1_000.0)
}

/// To a thousandth: what was measured is in microseconds.
fn round(figure: f64) -> f64 {
    (figure * 1_000.0).round() / 1_000.0
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::caller::{Plan, Refused};
    use super::super::ear::{Measured, Totals};
    use super::super::load::KeysBy;
    use super::super::target::Target;
    use super::*;
    use crate::telephony::TransportKind;

    fn order() -> Order {
        Order {
            target: Target {
                uri: "sip:1000@127.0.0.1".into(),
                host: "127.0.0.1".into(),
                remote: "127.0.0.1:5060".parse().expect("an address"),
                local: "127.0.0.1".parse().expect("an address"),
                transport: TransportKind::Udp,
            },
            from: "1234".into(),
            plan: Plan { hold: Duration::from_secs(10), keys: Arc::new([]) },
            keys_by: KeysBy::Rtp,
            recording: None,
            calls: 1_200,
            rate: 100.0,
            record: false,
        }
    }

    fn spread(lengths_us: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        lengths_us.iter().for_each(|us| histogram.record(Duration::from_micros(*us)));
        histogram
    }

    fn busy_day() -> Outcome {
        let busy = Refused { status: 486, reason: "Busy Here".into(), warnings: Vec::new() };
        let codec = Refused { status: 488, reason: "".into(), warnings: vec!["305 Only PCMU is spoken here".into()] };
        Outcome {
            elapsed: Duration::from_millis(22_345),
            attempted: 1_200,
            answered: 1_190,
            endings: vec![
                (Ending::HungUp, 1_100),
                (Ending::RemoteHungUp, 90),
                (Ending::Refused(busy), 7),
                (Ending::Refused(codec), 1),
                (Ending::NoAnswer, 2),
            ],
            setup: spread(&[900, 1_000, 1_100, 4_000]),
            retransmissions_sent: 2,
            measured: Measured {
                inter_arrival: spread(&[19_990, 20_000, 20_010]),
                key_to_prompt: spread(&[31_000]),
                by_marker: 1,
                by_sound: 0,
                totals: Totals { expected: 1_234_567, received: 1_234_560, duplicated: 1, out_of_order: 3, pauses: 0 },
            },
            packets_sent: 1_234_000,
            keys_pressed: 2,
            lateness: spread(&[60, 70, 80]),
            ..Outcome::default()
        }
    }

    #[test]
    fn the_table_is_for_people() {
        let expected = "\
sip:1000@127.0.0.1 over UDP, 22.3 s

  calls                   1,200 attempted, 1,190 answered
    failed                7 x 486 Busy Here
    failed                1 x 488 Not Acceptable Here (warning 305 Only PCMU is spoken here)
    failed                2 x no answer
                          90 ended by the other side
  retransmissions         2 by us, 0 by the other side
  packets sent            1,234,000
  packets heard           1,234,560 of 1,234,567 expected; 7 lost, 1 duplicated, 3 out of order
  keys                    2 pressed, 1 prompts followed

  milliseconds                   p50       p90       p99     p99.9       max    measured
  INVITE to 200                 1.00      4.00      4.00      4.00      4.00           4
  packet to packet             20.00     20.01     20.01     20.01     20.01           3
  key to next prompt           31.00     31.00     31.00     31.00     31.00           1
  lateness of this program      0.07      0.08      0.08      0.08      0.08           3

10 of 1,200 calls failed, 7 packets lost";
        assert_eq!(Report::new(&order(), &busy_day()).to_string(), expected);
    }

    #[test]
    fn nothing_measured_is_a_dash_or_null() {
        let report = Report::new(&order(), &Outcome::default());
        let text = report.to_string();
        assert!(text.contains("INVITE to 200                    -         -"), "{text}");
        assert!(!text.contains("keys"), "{text}");
        let json = serde_json::to_value(&report).expect("JSON");
        assert_eq!(json["setup_ms"]["p99"], serde_json::Value::Null);
        assert_eq!(json["setup_ms"]["count"], 0);
    }

    #[test]
    fn programs_find_every_figure_by_its_name() {
        let json = serde_json::to_value(Report::new(&order(), &busy_day())).expect("JSON");
        let check = |path: &str, expected: serde_json::Value| {
            assert_eq!(json.pointer(path), Some(&expected), "{path} in {json}");
        };
        check("/calls/attempted", 1_200.into());
        check("/calls/failed", 10.into());
        check("/calls/failures/486 Busy Here", 7.into());
        check("/setup_ms/p90", 4.0.into());
        check("/signalling/retransmissions_sent", 2.into());
        check("/rtp/lost", 7.into());
        check("/rtp/inter_arrival_ms/p99_9", 20.01.into());
        check("/keys/to_next_prompt_ms/p50", 31.0.into());
        check("/own_lateness_ms/max", 0.08.into());
    }
}
