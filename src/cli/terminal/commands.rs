//! What somebody at the terminal can do beside pressing keys: the clock, agents, queues and hours are theirs.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::{Misunderstood, Telephone};
use crate::cli::hours::time_meant;
use crate::flow::call_test::{Change, Stub};
use crate::flow::document::call_tests::{HABIT_EXAMPLES, TELEPHONE_EXAMPLES, habits, telephone_habits};
use crate::flow::document::diagnostic::listed;
use crate::flow::document::scalar;
use crate::flow::{LookupAnswer, LookupFailure, QueueIndex, StepIndex};
use crate::rehearsal::Standing;

/// The longest time that can be jumped over: a day would be a hundred thousand reminders.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);
/// The most callers who can wait before this one.
const MOST_AHEAD: u32 = 1_000;

/// What the lines mean.
const HELP: &str = "  12#                  press these keys, one after another
  (empty line)         wait until something happens
  :wait 3m             wait that long
  :time mon 18:05      set the clock: a day, a date or nothing, and a time
  :agents 0            so many agents work; everybody does at first
  :agent 1001 busy for 6m
                       what an agent does: ready, ready after 90s, busy for 6m, logged out, paused, unreachable,
                       answers after 3s, misses calls, refuses calls, talks for 2m
  :telephone +442079460000 busy
                       what a telephone does to which a step passes you on: busy, unreachable, misses calls, answers after 3s,
                       talks for 2m
  :ahead 3             so many callers wait in every queue, before you
  :waiting support 3   so many callers wait in one queue
  :hours office closed hours are open or closed until the day ends, or `as written`
  :lookup orders {\"status\": \"sent\"}
                       what the web service of this connector answers from now on; also `not_found` or `failed`
  :answer, :refuse     whose telephone rings for you picks up, or refuses
  :part                whoever talks to you hangs up
  :pickup              you pick up when you are called back
  :where               where you are, and what was keyed and set
  :language es         the language in which the next call speaks
  :call 1000           hang up and call again, this number or the same
  :record              what you did in this call, as a call test to paste into a flow file
  :hangup              hang up
  :quit                hang up and leave
  :help                this list
";

impl Telephone<'_> {
    pub(super) fn command(&mut self, command: &str) -> Result<(), Misunderstood> {
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let rest = rest.trim();
        match name {
            "wait" => self.wait_for(rest)?,
            "time" => self.set_clock(rest)?,
            "hangup" | "quit" | "q" => self.hang_up(),
            "help" => self.printed.push_str(HELP),
            "agents" => self.agents(rest)?,
            "agent" => self.agent(rest)?,
            "telephone" => self.telephone(rest)?,
            "ahead" => self.ahead(rest)?,
            "waiting" => self.waiting(rest)?,
            "hours" => self.hours(rest)?,
            "lookup" => self.lookup(rest)?,
            "answer" | "refuse" => self.let_agent(name == "answer")?,
            "part" => self.part()?,
            "pickup" => self.pick_up()?,
            "where" => self.tell_where(),
            "language" => self.language(rest)?,
            "call" => self.call_again(rest),
            "record" => {
                let written = self.notebook.written();
                self.printed.push_str(&written);
            }
            other => return Err(Misunderstood::Command(other.to_owned())),
        }
        Ok(())
    }

    fn wait_for(&mut self, rest: &str) -> Result<(), Misunderstood> {
        let length: SignedDuration = rest.parse().map_err(|_| Misunderstood::Wait(rest.to_owned()))?;
        let fits = length.is_positive() && length <= LONGEST_WAIT;
        let length = Duration::try_from(length).ok().filter(|_| fits);
        let length = length.ok_or_else(|| Misunderstood::Wait(rest.to_owned()))?;
        self.notebook.wait(&scalar::written_duration(length));
        self.pass(length);
        self.listen();
        Ok(())
    }

    fn set_clock(&mut self, rest: &str) -> Result<(), Misunderstood> {
        let time = time_meant(&self.clock(), rest).ok_or_else(|| Misunderstood::Time(rest.to_owned()))?;
        self.stage.set_clock(time.timestamp());
        let told = self.clock().strftime("It is %A, %-d %B %Y, %H:%M.").to_string();
        self.notebook
            .remark(&format!("The clock was set here: {}. Write that as `at`.", time.strftime("%Y-%m-%d %H:%M")));
        self.aside(&told);
        Ok(())
    }

    fn agents(&mut self, rest: &str) -> Result<(), Misunderstood> {
        let count = self.stage.set_agents(number(rest)?.try_into().unwrap_or(usize::MAX));
        let agents = self.house.flows().agents.iter().enumerate();
        let entries: Vec<String> = agents
            .map(|(place, agent)| {
                format!("{}: {}", agent.extension, if place < count { "ready" } else { "logged out" })
            })
            .collect();
        if !entries.is_empty() {
            self.notebook.change(format!("agents: {{{}}}", entries.join("; ")));
        }
        self.aside(&format!("{count} {} at work.", if count == 1 { "agent is" } else { "agents are" }));
        self.transcribe();
        Ok(())
    }

    fn agent(&mut self, rest: &str) -> Result<(), Misunderstood> {
        let (extension, phrase) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let agents = &self.house.flows().agents;
        let Some(agent) = agents.iter().find(|agent| *agent.extension == *extension) else {
            return Err(unknown("agent", extension, agents.iter().map(|agent| &*agent.extension)));
        };
        let habits =
            habits(phrase).map_err(|phrase| Misunderstood::Habit(phrase.to_owned(), listed(HABIT_EXAMPLES)))?;
        let (extension, name) = (agent.extension.clone(), agent.name.clone());
        let written = if phrase.contains(',') { format!("[{phrase}]") } else { phrase.to_owned() };
        self.notebook.change(format!("agents: {{{extension}: {written}}}"));
        self.stage.change(&Change::Agent(Some(extension), habits));
        self.aside(&format!("{name}: {phrase}."));
        self.transcribe();
        Ok(())
    }

    fn telephone(&mut self, rest: &str) -> Result<(), Misunderstood> {
        let (name, phrase) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let flows = self.house.flows();
        let Some(called) = flows.telephones().find(|called| ***called == *name).cloned() else {
            return Err(unknown("telephone", name, flows.telephones().map(|called| &**called)));
        };
        let habits = telephone_habits(phrase)
            .map_err(|phrase| Misunderstood::TelephoneHabit(phrase.to_owned(), listed(TELEPHONE_EXAMPLES)))?;
        let written = if phrase.contains(',') { format!("[{phrase}]") } else { phrase.to_owned() };
        self.notebook.change(format!("telephones: {{\"{name}\": {written}}}"));
        self.stage.change(&Change::Telephone(called, habits));
        self.aside(&format!("{name}: {phrase}."));
        self.transcribe();
        Ok(())
    }

    fn ahead(&mut self, rest: &str) -> Result<(), Misunderstood> {
        let count = number(rest)?;
        for (queue, index) in self.house.flows().queues.iter().zip(0_u16..) {
            self.notebook.change(format!("waiting: {{{}: {count}}}", queue.name));
            self.stage.wait_in(QueueIndex(index), count);
        }
        self.aside(&format!(
            "{count} more {} in every queue.",
            if count == 1 { "caller waits" } else { "callers wait" }
        ));
        self.transcribe();
        Ok(())
    }

    fn waiting(&mut self, rest: &str) -> Result<(), Misunderstood> {
        let (name, count) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let queues = &self.house.flows().queues;
        let Some(place) = queues.iter().position(|queue| &*queue.name == name) else {
            return Err(unknown("queue", name, queues.iter().map(|queue| &*queue.name)));
        };
        let count = number(count.trim())?;
        self.notebook.change(format!("waiting: {{{name}: {count}}}"));
        self.stage.wait_in(QueueIndex(u16::try_from(place).unwrap_or(u16::MAX)), count);
        let verb = if count == 1 { "caller waits" } else { "callers wait" };
        self.aside(&format!("{count} more {verb} in the queue {name}."));
        self.transcribe();
        Ok(())
    }

    fn hours(&mut self, rest: &str) -> Result<(), Misunderstood> {
        let (name, state) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let Some(hours) = self.house.flows().find_hours(name) else {
            return Err(unknown("hours", name, self.house.flows().hours.iter().map(|hours| &*hours.name)));
        };
        let open = match state.trim() {
            "open" => Some(true),
            "closed" => Some(false),
            "as written" => None,
            other => return Err(unknown("state of hours", other, ["open", "closed", "as written"].into_iter())),
        };
        self.notebook.change(format!("hours: {{{name}: {}}}", state.trim()));
        self.stage.change(&Change::Hours(hours.name.clone(), open));
        self.aside(&format!("The hours {name} are {}.", state.trim()));
        self.transcribe();
        Ok(())
    }

    fn lookup(&mut self, rest: &str) -> Result<(), Misunderstood> {
        let (name, answer) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let connectors = &self.house.flows().connectors;
        let Some(connector) = connectors.iter().find(|connector| &*connector.name == name) else {
            let known = listed(connectors.iter().map(|connector| &*connector.name)).replace(" or ", " and ");
            let known = if known.is_empty() { "there is none".to_owned() } else { format!("there are {known}") };
            return Err(Misunderstood::Lookup(format!("no connector is called `{name}`: {known}")));
        };
        let written = answer.trim();
        let answer = match written {
            "not_found" => LookupAnswer::NotFound,
            "failed" => LookupAnswer::Failed(LookupFailure::Unreachable),
            body => connector.read_answer(body, &self.call.zone).map_err(|why| {
                let example = connector.example_answer();
                Misunderstood::Lookup(format!("{name} cannot answer that: {why}; write {example}, not_found or failed"))
            })?,
        };
        self.aside(&format!("{name} answers from now on: {}.", answer.label()));
        self.notebook.change(format!("lookups: {{{name}: {written}}}"));
        let stub = Stub { connector: connector.name.clone(), path: None, answer, after: Duration::ZERO };
        self.stage.change(&Change::Lookup(stub));
        self.transcribe();
        self.stage.settle();
        self.transcribe();
        self.listen();
        Ok(())
    }

    fn let_agent(&mut self, answer: bool) -> Result<(), Misunderstood> {
        let Some(agent) = self.stage.ringing_agent() else {
            return Err(Misunderstood::Impossible("no agent's telephone rings for you"));
        };
        self.notebook.act(if answer { "agent answers" } else { "agent refuses" });
        self.stage.let_agent(&agent, answer);
        self.transcribe();
        self.listen();
        Ok(())
    }

    fn part(&mut self) -> Result<(), Misunderstood> {
        let Standing::Talking(agent, _) = self.stage.standing().clone() else {
            return Err(Misunderstood::Impossible("you talk to nobody"));
        };
        self.notebook.act("agent hangs up");
        self.stage.let_agent_hang_up(&agent);
        self.transcribe();
        self.listen();
        Ok(())
    }

    fn pick_up(&mut self) -> Result<(), Misunderstood> {
        if !self.stage.pick_up() {
            return Err(Misunderstood::Impossible("your telephone does not ring"));
        }
        self.transcribe();
        self.listen();
        Ok(())
    }

    fn tell_where(&mut self) {
        let mut text = String::new();
        match self.stage.step() {
            Some(step) => drop(writeln!(text, "  step      {}/{}", step.flow, step.step)),
            None => text.push_str("  step      none\n"),
        }
        match self.stage.standing() {
            Standing::None => {}
            Standing::Waiting(place) => {
                let _ = writeln!(text, "  waiting   in {}, number {} in line", place.queue, place.position);
                if !place.skills.is_empty() {
                    let _ = writeln!(text, "  skills    {}", place.skills.join(", "));
                }
                let _ = writeln!(text, "  priority  {}", place.priority);
            }
            Standing::Talking(agent, _) => {
                let _ = writeln!(text, "  talking   to {} ({agent})", self.stage.agent_name(agent));
            }
        }
        if let Some(session) = self.stage.session() {
            let _ = writeln!(text, "  language  {}", session.language());
            for (name, value) in session.values() {
                let _ = writeln!(text, "  {name:<9} {value}");
            }
        }
        let _ = writeln!(text, "  clock     {}", self.clock().strftime("%A, %-d %B %Y, %H:%M:%S"));
        self.printed.push_str(&text);
    }

    fn language(&mut self, rest: &str) -> Result<(), Misunderstood> {
        let flows = Arc::clone(self.house.flows());
        let Some(entry) = flows.for_number(&self.call.dialled) else {
            return Err(Misunderstood::Impossible("no flow answers this number"));
        };
        let languages = &flows.flow(entry).languages;
        let Some(language) = languages.iter().find(|language| &***language == rest) else {
            return Err(unknown("language", rest, languages.iter().map(|language| &**language)));
        };
        self.stage.speak(entry, language, None::<StepIndex>);
        self.notebook.language(language);
        self.aside(&format!("The next call speaks {language}: type :call."));
        Ok(())
    }

    fn call_again(&mut self, rest: &str) {
        self.hang_up();
        if !rest.is_empty() {
            rest.clone_into(&mut self.call.dialled);
        }
        self.call();
    }
}

fn unknown<'n>(what: &'static str, name: &str, known: impl Iterator<Item = &'n str>) -> Misunderstood {
    let known = listed(known).replace(" or ", " and ");
    let known = if known.is_empty() { "none".to_owned() } else { known };
    Misunderstood::Name { what, name: name.to_owned(), known }
}

fn number(text: &str) -> Result<u32, Misunderstood> {
    let number = text.parse().ok().filter(|number| *number <= MOST_AHEAD);
    number.ok_or_else(|| Misunderstood::Number(text.to_owned()))
}
