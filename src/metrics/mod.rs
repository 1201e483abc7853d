//! The journal as Prometheus metrics: the names and labels of the contract, all that can be at zero there from the start.

mod queues;
mod series;
mod surveys;
mod tapes;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Bucket, Histogram as HistogramValue, Metric, MetricFamily, MetricType};
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::clock::{Clock, Moment};
use crate::journal::{JournalEntry, JournalEvent, Outcome, QueueEvent, RefusalReason, StepName, digit_source};
use crate::telephony::{DigitSource, MediaTally, SipTally};

use queues::QueueMetrics;
pub use queues::{AgentStanding, QueueStanding, Standing};
pub use series::Series;
pub use surveys::KnownQuestion;
use surveys::SurveyMetrics;
use tapes::TapeMetrics;
pub use tapes::{MailCounts, MailResult};

/// Upper bounds in seconds of `helpline_call_setup_seconds`.
const SETUP_BOUNDS: [f64; 12] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0];

/// Upper bounds in seconds of `helpline_lookup_seconds`.
const LOOKUP_BOUNDS: [f64; 12] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

/// The outcomes of lookups.
const LOOKUP_OUTCOMES: [&str; 11] = [
    "found",
    "not_found",
    "cancelled",
    "timed_out",
    "unreachable",
    "refused",
    "not_allowed",
    "unreadable",
    "busy",
    "resting",
    "unaskable",
];

/// How audio travels, as the label `direction` has it.
const DIRECTIONS: [&str; 2] = ["inbound", "outbound"];

/// The fold. It has one owner, and keeps a handle to every series so that an event costs one addition.
pub struct Metrics {
    registry: Registry,
    calls_active: IntGauge,
    outcomes: BTreeMap<Outcome, IntCounter>,
    setup: Histogram,
    entries: IntCounterVec,
    exits: IntCounterVec,
    missing: IntCounterVec,
    runaways: IntCounterVec,
    steps: BTreeMap<StepName, StepCounters>,
    digits: [IntCounter; 3],
    rtp_packets: [IntCounter; 2],
    rtp_lost: [IntCounter; 2],
    rtp_dropped: IntCounter,
    lateness: Arc<Lateness>,
    sip_requests: IntCounterVec,
    sip_request: BTreeMap<(&'static str, u16), IntCounter>,
    sip_rejected: IntCounterVec,
    sip_retransmissions: IntCounter,
    reloads: IntCounterVec,
    lookups: IntCounterVec,
    lookup_seconds: HistogramVec,
    resting: IntGaugeVec,
    store_failures: IntCounter,
    records_lost: IntCounter,
    trunks: IntGaugeVec,
    trunk_names: Vec<Arc<str>>,
    queues: QueueMetrics,
    surveys: SurveyMetrics,
    tapes: TapeMetrics,
}

struct StepCounters {
    entries: IntCounter,
    exits: BTreeMap<Arc<str>, IntCounter>,
}

/// What a scrape reads: any thread may hold one.
#[derive(Clone)]
pub struct Exposition(Registry);

impl Exposition {
    /// The content type of [`Exposition::text`].
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// All series in Prometheus' text format 0.0.4.
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.0.gather(), &mut text).expect("a Vec takes every byte");
        String::from_utf8(text).expect("the text format is UTF-8")
    }
}

impl Metrics {
    /// All series at zero. `clock` is the one of the process.
    pub fn new(clock: Clock) -> Metrics {
        let registry = Registry::new();
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels).expect("the name is right");
            registered(&registry, counters)
        };
        let counter =
            |name: &str, help: &str| registered(&registry, IntCounter::new(name, help).expect("the name is right"));
        let calls = counters("helpline_calls_total", "Calls that are over, by how they ended.", &["outcome"]);
        let digits =
            counters("helpline_dtmf_digits_total", "Keys that callers pressed, by how they came.", &["source"]);
        let packets =
            counters("helpline_rtp_packets_total", "RTP packets, inbound from callers or outbound.", &["direction"]);
        let lost = counters(
            "helpline_rtp_lost_total",
            "RTP packets lost: inbound that never came, outbound as callers' sides report.",
            &["direction"],
        );
        let setup = HistogramOpts::new("helpline_call_setup_seconds", "From an INVITE to our 200 OK.");
        let build =
            IntGaugeVec::new(Opts::new("helpline_build_info", "The version that runs; always 1."), &["version"])
                .expect("the name is right");
        registered(&registry, build).with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let lateness = Arc::new(Lateness::new());
        registry.register(Box::new(Shared(lateness.clone()))).expect("each name is registered once");
        let metrics = Metrics {
            calls_active: registered(
                &registry,
                IntGauge::new("helpline_calls_active", "Calls in progress.").expect("the name is right"),
            ),
            outcomes: Outcome::ALL
                .into_iter()
                .map(|outcome| (outcome, calls.with_label_values(&[outcome.label()])))
                .collect(),
            setup: registered(
                &registry,
                Histogram::with_opts(setup.buckets(SETUP_BOUNDS.to_vec())).expect("the bounds ascend"),
            ),
            entries: counters("helpline_flow_step_entries_total", "Callers who came to a step.", &["flow", "step"]),
            exits: counters(
                "helpline_flow_step_exits_total",
                "Callers who left a step, by how.",
                &["flow", "step", "exit"],
            ),
            missing: counters(
                "helpline_prompt_missing_total",
                "Recordings that a caller should have heard and that do not exist.",
                &["flow", "step", "language"],
            ),
            runaways: counters(
                "helpline_flow_runaways_total",
                "Calls ended because a flow went in circles without the caller's input.",
                &["flow"],
            ),
            steps: BTreeMap::new(),
            digits: [DigitSource::Rtp, DigitSource::Info, DigitSource::Inband]
                .map(|source| digits.with_label_values(&[digit_source(source)])),
            rtp_packets: DIRECTIONS.map(|direction| packets.with_label_values(&[direction])),
            rtp_lost: DIRECTIONS.map(|direction| lost.with_label_values(&[direction])),
            rtp_dropped: counter("helpline_rtp_dropped_total", "RTP packets dropped: malformed, or a stranger's."),
            lateness,
            sip_requests: counters(
                "helpline_sip_requests_total",
                "SIP requests received, by the final status they were given.",
                &["method", "code"],
            ),
            sip_request: BTreeMap::new(),
            sip_rejected: counters("helpline_sip_rejected_total", "What was refused or dropped, by why.", &["reason"]),
            sip_retransmissions: counter("helpline_sip_retransmissions_total", "SIP messages that we sent again."),
            reloads: counters("helpline_config_reloads_total", "Reloads of the flows, by how they went.", &["result"]),
            trunks: registered(
                &registry,
                IntGaugeVec::new(Opts::new("helpline_trunk_up", "Whether a trunk takes calls: 1 or 0."), &["trunk"])
                    .expect("the name is right"),
            ),
            trunk_names: Vec::new(),
            lookups: counters(
                "helpline_lookups_total",
                "Web services asked for callers, by what came of it.",
                &["connector", "outcome"],
            ),
            lookup_seconds: {
                let opts =
                    HistogramOpts::new("helpline_lookup_seconds", "How long web services took, all tries together.");
                let histogram = HistogramVec::new(opts.buckets(LOOKUP_BOUNDS.to_vec()), &["connector"]);
                registered(&registry, histogram.expect("the bounds ascend"))
            },
            resting: registered(
                &registry,
                IntGaugeVec::new(
                    Opts::new("helpline_connector_resting", "Whether a web service fails and is left alone: 1 or 0."),
                    &["connector"],
                )
                .expect("the name is right"),
            ),
            store_failures: counter("helpline_store_failures_total", "Times that the database could not be written."),
            records_lost: counter(
                "helpline_records_lost_total",
                "Records of calls lost because the database could not be written for too long.",
            ),
            queues: QueueMetrics::new(&registry, clock),
            surveys: SurveyMetrics::new(&registry),
            tapes: TapeMetrics::new(&registry),
            registry,
        };
        for reason in RefusalReason::ALL {
            metrics.sip_rejected.with_label_values(&[reason.label()]);
        }
        for result in ["good", "bad"] {
            metrics.reloads.with_label_values(&[result]);
        }
        metrics
    }

    /// What a scrape reads.
    pub fn exposition(&self) -> Exposition {
        Exposition(self.registry.clone())
    }

    /// What makes series before anything is counted.
    pub fn series(&self) -> Series {
        Series {
            entries: self.entries.clone(),
            exits: self.exits.clone(),
            missing: self.missing.clone(),
            runaways: self.runaways.clone(),
            lookups: self.lookups.clone(),
            lookup_seconds: self.lookup_seconds.clone(),
            resting: self.resting.clone(),
            messages: self.tapes.messages.clone(),
            messages_waiting: self.tapes.waiting.clone(),
            surveys: self.surveys.clone(),
        }
    }

    /// Makes the series of exactly these trunks; one that is not known to take calls yet has 0.
    pub fn know_trunks<'a>(&mut self, trunks: impl IntoIterator<Item = &'a str>) {
        let known: Vec<&str> = trunks.into_iter().collect();
        for gone in self.trunk_names.iter().filter(|name| !known.contains(&&***name)) {
            // One that is not there is gone all the same.
            let _ = self.trunks.remove_label_values(&[&**gone]);
        }
        for trunk in &known {
            self.trunks.with_label_values(&[trunk]);
        }
        self.trunk_names = known.into_iter().map(Arc::from).collect();
    }

    /// Counts what becomes of messages that are mailed.
    pub fn mail_counts(&self) -> MailCounts {
        self.tapes.mail_counts()
    }

    /// A reload took place; `good` when the new set is in use.
    pub fn reloaded(&self, good: bool) {
        self.reloads.with_label_values(&[if good { "good" } else { "bad" }]).inc();
    }

    /// So often could the database not be written, and so many records were lost, since the start.
    pub fn stored(&self, failures: u64, records_lost: u64) {
        self.store_failures.inc_by(failures.saturating_sub(self.store_failures.get()));
        self.records_lost.inc_by(records_lost.saturating_sub(self.records_lost.get()));
    }

    /// Takes an entry, which was acted upon by `done`.
    pub fn fold(&mut self, entry: &JournalEntry, done: Moment) {
        match &entry.event {
            JournalEvent::Offered(_) | JournalEvent::Dialled(_) => self.calls_active.inc(),
            JournalEvent::Trunk { trunk, down } => {
                self.trunks.with_label_values(&[&**trunk]).set(i64::from(down.is_none()));
            }
            JournalEvent::Refused { reason, .. } => {
                self.outcomes[&Outcome::Refused].inc();
                self.sip_rejected.with_label_values(&[reason.label()]).inc();
            }
            JournalEvent::Answered { .. } => self.setup.observe(done.since(entry.at).as_secs_f64()),
            JournalEvent::StepEntered(step) => self.step(step).entries.inc(),
            JournalEvent::StepLeft { step, exit } => self.exit(step, exit).inc(),
            JournalEvent::Digit { source } => self.digits[*source as usize].inc(),
            JournalEvent::PromptMissing { step, language, .. } => {
                self.missing.with_label_values(&[&*step.flow, &*step.step, &**language]).inc();
            }
            JournalEvent::LookedUp(told) => {
                self.lookups.with_label_values(&[&*told.connector, told.outcome]).inc();
                self.lookup_seconds.with_label_values(&[&*told.connector]).observe(told.took.as_secs_f64());
            }
            JournalEvent::Connector { name, rests } => {
                self.resting.with_label_values(&[&**name]).set(i64::from(rests.is_some()));
            }
            JournalEvent::RanAway(step) => self.runaways.with_label_values(&[&*step.flow]).inc(),
            JournalEvent::Ended(ended) => {
                self.calls_active.dec();
                self.outcomes[&ended.outcome].inc();
            }
            JournalEvent::Queue(event) => self.fold_queue(event),
            JournalEvent::Tape(event) => self.tapes.fold(event),
            JournalEvent::Survey(event) => self.surveys.fold(event),
            JournalEvent::MessagesWaiting { mailbox, new, old } => self.tapes.wait(mailbox, *new, *old),
            JournalEvent::Sip(tally) => self.sip(tally),
            JournalEvent::Media(tally) => self.media(tally),
            JournalEvent::Began
            | JournalEvent::AgentAsks { .. }
            | JournalEvent::Playing { .. }
            | JournalEvent::DigitRepeated { .. }
            | JournalEvent::Dialling { .. }
            | JournalEvent::NotReached { .. }
            | JournalEvent::Transfer(_)
            | JournalEvent::Joined(_)
            | JournalEvent::AgentHeld { .. }
            | JournalEvent::Parted(_)
            | JournalEvent::AgentLegFailed { .. }
            | JournalEvent::Held
            | JournalEvent::Resumed
            | JournalEvent::AudioChanged { .. }
            | JournalEvent::ChangeRefused { .. }
            | JournalEvent::AudioFailed { .. }
            | JournalEvent::FlowEnded
            | JournalEvent::HoursSwitched(_)
            | JournalEvent::HungUp { .. }
            | JournalEvent::Draining { .. }
            | JournalEvent::Revised { .. } => {}
        }
    }

    /// Queues and agents as they stand from now on.
    pub fn stand(&mut self, standing: Standing) {
        self.queues.stand(standing);
    }

    fn fold_queue(&mut self, event: &QueueEvent) {
        self.queues.fold(event);
    }

    fn sip(&mut self, tally: &SipTally) {
        for ((method, code), count) in &tally.requests {
            let requests = &self.sip_requests;
            self.sip_request
                .entry((method, *code))
                .or_insert_with(|| requests.with_label_values(&[*method, &code.to_string()]))
                .inc_by(*count);
        }
        for (reason, count) in &tally.rejected {
            self.sip_rejected.with_label_values(&[*reason]).inc_by(*count);
        }
        self.sip_retransmissions.inc_by(tally.retransmissions);
    }

    fn media(&self, tally: &MediaTally) {
        self.rtp_packets[0].inc_by(tally.packets_received);
        self.rtp_packets[1].inc_by(tally.packets_sent);
        self.rtp_lost[0].inc_by(tally.lost_inbound);
        self.rtp_lost[1].inc_by(tally.lost_outbound);
        self.rtp_dropped.inc_by(tally.dropped);
        self.tapes.count(tally);
        self.lateness.add(tally);
    }

    fn step(&mut self, step: &StepName) -> &mut StepCounters {
        if !self.steps.contains_key(step) {
            let entries = self.entries.with_label_values(&[&*step.flow, &*step.step]);
            self.steps.insert(step.clone(), StepCounters { entries, exits: BTreeMap::new() });
        }
        self.steps.get_mut(step).expect("it was there or has been put there")
    }

    fn exit(&mut self, step: &StepName, exit: &Arc<str>) -> &IntCounter {
        let exits = self.exits.clone();
        self.step(step)
            .exits
            .entry(exit.clone())
            .or_insert_with(|| exits.with_label_values(&[&*step.flow, &*step.step, &**exit]))
    }
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> C {
    registry.register(Box::new(collector.clone())).expect("each name is registered once");
    collector
}

/// `helpline_media_tick_late_seconds`: a histogram that the reactors have counted already.
struct Lateness {
    desc: Desc,
    counts: [AtomicU64; 8],
    sum_us: AtomicU64,
}

impl Lateness {
    const NAME: &str = "helpline_media_tick_late_seconds";
    const HELP: &str = "How late the media's 20 ms ticks began.";

    fn new() -> Lateness {
        let desc = Desc::new(Lateness::NAME.into(), Lateness::HELP.into(), Vec::new(), Default::default())
            .expect("the name is right");
        Lateness { desc, counts: Default::default(), sum_us: AtomicU64::new(0) }
    }

    fn add(&self, tally: &MediaTally) {
        for (total, count) in self.counts.iter().zip(tally.ticks_late) {
            total.fetch_add(count, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(tally.late_us_sum, Ordering::Relaxed);
    }
}

/// The registry wants to own a collector; the fold keeps the other hand on it.
struct Shared(Arc<Lateness>);

impl Collector for Shared {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.0.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut histogram = HistogramValue::default();
        let mut buckets = Vec::with_capacity(MediaTally::LATE_BOUNDS_MS.len());
        let mut cumulative = 0;
        for (count, bound_ms) in self.0.counts.iter().zip(MediaTally::LATE_BOUNDS_MS) {
            cumulative += count.load(Ordering::Relaxed);
            let mut bucket = Bucket::default();
            bucket.set_cumulative_count(cumulative);
            bucket.set_upper_bound(bound_ms / 1_000.0);
            buckets.push(bucket);
        }
        cumulative += self.0.counts[MediaTally::LATE_BOUNDS_MS.len()].load(Ordering::Relaxed);
        histogram.set_bucket(buckets);
        histogram.set_sample_count(cumulative);
        histogram.set_sample_sum(self.0.sum_us.load(Ordering::Relaxed) as f64 / 1e6);
        let mut metric = Metric::default();
        metric.set_histogram(histogram);
        let mut family = MetricFamily::default();
        family.set_name(Lateness::NAME.to_owned());
        family.set_help(Lateness::HELP.to_owned());
        family.set_field_type(MetricType::HISTOGRAM);
        family.set_metric(vec![metric]);
        vec![family]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::journal::{Ended, LookedUp, SurveyEvent, SurveyNews};
    use crate::telephony::{CallId, Cause};

    fn step() -> StepName {
        StepName { flow: "main".into(), step: "welcome".into() }
    }

    /// Whether `line` is one of the lines of the exposition after `events`.
    fn check(events: Vec<JournalEvent>, lines: &[&str]) {
        let mut metrics = Metrics::new(Clock::start());
        metrics.series().know_step(&step(), ["next", "hangup"], ["en"]);
        metrics.series().know_connector("orders");
        metrics.series().know_survey(&step(), "", [KnownQuestion { question: "again", scale: "nps", scores: (0, 10) }]);
        for event in events {
            let entry = JournalEntry { at: Moment::ZERO, call: Some(CallId(1)), event };
            metrics.fold(&entry, Moment::from_micros(300));
        }
        let text = metrics.exposition().text();
        for line in lines {
            assert!(text.lines().any(|found| found == *line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn all_that_can_be_zero_is_there_from_the_start() {
        check(
            vec![],
            &[
                "helpline_calls_active 0",
                "helpline_calls_total{outcome=\"hung_up\"} 0",
                "helpline_call_setup_seconds_count 0",
                "helpline_flow_step_entries_total{flow=\"main\",step=\"welcome\"} 0",
                "helpline_flow_step_exits_total{exit=\"next\",flow=\"main\",step=\"welcome\"} 0",
                "helpline_flow_runaways_total{flow=\"main\"} 0",
                "helpline_dtmf_digits_total{source=\"inband\"} 0",
                "helpline_prompt_missing_total{flow=\"main\",language=\"en\",step=\"welcome\"} 0",
                "helpline_rtp_packets_total{direction=\"inbound\"} 0",
                "helpline_rtp_lost_total{direction=\"outbound\"} 0",
                "helpline_media_tick_late_seconds_count 0",
                "helpline_lookups_total{connector=\"orders\",outcome=\"timed_out\"} 0",
                "helpline_lookup_seconds_count{connector=\"orders\"} 0",
                "helpline_connector_resting{connector=\"orders\"} 0",
                "helpline_sip_rejected_total{reason=\"ports_full\"} 0",
                "helpline_config_reloads_total{result=\"bad\"} 0",
            ],
        );
    }

    #[test]
    fn a_call_is_counted() {
        let ended = Ended { outcome: Outcome::Failed, cause: Cause::MediaLost, duration: Duration::ZERO, report: None };
        check(
            vec![
                JournalEvent::Answered { codec: None, port: 16384 },
                JournalEvent::StepEntered(step()),
                JournalEvent::StepLeft { step: step(), exit: "choice 1".into() },
                JournalEvent::Digit { source: DigitSource::Info },
                JournalEvent::LookedUp(Box::new(LookedUp {
                    connector: "orders".into(),
                    outcome: "timed_out",
                    took: Duration::from_secs(5),
                    tries: 2,
                    why: None,
                })),
                JournalEvent::Connector { name: "orders".into(), rests: Some(Duration::from_secs(30)) },
                JournalEvent::Ended(Box::new(ended)),
            ],
            &[
                "helpline_call_setup_seconds_bucket{le=\"0.00025\"} 0",
                "helpline_call_setup_seconds_bucket{le=\"0.0005\"} 1",
                "helpline_flow_step_entries_total{flow=\"main\",step=\"welcome\"} 1",
                "helpline_flow_step_exits_total{exit=\"choice 1\",flow=\"main\",step=\"welcome\"} 1",
                "helpline_dtmf_digits_total{source=\"info\"} 1",
                "helpline_dtmf_digits_total{source=\"rtp\"} 0",
                "helpline_calls_total{outcome=\"failed\"} 1",
                "helpline_lookups_total{connector=\"orders\",outcome=\"timed_out\"} 1",
                "helpline_lookup_seconds_bucket{connector=\"orders\",le=\"5\"} 1",
                "helpline_lookup_seconds_bucket{connector=\"orders\",le=\"2\"} 0",
                "helpline_connector_resting{connector=\"orders\"} 1",
            ],
        );
    }

    #[test]
    fn answers_are_counted_by_their_scores() {
        let told = |news| {
            let (queue, agent) = (Some("support".into()), Some("1001".into()));
            JournalEvent::Survey(Box::new(SurveyEvent { step: step(), queue, agent, news }))
        };
        let answered = |score| told(SurveyNews::Answered { question: "helped".into(), scale: "csat", score });
        let labels = "flow=\"main\",question=\"helped\",queue=\"support\",scale=\"csat\"";
        check(
            vec![
                told(SurveyNews::Offered),
                answered(4),
                told(SurveyNews::Ended { outcome: "complete" }),
                answered(4),
                answered(1),
            ],
            &[
                &format!("helpline_survey_answers_total{{{labels},score=\"4\",step=\"welcome\"}} 2"),
                &format!("helpline_survey_answers_total{{{labels},score=\"1\",step=\"welcome\"}} 1"),
                "helpline_surveys_total{flow=\"main\",outcome=\"complete\",queue=\"support\",step=\"welcome\"} 1",
                "helpline_surveys_total{flow=\"main\",outcome=\"refused\",queue=\"\",step=\"welcome\"} 0",
                "helpline_survey_answers_total{flow=\"main\",question=\"again\",queue=\"\",scale=\"nps\",score=\"10\",step=\"welcome\"} 0",
            ],
        );
    }

    #[test]
    fn tallies_add_up() {
        let mut sip = SipTally::default();
        sip.requests.insert(("INVITE", 200), 7);
        sip.rejected.insert("malformed", 2);
        let media = MediaTally {
            packets_sent: 50,
            packets_received: 49,
            lost_inbound: 1,
            ticks_late: [40, 0, 0, 0, 0, 0, 9, 1],
            late_us_sum: 250_000,
            ..MediaTally::default()
        };
        check(
            vec![
                JournalEvent::Sip(sip.clone()),
                JournalEvent::Sip(sip),
                JournalEvent::Media(Box::new(media)),
                JournalEvent::Media(Box::new(media)),
            ],
            &[
                "helpline_sip_requests_total{code=\"200\",method=\"INVITE\"} 14",
                "helpline_sip_rejected_total{reason=\"malformed\"} 4",
                "helpline_rtp_packets_total{direction=\"outbound\"} 100",
                "helpline_rtp_lost_total{direction=\"inbound\"} 2",
                "helpline_media_tick_late_seconds_bucket{le=\"0.00025\"} 80",
                "helpline_media_tick_late_seconds_bucket{le=\"0.02\"} 98",
                "helpline_media_tick_late_seconds_bucket{le=\"+Inf\"} 100",
                "helpline_media_tick_late_seconds_sum 0.5",
            ],
        );
    }
}
