//! What the operating system tells of a process and of the machine.

use std::fs;
use std::time::Duration;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

/// CPU time that all threads of a process have used, as the scheduler counts it.
pub fn cpu(process: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("the process runs");
    let used = tasks.filter_map(|task| {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(used.sum())
}

/// Resident memory of a process in KiB.
pub fn resident_kib(process: u32) -> u64 {
    memory(process).resident_kib
}

/// Memory of a process.
#[derive(Clone, Copy)]
pub struct Memory {
    /// All that is resident.
    pub resident_kib: u64,
    /// Of that, its own data; the rest are pages of the program and its libraries, resident once they were used.
    pub own_kib: u64,
}

/// Memory of a process.
pub fn memory(process: u32) -> Memory {
    let text = fs::read_to_string(format!("/proc/{process}/status")).expect("the process runs");
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("Linux tells it");
        line.trim().trim_end_matches("kB").trim().parse().expect("a number")
    };
    Memory { resident_kib: kib("VmRSS:"), own_kib: kib("RssAnon:") }
}

/// The processors that this process may run on.
pub fn processors() -> Vec<usize> {
    let text = fs::read_to_string("/proc/self/status").expect("Linux");
    let list = text.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("Linux tells it");
    let ranges = list.trim().split(',').map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        first.parse().expect("a number")..=last.parse::<usize>().expect("a number")
    });
    ranges.flatten().collect()
}

/// Keeps this thread, and the processes that it starts from now on, on these processors.
pub fn stay_on(processors: &[usize]) {
    let mut set = CpuSet::new();
    processors.iter().for_each(|processor| set.set(*processor).expect("it exists"));
    sched_setaffinity(Pid::from_raw(0), &set).expect("the processors are ours");
}

/// The machine, in a line.
pub fn description() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map_or("unknown", |(_, value)| value.trim())
    };
    let count = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    let meminfo = read("/proc/meminfo");
    let kib: u64 = meminfo.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0);
    format!(
        "{} (family {}, model {}), {count} processors at {} MHz, {} GiB of memory, Linux {}",
        field("model name"),
        field("cpu family"),
        field("model\t"),
        field("cpu MHz").split('.').next().unwrap_or_default(),
        kib.div_ceil(1024 * 1024),
        read("/proc/sys/kernel/osrelease").trim(),
    )
}

/// The load averages, as `/proc/loadavg` has them.
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
