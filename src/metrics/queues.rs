//! Queues and agents as metrics: counters are folds over the journal, and gauges are what stands at the very moment of
//! the scrape.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

use super::registered;
use crate::clock::{Clock, Moment};
use crate::journal::QueueEvent;

/// Upper bounds in seconds of `helpline_queue_wait_seconds`.
const WAIT_BOUNDS: [f64; 14] =
    [5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 900.0, 1_800.0];
/// Upper bounds in seconds of `helpline_handle_seconds`.
const HANDLE_BOUNDS: [f64; 12] = [5.0, 15.0, 30.0, 60.0, 120.0, 180.0, 300.0, 450.0, 600.0, 900.0, 1_800.0, 3_600.0];
/// Upper bounds in seconds of `helpline_queue_estimate_error_seconds`: how much longer it took than was said.
const ERROR_BOUNDS: [f64; 11] = [-600.0, -300.0, -120.0, -60.0, -30.0, 0.0, 30.0, 60.0, 120.0, 300.0, 600.0];
/// Places that have a series of their own.
const POSITIONS: usize = 20;

/// Outcomes, in the words of the queue rules.
const OUTCOMES: [&str; 9] = [
    "answered",
    "abandoned",
    "short_abandoned",
    "timed_out",
    "overflowed",
    "no_agents",
    "left_by_key",
    "callback",
    "failed",
];
const SERVICE_EVENTS: [&str; 7] =
    ["answered", "abandoned", "taken_out", "late", "short_abandoned", "left", "to_callback"];
const OFFER_RESULTS: [&str; 6] = ["accepted", "declined", "busy", "no_answer", "failed", "withdrawn"];
const PHASES: [&str; 3] = ["talk", "hold", "wrap_up"];

/// Queues and agents as they stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// The queues.
    pub queues: Vec<QueueStanding>,
    /// The agents.
    pub agents: Vec<AgentStanding>,
}

/// A queue as it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueStanding {
    /// Its name.
    pub name: Arc<str>,
    /// Callers who wait on the line.
    pub callers: usize,
    /// Callers who wait to be called back.
    pub callbacks: usize,
    /// The times of the places from the front; those beyond the twentieth are not needed.
    pub places: Vec<Moment>,
    /// The oldest of all place times.
    pub oldest: Option<Moment>,
    /// What somebody who entered now would have to expect, in seconds, when it is known.
    pub estimate: Option<f64>,
    /// How many agents are in each state.
    pub agents: Vec<(&'static str, u32)>,
    /// The service level by the name of its formula, where anybody counts.
    pub levels: Vec<(&'static str, f64)>,
}

/// An agent as they stand.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentStanding {
    /// The extension.
    pub extension: Arc<str>,
    /// How long they have been in each state, the one they are in included. A counter that ran on by itself would fall
    /// when they turn out to have left that state meanwhile, and Prometheus would take that for a restart.
    pub spent: Vec<(&'static str, Duration)>,
}

/// The fold of what happens in queues.
pub(super) struct QueueMetrics {
    entered: IntCounterVec,
    left: IntCounterVec,
    wait: HistogramVec,
    service: IntCounterVec,
    offers: IntCounterVec,
    handle: HistogramVec,
    error: HistogramVec,
    /// Handles, so that an event looks nothing up by text.
    waits: BTreeMap<(Arc<str>, &'static str), Histogram>,
    /// The queues that have series, ...
    queues: BTreeSet<Arc<str>>,
    /// ... and the agents with the queues for which they were offered callers.
    offered: BTreeSet<(Arc<str>, Arc<str>)>,
    stands: Arc<Mutex<Arc<Standing>>>,
}

impl QueueMetrics {
    pub(super) fn new(registry: &Registry, clock: Clock) -> QueueMetrics {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            registered(registry, IntCounterVec::new(Opts::new(name, help), labels).expect("the name is right"))
        };
        let histograms = |name: &str, help: &str, labels: &[&str], bounds: &[f64]| {
            let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
            registered(registry, HistogramVec::new(options, labels).expect("the bounds ascend"))
        };
        let stands: Arc<Mutex<Arc<Standing>>> = Arc::default();
        let gauges = Gauges { clock, stands: stands.clone(), descriptions: Gauge::ALL.map(Gauge::description) };
        registry.register(Box::new(gauges)).expect("each name is registered once");
        QueueMetrics {
            entered: counters("helpline_queue_entered_total", "Callers who entered a queue.", &["queue"]),
            left: counters(
                "helpline_queue_left_total",
                "Callers who wait no more, by how that ended.",
                &["queue", "outcome"],
            ),
            wait: histograms(
                "helpline_queue_wait_seconds",
                "How long callers waited, by how that ended.",
                &["queue", "outcome"],
                &WAIT_BOUNDS,
            ),
            service: counters(
                "helpline_queue_service_level_events_total",
                "How callers counted for the service level, each once.",
                &["queue", "event"],
            ),
            offers: counters(
                "helpline_agent_offers_total",
                "How often an agent's telephone rang, by what came of it.",
                &["queue", "agent", "result"],
            ),
            handle: histograms(
                "helpline_handle_seconds",
                "What agents did with a call: talk, hold, wrap-up.",
                &["queue", "phase"],
                &HANDLE_BOUNDS,
            ),
            error: histograms(
                "helpline_queue_estimate_error_seconds",
                "How much longer than promised callers waited who were answered.",
                &["queue"],
                &ERROR_BOUNDS,
            ),
            waits: BTreeMap::new(),
            queues: BTreeSet::new(),
            offered: BTreeSet::new(),
            stands,
        }
    }

    /// What stands from now on, and the series of all queues and agents in it, at zero; those of any others go.
    pub(super) fn stand(&mut self, standing: Standing) {
        let standing = Arc::new(standing);
        *self.stands.lock().unwrap_or_else(PoisonError::into_inner) = standing.clone();
        for queue in &standing.queues {
            if !self.queues.contains(&queue.name) {
                self.know(&queue.name);
            }
        }
        let queues: BTreeSet<&str> = standing.queues.iter().map(|queue| &*queue.name).collect();
        let agents: BTreeSet<&str> = standing.agents.iter().map(|agent| &*agent.extension).collect();
        for (queue, agent) in
            self.offered.extract_if(.., |(queue, agent)| !queues.contains(&**queue) || !agents.contains(&**agent))
        {
            for result in OFFER_RESULTS {
                gone(self.offers.remove_label_values(&[&*queue, &*agent, result]));
            }
        }
        let removed: Vec<Arc<str>> = self.queues.extract_if(.., |queue| !queues.contains(&**queue)).collect();
        removed.iter().for_each(|queue| self.forget(queue));
    }

    /// Whatever comes yet of a queue that is gone makes its series anew, until the next standing.
    fn forget(&mut self, queue: &Arc<str>) {
        gone(self.entered.remove_label_values(&[&**queue]));
        gone(self.error.remove_label_values(&[&**queue]));
        for outcome in OUTCOMES {
            gone(self.left.remove_label_values(&[&**queue, outcome]));
            gone(self.wait.remove_label_values(&[&**queue, outcome]));
        }
        self.waits.retain(|(known, _), _| known != queue);
        for event in SERVICE_EVENTS {
            gone(self.service.remove_label_values(&[&**queue, event]));
        }
        for phase in PHASES {
            gone(self.handle.remove_label_values(&[&**queue, phase]));
        }
    }

    fn know(&mut self, queue: &Arc<str>) {
        self.queues.insert(queue.clone());
        self.entered.with_label_values(&[&**queue]);
        self.error.with_label_values(&[&**queue]);
        for outcome in OUTCOMES {
            self.left.with_label_values(&[&**queue, outcome]);
            self.waited(queue, outcome);
        }
        for event in SERVICE_EVENTS {
            self.service.with_label_values(&[&**queue, event]);
        }
        for phase in PHASES {
            self.handle.with_label_values(&[&**queue, phase]);
        }
    }

    fn waited(&mut self, queue: &Arc<str>, outcome: &'static str) -> &Histogram {
        let wait = &self.wait;
        self.waits.entry((queue.clone(), outcome)).or_insert_with(|| wait.with_label_values(&[&**queue, outcome]))
    }

    /// Takes an event.
    pub(super) fn fold(&mut self, event: &QueueEvent) {
        if let QueueEvent::Entered { queue, .. }
        | QueueEvent::Left { queue, .. }
        | QueueEvent::Counted { queue, .. }
        | QueueEvent::Handled { queue, .. } = event
            && !self.queues.contains(queue)
        {
            self.queues.insert(queue.clone());
        }
        match event {
            QueueEvent::Entered { queue, .. } => self.entered.with_label_values(&[&**queue]).inc(),
            QueueEvent::Left { queue, outcome, wait, promised, .. } => {
                self.left.with_label_values(&[&**queue, outcome]).inc();
                self.waited(queue, outcome).observe(wait.as_secs_f64());
                if let Some((promised, real)) = promised {
                    let error = real.as_secs_f64() - promised.as_secs_f64();
                    self.error.with_label_values(&[&**queue]).observe(error);
                }
            }
            QueueEvent::Counted { queue, event } => self.service.with_label_values(&[&**queue, event]).inc(),
            QueueEvent::Offered { queue, agent } => {
                // All results of an agent are there from the first offer.
                self.offered.insert((queue.clone(), agent.clone()));
                for result in OFFER_RESULTS {
                    self.offers.with_label_values(&[&**queue, &**agent, result]);
                }
            }
            QueueEvent::OfferEnded { queue, agent, result } => {
                self.offered.insert((queue.clone(), agent.clone()));
                self.offers.with_label_values(&[&**queue, &**agent, result]).inc();
            }
            QueueEvent::Handled { queue, talk, hold, wrap_up, agent: _ } => {
                for (phase, time) in PHASES.into_iter().zip([talk, hold, wrap_up]) {
                    self.handle.with_label_values(&[&**queue, phase]).observe(time.as_secs_f64());
                }
            }
            QueueEvent::AgentState { .. }
            | QueueEvent::SpokenPlace { .. }
            | QueueEvent::SpokenWait { .. }
            | QueueEvent::Relaxed { .. }
            | QueueEvent::CallbackWanted
            | QueueEvent::CalledBack { .. }
            | QueueEvent::Dropped
            | QueueEvent::PlaceTaken { .. }
            | QueueEvent::CameBack => {}
        }
    }
}

/// A series is removed that may never have been made.
fn gone(removed: prometheus::Result<()>) {
    drop(removed);
}

/// What is true at the moment of the scrape, and made then.
struct Gauges {
    clock: Clock,
    stands: Arc<Mutex<Arc<Standing>>>,
    descriptions: [Desc; Gauge::ALL.len()],
}

#[derive(Clone, Copy)]
enum Gauge {
    Callers,
    Callbacks,
    PositionWait,
    LongestWait,
    EstimatedWait,
    Level,
    Agents,
    AgentSeconds,
}

impl Gauge {
    const ALL: [Gauge; 8] = [
        Gauge::Callers,
        Gauge::Callbacks,
        Gauge::PositionWait,
        Gauge::LongestWait,
        Gauge::EstimatedWait,
        Gauge::Level,
        Gauge::Agents,
        Gauge::AgentSeconds,
    ];

    const fn name(self) -> &'static str {
        match self {
            Gauge::Callers => "helpline_queue_callers_waiting",
            Gauge::Callbacks => "helpline_queue_callbacks_waiting",
            Gauge::PositionWait => "helpline_queue_position_wait_seconds",
            Gauge::LongestWait => "helpline_queue_longest_wait_seconds",
            Gauge::EstimatedWait => "helpline_queue_estimated_wait_seconds",
            Gauge::Level => "helpline_queue_service_level_ratio",
            Gauge::Agents => "helpline_queue_agents",
            Gauge::AgentSeconds => "helpline_agent_state_seconds_total",
        }
    }

    const fn help(self) -> &'static str {
        match self {
            Gauge::Callers => "Callers who wait on the line.",
            Gauge::Callbacks => "Callers who wait to be called back.",
            Gauge::PositionWait => "How long the caller now at each place has waited.",
            Gauge::LongestWait => "Since the oldest place time of all who wait; 0 when nobody does.",
            Gauge::EstimatedWait => "What somebody who entered now would have to expect; absent when it is not known.",
            Gauge::Level => "The service level, by its formula; absent when nobody counts.",
            Gauge::Agents => "Agents of a queue, by what they are doing.",
            Gauge::AgentSeconds => "How long agents were in each state.",
        }
    }

    fn description(self) -> Desc {
        let labels: &[&str] = match self {
            Gauge::PositionWait => &["queue", "position"],
            Gauge::Level => &["queue", "formula"],
            Gauge::Agents => &["queue", "state"],
            Gauge::AgentSeconds => &["agent", "state"],
            _ => &["queue"],
        };
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        Desc::new(self.name().into(), self.help().into(), labels, Default::default()).expect("the name is right")
    }

    fn collect(self, now: Moment, standing: &Standing) -> Vec<Metric> {
        let seconds = |since: Moment| now.since(since).as_secs_f64();
        let mut metrics = Vec::new();
        for queue in &standing.queues {
            let mut put = |label: Option<(&str, &str)>, value: f64| {
                metrics.push(gauge(("queue", &queue.name), label, value));
            };
            match self {
                Gauge::Callers => put(None, queue.callers as f64),
                Gauge::Callbacks => put(None, queue.callbacks as f64),
                Gauge::PositionWait => {
                    for (place, since) in queue.places.iter().take(POSITIONS).enumerate() {
                        put(Some(("position", &(place + 1).to_string())), seconds(*since));
                    }
                }
                Gauge::LongestWait => put(None, queue.oldest.map_or(0.0, seconds)),
                Gauge::EstimatedWait => {
                    if let Some(estimate) = queue.estimate {
                        put(None, estimate);
                    }
                }
                Gauge::Level => {
                    for (formula, level) in &queue.levels {
                        put(Some(("formula", formula)), *level);
                    }
                }
                Gauge::Agents => {
                    for (state, count) in &queue.agents {
                        put(Some(("state", state)), f64::from(*count));
                    }
                }
                Gauge::AgentSeconds => {}
            }
        }
        if let Gauge::AgentSeconds = self {
            for agent in &standing.agents {
                for (state, spent) in &agent.spent {
                    metrics.push(counter(("agent", &agent.extension), Some(("state", state)), spent.as_secs_f64()));
                }
            }
        }
        metrics
    }
}

impl Collector for Gauges {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let standing = self.stands.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let now = self.clock.now();
        Gauge::ALL
            .into_iter()
            .filter_map(|gauge| {
                let metrics = gauge.collect(now, &standing);
                if metrics.is_empty() {
                    return None; // a family without series is none
                }
                let mut family = MetricFamily::default();
                family.set_name(gauge.name().to_owned());
                family.set_help(gauge.help().to_owned());
                let counts = matches!(gauge, Gauge::AgentSeconds);
                family.set_field_type(if counts { MetricType::COUNTER } else { MetricType::GAUGE });
                family.set_metric(metrics);
                Some(family)
            })
            .collect()
    }
}

fn gauge(first: (&str, &str), second: Option<(&str, &str)>, value: f64) -> Metric {
    let mut metric = labelled(first, second);
    let mut gauge = prometheus::proto::Gauge::default();
    gauge.set_value(value);
    metric.set_gauge(gauge);
    metric
}

fn counter(first: (&str, &str), second: Option<(&str, &str)>, value: f64) -> Metric {
    let mut metric = labelled(first, second);
    let mut counter = prometheus::proto::Counter::default();
    counter.set_value(value);
    metric.set_counter(counter);
    metric
}

fn labelled(first: (&str, &str), second: Option<(&str, &str)>) -> Metric {
    let pair = |(name, value): (&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value.to_owned());
        pair
    };
    // The text format wants them in the order of names.
    let mut labels: Vec<LabelPair> = std::iter::once(first).chain(second).map(pair).collect();
    labels.sort_by(|one, other| one.name().cmp(other.name()));
    Metric::from_label(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn what_stands_is_true_at_the_scrape() {
        let clock = Clock::start();
        let mut metrics = Metrics::new(clock);
        let now = clock.now();
        metrics.stand(Standing {
            queues: vec![QueueStanding {
                name: "support".into(),
                callers: 2,
                places: vec![now; 25],
                oldest: Some(now),
                estimate: None,
                agents: vec![("ready", 0), ("talking", 3)],
                levels: vec![("abandons_against", 0.5)],
                ..QueueStanding::default()
            }],
            agents: vec![AgentStanding {
                extension: "1001".into(),
                spent: vec![("ready", Duration::ZERO), ("talking", Duration::from_secs(7))],
            }],
        });
        metrics.fold_queue(&QueueEvent::Left {
            queue: "support".into(),
            outcome: "answered",
            wait: Duration::from_secs(12),
            agent: Some("1001".into()),
            promised: Some((Duration::from_secs(60), Duration::from_secs(12))),
        });
        std::thread::sleep(Duration::from_millis(20));
        let text = metrics.exposition().text();
        for line in [
            "helpline_queue_callers_waiting{queue=\"support\"} 2",
            "helpline_queue_callbacks_waiting{queue=\"support\"} 0",
            "helpline_queue_agents{queue=\"support\",state=\"talking\"} 3",
            "helpline_queue_service_level_ratio{formula=\"abandons_against\",queue=\"support\"} 0.5",
            "helpline_agent_state_seconds_total{agent=\"1001\",state=\"talking\"} 7",
            "helpline_queue_entered_total{queue=\"support\"} 0",
            "helpline_queue_left_total{outcome=\"answered\",queue=\"support\"} 1",
            "helpline_queue_left_total{outcome=\"timed_out\",queue=\"support\"} 0",
            "helpline_queue_wait_seconds_bucket{outcome=\"answered\",queue=\"support\",le=\"15\"} 1",
            "helpline_queue_estimate_error_seconds_bucket{queue=\"support\",le=\"-60\"} 0",
            "helpline_queue_estimate_error_seconds_bucket{queue=\"support\",le=\"-30\"} 1",
            "# TYPE helpline_agent_state_seconds_total counter",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        let value = |series: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(series)).expect("it is there");
            line.trim().parse::<f64>().expect("a number")
        };
        for series in [
            "helpline_queue_position_wait_seconds{position=\"20\",queue=\"support\"}",
            "helpline_queue_longest_wait_seconds{queue=\"support\"}",
        ] {
            assert!(value(series) >= 0.02, "{series} stands still");
        }
        assert!(!text.contains("position=\"21\"") && !text.contains("estimated_wait_seconds{"), "{text}");
    }

    #[test]
    fn the_series_of_what_is_removed_go() {
        let mut metrics = Metrics::new(Clock::start());
        let stands = |queues: &[&str], agents: &[&str]| Standing {
            queues: queues
                .iter()
                .map(|name| QueueStanding {
                    name: (*name).into(),
                    places: vec![Moment::ZERO],
                    agents: vec![("ready", 1)],
                    levels: vec![("abandons_against", 0.5)],
                    estimate: Some(1.0),
                    ..QueueStanding::default()
                })
                .collect(),
            agents: agents
                .iter()
                .map(|extension| AgentStanding {
                    extension: (*extension).into(),
                    spent: vec![("ready", Duration::ZERO)],
                })
                .collect(),
        };
        let offer = |queue: &str, agent: &str| QueueEvent::OfferEnded {
            queue: queue.into(),
            agent: agent.into(),
            result: "accepted",
        };
        let handled = QueueEvent::Handled {
            queue: "sales".into(),
            agent: "1001".into(),
            talk: Duration::ZERO,
            hold: Duration::ZERO,
            wrap_up: Duration::ZERO,
        };
        metrics.stand(stands(&["support", "sales"], &["1001", "1002"]));
        for (queue, agent) in [("support", "1001"), ("support", "1002"), ("sales", "1001")] {
            metrics.fold_queue(&offer(queue, agent));
        }
        metrics.fold_queue(&handled);
        let lines = |metrics: &Metrics, word: &str| {
            metrics.exposition().text().lines().filter(|line| line.contains(&format!("\"{word}\""))).count()
        };
        let before = lines(&metrics, "support");
        assert!(lines(&metrics, "sales") > 50 && lines(&metrics, "1002") > 0, "there is something to remove");
        metrics.stand(stands(&["support"], &["1001"]));
        assert_eq!((lines(&metrics, "sales"), lines(&metrics, "1002")), (0, 0));
        assert!(lines(&metrics, "support") < before && lines(&metrics, "1001") > 0);
        // What comes late makes nothing that stays.
        metrics.fold_queue(&handled);
        metrics.fold_queue(&offer("support", "1002"));
        metrics.stand(stands(&["support"], &["1001"]));
        assert_eq!((lines(&metrics, "sales"), lines(&metrics, "1002")), (0, 0));
        // And who comes back begins at zero.
        metrics.stand(stands(&["support", "sales"], &["1001"]));
        let text = metrics.exposition().text();
        assert!(text.contains("helpline_handle_seconds_count{phase=\"talk\",queue=\"sales\"} 0"), "{text}");
    }
}
