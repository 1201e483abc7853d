//! What `deploy/` and `docker-compose.yml` promise: Prometheus takes our configuration and our figures, every query of the
//! dashboard and every alert means something to it, and the composition is one.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use helpline::telephony::Codec;
use serde_json::Value;

use crate::house::{ADA, CALLER, Caller, House};
use crate::ports::free_port;
use crate::server::{Running, program, repository};
use crate::softphone::{Answering, Softphone};

/// Panels that may stand empty: their figures are absent where nothing is known or nobody counts.
const MAY_BE_EMPTY: [&str; 2] = ["Estimated wait of who comes now", "Promised and real wait: error"];

fn promtool(arguments: &[&str], folder: &Path, input: &str) -> Output {
    let mut child = Command::new(program("promtool", "prometheus"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("promtool reads");
    child.wait_with_output().expect("promtool ends")
}

fn check_promtool(arguments: &[&str], folder: &Path, input: &str) {
    let output = promtool(arguments, folder, input);
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "promtool {arguments:?}:\n{}", String::from_utf8_lossy(&told));
}

/// Our configuration of Prometheus with another target, token file and pace; all else as it is shipped.
fn prometheus_folder(target: &str, token: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let shipped = repository().join("deploy/prometheus");
    for file in ["alerts.yml", "alerts.test.yml"] {
        fs::copy(shipped.join(file), folder.path().join(file)).expect("it is copied");
    }
    let token_file = folder.path().join("token");
    fs::write(&token_file, token.unwrap_or("none")).expect("it is written");
    let shipped = fs::read_to_string(shipped.join("prometheus.yml")).expect("it is there");
    let replaced = [
        ("helpline:8080", target),
        ("/tmp/helpline-token", token_file.to_str().expect("a path")),
        ("scrape_interval: 5s", "scrape_interval: 1s"),
        ("evaluation_interval: 15s", "evaluation_interval: 1s"),
    ];
    let configuration = replaced.into_iter().fold(shipped, |text, (from, to)| {
        assert!(text.contains(from), "prometheus.yml has no {from}");
        text.replace(from, to)
    });
    fs::write(folder.path().join("prometheus.yml"), configuration).expect("it is written");
    folder
}

#[test]
fn prometheus_takes_the_configuration_and_the_alerts() {
    let folder = prometheus_folder("127.0.0.1:1", None);
    check_promtool(&["check", "config", "prometheus.yml"], folder.path(), "");
    check_promtool(&["check", "rules", "alerts.yml"], folder.path(), "");
    check_promtool(&["test", "rules", "alerts.test.yml"], folder.path(), "");
    // Every alert has a test.
    let (rules, tests) = (read("deploy/prometheus/alerts.yml"), read("deploy/prometheus/alerts.test.yml"));
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(tests.contains(&format!("alertname: {alert}\n")), "{alert} has no test");
    }
}

#[test]
fn the_composition_is_one() {
    let output = Command::new(program("docker-compose", "docker-compose"))
        .args(["-f", "docker-compose.yml", "config", "--quiet"])
        .current_dir(repository())
        .env("HELPLINE_TOKEN", "secret")
        .output()
        .expect("docker-compose starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let without = Command::new(program("docker-compose", "docker-compose"))
        .args(["-f", "docker-compose.yml", "config", "--quiet"])
        .current_dir(repository())
        .env_remove("HELPLINE_TOKEN")
        .env("COMPOSE_ENV_FILES", "/dev/null")
        .output()
        .expect("docker-compose starts");
    let told = String::from_utf8_lossy(&without.stderr).into_owned();
    assert!(!without.status.success() && told.contains("HELPLINE_TOKEN"), "it starts without a token: {told}");
    // What it and the Dockerfile take from the repository is there.
    let (compose, dockerfile) = (read("docker-compose.yml"), read("Dockerfile"));
    let mounts = compose.lines().filter_map(|line| line.trim().strip_prefix("- ./")?.split(':').next());
    let copies = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")?.split(' ').next());
    let taken: Vec<&str> = mounts.chain(copies.filter(|source| !source.starts_with("--"))).collect();
    assert!(taken.len() >= 8, "{taken:?}");
    for path in taken {
        assert!(repository().join(path).exists(), "there is no {path}");
    }
}

/// The container's own settings are good, and the ports that it publishes are those that it uses.
#[test]
fn the_containers_settings_are_good() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = read("deploy/helpline.yaml").replace("/data", folder.path().to_str().expect("a path"));
    let (flows, prompts) = (repository().join("flows"), repository().join("prompts"));
    let settings = format!("{settings}flows: {}\nprompts: {}\n", flows.display(), prompts.display());
    let file = folder.path().join("helpline.yaml");
    fs::write(&file, &settings).expect("it is written");
    let output = Command::new(env!("CARGO_BIN_EXE_helpline"))
        .args(["check", "--config"])
        .arg(&file)
        .env("HELPLINE_TOKEN", "secret")
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let ports = settings.lines().find_map(|line| line.trim().strip_prefix("ports: ")).expect("a range of ports");
    let ports = ports.split(' ').next().expect("a range");
    assert!(read("docker-compose.yml").contains(&format!("\"{ports}:{ports}/udp\"")), "{ports} are not published");
    assert!(read("Dockerfile").contains(&format!("{ports}/udp")), "{ports} are not exposed");
}

#[test]
fn the_dashboard_is_sound() {
    for path in dashboards() {
        let dashboard = json(&path);
        let panels = dashboard["panels"].as_array().expect("panels");
        let ids: BTreeSet<i64> = panels.iter().map(|panel| panel["id"].as_i64().expect("an id")).collect();
        assert_eq!(ids.len(), panels.len(), "two panels of {} share an id", path.display());
        let mut taken: BTreeSet<(i64, i64)> = BTreeSet::new();
        for panel in panels {
            let title = panel["title"].as_str().expect("a title");
            let place = |key: &str| panel["gridPos"][key].as_i64().unwrap_or_else(|| panic!("{title} has no {key}"));
            let (x, y, w, h) = (place("x"), place("y"), place("w"), place("h"));
            assert!(x >= 0 && w > 0 && h > 0 && x + w <= 24, "{title} is out of the grid");
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(taken.insert(cell), "{title} lies over another panel");
            }
            assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title} has no unit");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title} has a data source of its own");
            let targets = panel["targets"].as_array().expect("queries");
            assert!(!targets.is_empty(), "{title} asks nothing");
            for target in targets {
                let expression = target["expr"].as_str().expect("a query");
                let shown = format!("{title} {}", target["legendFormat"].as_str().expect("a legend"));
                // No service level without the label of its formula.
                let level = expression.contains("service_level");
                assert_eq!(level, ["abandons_", "{{formula}}"].iter().any(|name| shown.contains(name)), "{title}");
            }
        }
        let variables: Vec<&str> = dashboard["templating"]["list"]
            .as_array()
            .expect("variables")
            .iter()
            .map(|variable| variable["name"].as_str().expect("a name"))
            .collect();
        assert_eq!(variables, ["datasource", "queue", "outcome"]);
    }
    // The data source that is provisioned is the one that is asked for.
    assert!(read("deploy/grafana/provisioning/datasources/prometheus.yaml").contains("uid: prometheus\n"));
}

#[test]
fn every_query_is_answered() {
    let house = House::with("wrap_up: 2s, survey: how_was_it");
    let server = &house.server;
    let folder = tempfile::tempdir().expect("a folder");
    check_promtool(&["check", "metrics"], folder.path(), &server.body("/metrics"));
    let prometheus_folder = prometheus_folder(&server.http_address(), None);
    let port = free_port();
    let _prometheus = Running(
        Command::new(program("prometheus", "prometheus"))
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(prometheus_folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Prometheus starts"),
    );
    // One is answered, one gives up, and one waits still.
    let ada = Softphone::agent(server, ("1001", "secret"), Codec::Pcmu, ADA, Answering::Auto);
    server.expect_agent("1001", "ready");
    Caller::dial(&house, CALLER, "3s").heard();
    house.expect_left("answered", 1);
    ada.quit();
    server.expect_metric("helpline_queue_agents{queue=\"support\",state=\"ready\"}", 0.0);
    Caller::dial(&house, CALLER, "7s").heard();
    house.expect_left("abandoned", 1);
    let _waits = Caller::dial(&house, CALLER, "120s");
    house.expect_waiting(1);
    check_promtool(&["check", "metrics"], folder.path(), &server.body("/metrics"));
    expect_scrapes(port);
    for path in dashboards() {
        let dashboard = json(&path);
        for panel in dashboard["panels"].as_array().expect("panels") {
            check_panel(port, panel);
        }
    }
    let rules = asked(port, "rules", "");
    let rules = rules["data"]["groups"][0]["rules"].as_array().expect("rules").clone();
    assert_eq!(rules.len(), read("deploy/prometheus/alerts.yml").matches("- alert:").count());
    assert!(rules.iter().all(|rule| rule["health"] != "err"), "{rules:?}");
}

/// A few scrapes have come, the waiting caller's among them.
fn expect_scrapes(port: u16) {
    for _ in 0..300 {
        let waiting = "helpline_queue_position_wait_seconds{position=\"1\"} > 3 and on (queue) helpline_queue_left_total{outcome=\"answered\"} == 1";
        if query(port, waiting).is_ok_and(|series| series > 0) {
            return;
        }
        sleep(Duration::from_millis(200));
    }
    panic!("Prometheus does not see the waiting caller");
}

fn check_panel(port: u16, panel: &Value) {
    let title = panel["title"].as_str().expect("a title");
    let mut series = 0;
    for target in panel["targets"].as_array().expect("queries") {
        let expression = target["expr"].as_str().expect("a query");
        let expression = expression
            .replace("$__rate_interval", "20s")
            .replace("$queue", ".*")
            .replace("$outcome", ".*")
            .replace("[1h]", "[30s]")
            .replace("[15m]", "[30s]")
            .replace("[5m]", "[30s]");
        assert!(!expression.contains('$'), "{title}: {expression} has a variable that is not known");
        series += query(port, &expression).unwrap_or_else(|wrong| panic!("{title}: {wrong} in {expression}"));
    }
    assert!(series > 0 || MAY_BE_EMPTY.contains(&title), "{title} shows nothing");
}

/// How many series answer.
fn query(port: u16, expression: &str) -> Result<usize, String> {
    let answer = asked(port, "query", expression);
    match answer["data"]["result"].as_array() {
        Some(result) if answer["status"] == "success" => Ok(result.len()),
        _ => Err(answer["error"].as_str().unwrap_or("no answer").to_owned()),
    }
}

/// What Prometheus says; null when it does not.
fn asked(port: u16, what: &str, expression: &str) -> Value {
    let body: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let body = if body.is_empty() { body } else { format!("query={body}") };
    let method = if body.is_empty() { "GET" } else { "POST" };
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        write!(
            stream,
            "{method} /api/v1/{what} HTTP/1.0\r\nHost: localhost\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = ask().unwrap_or_default();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).unwrap_or(Value::Null)
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|wrong| panic!("{path}: {wrong}"))
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("it is there");
    serde_json::from_str(&text).unwrap_or_else(|wrong| panic!("{}: {wrong}", path.display()))
}

fn dashboards() -> Vec<PathBuf> {
    let folder = repository().join("deploy/grafana/dashboards");
    let files = fs::read_dir(folder).expect("there are dashboards");
    let files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    assert!(!files.is_empty());
    files
}
