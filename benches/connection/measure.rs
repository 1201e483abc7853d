//! The measurements, one after another: nothing else may run meanwhile.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use helpline::media::prompts::write_wav;
use tempfile::TempDir;

use super::bank::{Bank, Heard, Network, PASSWORD};
use super::machine::{self, cpu, memory, resident_kib};
use super::table::Table;

/// What there is to measure, in its order.
pub const PARTS: [&str; 4] = ["connection", "bridge", "pairs", "music"];

/// RTP ports of the server: below those that the system gives the telephones.
const RTP_PORTS: &str = "10000-32767";
/// Agents, and the extension of the first.
const AGENTS: u32 = 200;
const FIRST_AGENT: u32 = 5_001;
/// The numbers of the queue that has agents, and of the one in which everybody waits.
const SUPPORT: &str = "1000";
const WAITING: &str = "2000";
/// Connections: so many at a time, so often.
const AT_A_TIME: u32 = 15;
const ROUNDS: u32 = 10;
/// Pairs whose audio is compared, for so long.
const COMPARED: u32 = 10;
const COMPARE: Duration = Duration::from_secs(15);
/// Callers on hold music.
const ON_HOLD: u32 = 400;
/// How long CPU time is watched.
const WATCH: Duration = Duration::from_secs(20);
/// Until callers and agents have found each other and the buffers have settled.
const SETTLE: Duration = Duration::from_secs(4);

/// Measures the parts that are named, or all where none is.
pub fn parts(named: &[&str]) -> Table {
    let wanted = |part: &str| named.is_empty() || named.contains(&part);
    let mut table = Table::new("callers and agents", "connection", machine::description(), machine::load());
    let server = Server::start();
    let mut bank = Bank::new(server.address);
    say("agents register");
    bank.register(FIRST_AGENT..FIRST_AGENT + AGENTS);
    if wanted("connection") {
        connection(&mut bank, &mut table);
    }
    if wanted("bridge") {
        bridge(&mut bank, &mut table);
    }
    if wanted("pairs") {
        say("bridged pairs");
        let (percent, kib) = watched(&mut bank, &server, SUPPORT, AGENTS);
        table.row("CPU of a bridged pair, of one core", "<= 0.10 %", format!("{percent:.4} %"), percent <= 0.10);
        table.figure("memory of a bridged pair", format!("{kib:.1} KiB"));
    }
    if wanted("music") {
        say("callers on hold music");
        let (percent, kib) = watched(&mut bank, &server, WAITING, ON_HOLD);
        table.row("CPU of a caller on hold music", "<= 0.05 %", format!("{percent:.4} %"), percent <= 0.05);
        table.figure("memory of a caller on hold music", format!("{kib:.1} KiB"));
    }
    table.note(format!("The server's resident memory at the end: {} KiB.", resident_kib(server.child.id())));
    table.row("calls that failed", "0", bank.failed.to_string(), bank.failed == 0);
    table
}

/// From the agent's 200 OK to the first of the caller's audio at the agent's telephone.
fn connection(bank: &mut Bank, table: &mut Table) {
    say("connections");
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        for _ in 0..AT_A_TIME {
            bank.dial(SUPPORT);
            bank.run(Duration::from_millis(7));
        }
        bank.run(Duration::from_millis(800));
        times.extend(bank.hang_up().into_iter().filter_map(|heard| heard.first_ms));
    }
    let times = Spread::of(times);
    let all = (AT_A_TIME * ROUNDS) as usize;
    table.row("connections", "150", times.0.len().to_string(), times.0.len() == all);
    table.figure("200 OK to first caller audio p50", ms(times.at(0.5)));
    table.row("200 OK to first caller audio p99", "<= 60 ms", ms(times.at(0.99)), times.at(0.99) <= 60.0);
    table.figure("200 OK to first caller audio max", ms(times.at(1.0)));
}

/// What the bridge adds between mouth and ear, on a good network and on a bad one.
fn bridge(bank: &mut Bank, table: &mut Table) {
    say("the bridge");
    let good = compared(bank, Network::default());
    let delay = Spread::of(good.iter().flat_map(|heard| heard.delays_ms.iter().copied()).collect());
    // Ten packets at either end are not missed; more would be.
    let said = (COMPARE.as_millis() / 20 - 20) as usize * COMPARED as usize;
    table.row("packets compared", "nearly all", format!("{} of {said}", delay.0.len()), delay.0.len() >= said);
    table.row("mouth to ear, added by the bridge p50", "<= 60 ms", ms(delay.at(0.5)), delay.at(0.5) <= 60.0);
    table.row("mouth to ear, added by the bridge p99", "<= 60 ms", ms(delay.at(0.99)), delay.at(0.99) <= 60.0);
    say("the bridge behind a bad network");
    let bad = compared(bank, Network { later: Duration::from_millis(40), loss_percent: 5 });
    let delay = Spread::of(bad.iter().flat_map(|heard| heard.delays_ms.iter().copied()).collect());
    let gap = bad.iter().map(|heard| heard.gap_ms).fold(0.0, f64::max);
    table.row("with jitter and loss: delay p50", "<= 120 ms", ms(delay.at(0.5)), delay.at(0.5) <= 120.0);
    table.row("with jitter and loss: delay p99", "<= 120 ms", ms(delay.at(0.99)), delay.at(0.99) <= 120.0);
    table.row("with jitter and loss: longest audible gap", "<= 40 ms", ms(gap), gap <= 40.0);
    table.note(format!(
        "With jitter and loss every packet of the caller comes later by 0 to 40 ms (20 ms and as much to either side), \
         and 5 of 100 never; the delay is from when it was said, in {} conversations of {} s. A gap is a passage without \
         the tone that the caller says.",
        COMPARED,
        COMPARE.as_secs(),
    ));
}

fn compared(bank: &mut Bank, network: Network) -> Vec<Heard> {
    bank.travel(network);
    for _ in 0..COMPARED {
        bank.dial(SUPPORT);
        bank.run(Duration::from_millis(23));
    }
    bank.run(COMPARE);
    let heard = bank.hang_up();
    bank.travel(Network::default());
    bank.run(Duration::from_secs(1));
    heard
}

/// The server's CPU time while so many callers of a number are there, less what it takes without any, for each: % of a
/// core, and KiB of memory of its own.
fn watched(bank: &mut Bank, server: &Server, number: &str, callers: u32) -> (f64, f64) {
    let own_kib = || memory(server.child.id()).own_kib as f64;
    let before = own_kib();
    let idle = share(bank, server, Duration::from_secs(3));
    bank.exact = false;
    for _ in 0..callers {
        bank.dial(number);
        bank.run(Duration::from_millis(5));
    }
    bank.run(SETTLE);
    let there = if number == SUPPORT { bank.talking() } else { bank.answered() };
    assert_eq!(there, callers as usize, "not all callers are where they should be");
    let busy = share(bank, server, WATCH);
    let grown = own_kib() - before;
    bank.hang_up();
    bank.exact = true;
    ((busy - idle) * 100.0 / f64::from(callers), grown.max(0.0) / f64::from(callers))
}

fn share(bank: &mut Bank, server: &Server, time: Duration) -> f64 {
    let (before, began) = (cpu(server.child.id()), Instant::now());
    bank.run(time);
    (cpu(server.child.id()) - before).as_secs_f64() / began.elapsed().as_secs_f64()
}

/// Sorted figures.
struct Spread(Vec<f64>);

impl Spread {
    fn of(mut figures: Vec<f64>) -> Spread {
        figures.sort_by(f64::total_cmp);
        Spread(figures)
    }

    /// The smallest figure that this share of all is not above; infinite when there is none.
    fn at(&self, share: f64) -> f64 {
        let place = (self.0.len() as f64 * share).ceil() as usize;
        self.0.get(place.max(1) - 1).copied().unwrap_or(f64::INFINITY)
    }
}

fn ms(figure: f64) -> String {
    if figure.is_finite() { format!("{figure:.1} ms") } else { "not measured".to_owned() }
}

/// The server, ended when dropped.
struct Server {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Server {
    /// Starts `helpline serve` on a processor of its own, and waits until it answers.
    fn start() -> Server {
        let folder = TempDir::new().expect("a temporary folder");
        let (port, http) = (free_port(), free_port());
        write_files(&folder, port, http);
        let processors = machine::processors();
        // With one processor they share it; the figures then say little of times.
        let (server_on, phones_on) = match processors.as_slice() {
            [first, rest @ ..] if !rest.is_empty() => (vec![*first], rest.to_vec()),
            all => (all.to_vec(), all.to_vec()),
        };
        let log = File::create(folder.path().join("server.log")).expect("a file");
        machine::stay_on(&server_on);
        let child = Command::new(env!("CARGO_BIN_EXE_helpline"))
            .arg("serve")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("it is built");
        machine::stay_on(&phones_on);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut server = Server { child, address, _folder: folder };
        while TcpStream::connect(address).is_err() {
            if let Some(status) = server.child.try_wait().expect("it can be asked") {
                let log = fs::read_to_string(server._folder.path().join("server.log")).unwrap_or_default();
                panic!("the server ended with {status}:\n{log}");
            }
            thread::sleep(Duration::from_millis(50));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended and waited for: nothing of the bench is left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_files(folder: &TempDir, port: u16, http: u16) {
    let agents: Vec<u32> = (FIRST_AGENT..FIRST_AGENT + AGENTS).collect();
    let accounts: String = agents.iter().map(|agent| format!("  {agent}: {{password: {PASSWORD}}}\n")).collect();
    fs::create_dir_all(folder.path().join("flows")).expect("a folder");
    for (queue, number) in [("support", SUPPORT), ("waiting", WAITING)] {
        let text = format!(
            "flow: {queue}\nnumbers: [{number}]\nlanguages: [en]\nstart: line\nsteps:\n  line: {{queue: {queue}}}\n"
        );
        fs::write(folder.path().join(format!("flows/{queue}.yaml")), text).expect("written");
    }
    let queues = format!(
        "agents:\n{accounts}  9999: {{password: {PASSWORD}}}\nqueues:\n  support: {{agents: {agents:?}, wrap_up: 0s, announce: \
         {{position: off, wait: off}}}}\n  waiting: {{agents: [9999], announce: {{position: off, wait: off}}, when_full: \
         {{over: 1000}}}}\n"
    );
    fs::write(folder.path().join("flows/queues.yaml"), queues).expect("written");
    let music = folder.path().join("prompts/music/tone.wav");
    fs::create_dir_all(music.parent().expect("it has one")).expect("a folder");
    let sample = |at: usize| (std::f32::consts::TAU * 440.0 * at as f32 / 8_000.0).sin() * 4_000.0;
    write_wav(&music, &(0..480_000).map(|at| sample(at) as i16).collect::<Vec<i16>>()).expect("written");
    let config = format!(
        "helpline: 1\nsip:\n  listen: [udp://127.0.0.1:{port}, tcp://127.0.0.1:{port}]\nmedia: {{ports: {RTP_PORTS}}}\n\
         http:\n  listen: 127.0.0.1:{http}\nlimits: {{calls: 2000, calls_per_second: 5000}}\n"
    );
    fs::write(folder.path().join("helpline.yaml"), config).expect("written");
}

/// A port that is free for UDP and TCP; the system does not soon give it to anyone else.
fn free_port() -> u16 {
    loop {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = socket.local_addr().expect("bound").port();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

fn say(what: &str) {
    eprintln!("measuring: {what}");
}
