//! SIPp as the caller: every scenario of `sipp/`, over UDP and TCP, with and without losses.

use std::process::Command;

use crate::patience::patiently;
use crate::ports::{MediaPorts, free_port};
use crate::server::{Server, program, repository};

/// Runs `calls` calls of a scenario at `rate` a second and fails with SIPp's own words when one went wrong.
pub fn run(server: &Server, scenario: &str, calls: u32, rate: u32, options: &[&str]) {
    let media = MediaPorts::claim(40);
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(program("sipp", "sip-tester"))
        .arg(format!("127.0.0.1:{}", server.sip_port))
        .arg("-sf")
        .arg(repository().join(format!("tests/interop/sipp/{scenario}.xml")))
        .args(["-s", "1000", "-i", "127.0.0.1", "-p", &free_port().to_string(), "-nostdin", "-trace_err"])
        .args(["-mi", "127.0.0.1", "-mp", &media.first.to_string(), "-error_file", "errors.txt"])
        .args(["-m", &calls.to_string(), "-r", &rate.to_string(), "-timeout", "120s", "-timeout_error"])
        .args(options)
        .current_dir(folder.path())
        .output()
        .expect("sipp runs");
    let errors = std::fs::read_to_string(folder.path().join("errors.txt")).unwrap_or_default();
    assert!(
        output.status.success(),
        "{scenario} {options:?}: {}\n{errors}\n{}\nThe server's log:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout).lines().rev().take(60).collect::<Vec<_>>().join("\n"),
        server.log()
    );
}

#[test]
fn every_scenario_succeeds_over_udp_and_tcp() {
    patiently(|| {
        let mut server = Server::start();
        for transport in ["u1", "t1"] {
            for scenario in [
                "offer",
                "no_offer",
                "hold",
                "video_line",
                "no_common_codec",
                "unknown_extension",
                "cancel",
                "reliable",
                "session_timer",
                "options",
                "unknown_method",
            ] {
                run(&server, scenario, 3, 10, &["-t", transport]);
            }
        }
        server.expect_quiet();
    });
}

#[test]
fn an_order_is_followed_by_keys_in_rtp() {
    patiently(|| {
        let mut server = Server::start();
        run(&server, "keys_rtp", 2, 1, &[]);
        server.expect_metric("helpline_flow_step_entries_total{flow=\"main\",step=\"told\"}", 2.0);
        server.expect_metric("helpline_dtmf_digits_total{source=\"rtp\"}", 18.0);
        server.expect_quiet();
    });
}

#[test]
fn an_order_is_followed_by_keys_in_info() {
    patiently(|| {
        let mut server = Server::start();
        for transport in ["u1", "t1"] {
            run(&server, "keys_info", 2, 2, &["-t", transport]);
        }
        server.expect_metric("helpline_flow_step_entries_total{flow=\"main\",step=\"told\"}", 4.0);
        server.expect_metric("helpline_dtmf_digits_total{source=\"info\"}", 36.0);
        server.expect_quiet();
    });
}

#[test]
fn losses_are_made_good_by_retransmission() {
    patiently(|| {
        let mut server = Server::start();
        // SIPp throws away a tenth of what it sends and of what it receives.
        run(&server, "offer", 100, 20, &["-lost", "10"]);
        server.expect_quiet();
    });
}

#[test]
fn a_200_that_is_never_acknowledged_ends_in_bye() {
    patiently(|| {
        let mut server = Server::start();
        run(&server, "never_acknowledged", 1, 1, &[]);
        server.expect_quiet();
    });
}

#[test]
fn many_calls_at_once_end_as_they_should() {
    patiently(|| {
        let mut server = Server::start();
        run(&server, "offer", 200, 50, &[]);
        run(&server, "offer", 100, 50, &["-t", "t1"]);
        server.expect_quiet();
    });
}
