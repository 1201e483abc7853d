//! sipsak's OPTIONS, as monitoring systems send them.

use std::process::Command;

use crate::patience::patiently;
use crate::server::{Server, program};

#[test]
fn sipsak_hears_that_the_line_is_up() {
    patiently(|| {
        let mut server = Server::start();
        let output = Command::new(program("sipsak", "sipsak"))
            .args(["-vv", "-s", &format!("sip:1000@127.0.0.1:{}", server.sip_port)])
            .output()
            .expect("sipsak runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "sipsak said {}:\n{said}", output.status);
        assert!(said.contains("SIP/2.0 200"), "no 200 in:\n{said}");
        assert!(said.contains("Allow: ") && said.contains("UPDATE"), "no Allow in:\n{said}");
        server.expect_quiet();
    });
}

#[test]
fn sipsak_floods_without_harm() {
    patiently(|| {
        let mut server = Server::start();
        let output = Command::new(program("sipsak", "sipsak"))
            .args(["-F", "-e", "2000", "-s", &format!("sip:1000@127.0.0.1:{}", server.sip_port)])
            .output()
            .expect("sipsak runs");
        assert!(output.status.code().is_some(), "sipsak was killed");
        run_options(&server);
        server.expect_quiet();
    });
}

fn run_options(server: &Server) {
    let status = Command::new(program("sipsak", "sipsak"))
        .args(["-s", &format!("sip:1000@127.0.0.1:{}", server.sip_port)])
        .status()
        .expect("sipsak runs");
    assert!(status.success(), "after the flood the line no longer answers:\n{}", server.log());
}
