//! baresip as the caller: a whole call, with its recording compared with the prompts sample by sample.

use std::thread::sleep;
use std::time::Duration;

use helpline::media::{codecs, prompts};
use helpline::telephony::Codec;

use crate::patience::patiently;
use crate::server::{Server, repository};
use crate::softphone::Softphone;
use crate::wave;

/// What a caller should hear of a recording, as G.711 carries it.
fn prompt(name: &str, codec: Codec) -> Vec<i16> {
    let path = repository().join(format!("prompts/en/{name}.wav"));
    let clip = prompts::load_clip(&path).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    clip.encoded(codec).iter().map(|byte| codecs::decode(codec, *byte)).collect()
}

/// What was heard, in G.711's own values: baresip decodes the two zeros of µ-law to 2 and -2.
fn as_carried(heard: &[i16], codec: Codec) -> Vec<i16> {
    heard.iter().map(|sample| codecs::decode(codec, codecs::encode(codec, *sample))).collect()
}

/// Samples in which what a key cut off fades out, below the recording that follows: 5 ms.
const FADE: usize = 40;

/// The recordings were heard whole and in this order, sample by sample, but for what fades below the beginning
/// of `after_key`, the one that a key called for in the middle of another.
fn expect_heard(heard: &[i16], names: &[&str], after_key: &str, codec: Codec) {
    let heard = as_carried(heard, codec);
    let mut from = 0;
    for name in names {
        let played = &prompt(name, codec)[if *name == after_key { FADE } else { 0 }..];
        let (begin, same) = wave::locate(played, &heard[from..])
            .unwrap_or_else(|| panic!("{name} was not heard after {:.2} s", from as f64 / 8_000.0));
        assert!(
            same == played.len(),
            "{name} at {:.2} s: {same} of {} samples are as played",
            (from + begin) as f64 / 8_000.0,
            played.len()
        );
        from += begin + played.len();
    }
}

fn whole_call(codec: Codec, transport: &str) {
    let mut server = Server::start();
    let mut phone = Softphone::caller(codec, transport);
    phone.dial(&server, "1000", transport);
    server.expect_metric("helpline_flow_step_entries_total{flow=\"main\",step=\"main\"}", 1.0);
    // The menu's question and its first choice are heard out before the first key.
    sleep(Duration::from_millis(4_500));
    phone.press("1");
    server.expect_metric("helpline_flow_step_entries_total{flow=\"main\",step=\"order\"}", 1.0);
    sleep(Duration::from_millis(500));
    phone.press("123456#");
    // "You entered 1 2 3 4 5 6": the answer may come before the read-back is over.
    sleep(Duration::from_millis(1_000));
    phone.press("1");
    server.expect_metric("helpline_flow_step_entries_total{flow=\"main\",step=\"told\"}", 1.0);
    server.expect_metric("helpline_flow_step_entries_total{flow=\"main\",step=\"main\"}", 2.0);
    let heard = phone.hang_up(&server);
    expect_heard(
        &heard,
        &[
            "main/welcome",
            "main/main",
            "main/main.1",
            "main/told.part1",
            "phrases/digit/1",
            "phrases/digit/2",
            "phrases/digit/3",
            "phrases/digit/4",
            "phrases/digit/5",
            "phrases/digit/6",
            "main/told.part2",
        ],
        "main/told.part1",
        codec,
    );
    server.expect_metric("helpline_dtmf_digits_total{source=\"rtp\"}", 9.0);
    server.expect_quiet();
}

#[test]
fn a_whole_call_is_heard_as_it_was_recorded_in_pcmu_over_udp() {
    patiently(|| {
        whole_call(Codec::Pcmu, "udp");
    });
}

#[test]
fn a_whole_call_is_heard_as_it_was_recorded_in_pcma_over_tcp() {
    patiently(|| {
        whole_call(Codec::Pcma, "tcp");
    });
}

#[test]
fn hold_and_resume_leave_the_caller_where_they_were() {
    patiently(|| {
        let mut server = Server::start();
        let mut phone = Softphone::caller(Codec::Pcmu, "udp");
        phone.dial(&server, "1000", "udp");
        server.expect_metric("helpline_flow_step_entries_total{flow=\"main\",step=\"main\"}", 1.0);
        phone.command("hold", "");
        // Longer than the menu's patience: a caller who put us on hold is not given up.
        sleep(Duration::from_secs(12));
        assert_eq!(server.metric("helpline_flow_step_exits_total{exit=\"no_input\",flow=\"main\",step=\"main\"}"), 0.0);
        phone.command("resume", "");
        sleep(Duration::from_millis(500));
        phone.press("2");
        server.expect_metric("helpline_flow_step_entries_total{flow=\"main\",step=\"opening_hours\"}", 1.0);
        phone.hang_up(&server);
        server.expect_quiet();
    });
}
