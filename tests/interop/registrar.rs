//! Phones that register over TCP, or keep a flow of theirs open (RFC 5626), and are called there.

use std::process::Command;

use crate::house::{ADA, CALLER, Caller, House, expect_heard};
use crate::patience::patiently;
use crate::phone::ADA_IS;
use crate::ports::{MediaPorts, free_port};
use crate::server::{program, repository};
use crate::softphone::Softphone;
use crate::wave::Sound::Tone;

#[test]
fn who_registers_over_tcp_or_keeps_a_flow_open_is_called_there() {
    patiently(|| {
        for (transport, outbound) in [("tcp", false), ("udp", true), ("tcp", true)] {
            let mut house = House::with("wrap_up: 2s");
            let extra = if outbound {
                format!(";sipnat=outbound;outbound=\"sip:127.0.0.1:{};transport={transport}\"", house.server.sip_port)
            } else {
                String::new()
            };
            let ada = Softphone::agent_over(&house.server, ADA_IS, transport, &extra, ADA);
            house.server.expect_agent("1001", "ready");
            let caller = Caller::dial(&house, CALLER, "5s");
            house.expect_left("answered", 1);
            expect_heard("the caller", &caller.heard(), &[(Tone(ADA), 3.5..5.5)]);
            expect_heard("the agent", &ada.quit(), &[(Tone(CALLER), 3.5..5.5)]);
            house.server.expect_quiet();
        }
    });
}

#[test]
fn sipp_registers_over_udp_and_tcp() {
    patiently(|| {
        // SIPp's stream ends with it, and what was registered by it goes with it.
        for (mode, afterwards) in [("u1", "ready"), ("t1", "unreachable")] {
            let house = House::with("wrap_up: 2s");
            let media = MediaPorts::claim(40);
            let folder = tempfile::tempdir().expect("a folder");
            let output = Command::new(program("sipp", "sip-tester"))
                .arg("-sf")
                .arg(repository().join("tests/interop/sipp/register.xml"))
                .arg(format!("127.0.0.1:{}", house.server.sip_port))
                .args(["-s", "1001", "-au", "1001", "-ap", "secret", "-key", "phone", &free_port().to_string()])
                .args(["-t", mode, "-m", "1", "-i", "127.0.0.1", "-p", &free_port().to_string(), "-nostdin"])
                .args(["-mi", "127.0.0.1", "-mp", &media.first.to_string(), "-timeout", "30s", "-timeout_error"])
                .current_dir(folder.path())
                .output()
                .expect("sipp runs");
            let told = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{mode}: {}\n{told}\n{}", output.status, house.server.log());
            house.server.expect_metric("helpline_sip_requests_total{code=\"200\",method=\"REGISTER\"}", 1.0);
            let ready = house.server.metric("helpline_agent_state_seconds_total{agent=\"1001\",state=\"ready\"}");
            assert!(ready > 0.0, "{mode}: the agent was never ready; {}", house.server.log());
            house.server.expect_agent("1001", afterwards);
        }
    });
}
