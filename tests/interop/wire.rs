//! A network between a phone and the server that can be cut: a NAT that passes signalling on, until it drops everything.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use helpline::telephony::Codec;

use crate::agents::ready;
use crate::house::{ADA, CALLER, Caller, House, expect_heard};
use crate::patience::patiently;
use crate::phone::ADA_IS;
use crate::pjsip::{Options, Pjsip};
use crate::ports::free_port;
use crate::wave::Sound::{Other, Tone};

/// Passes datagrams on between the one phone that sends to it and the server.
struct Wire {
    /// Where the phone sends to.
    port: u16,
    cut: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Wire {
    fn to(server: u16) -> Wire {
        let port = free_port();
        let inside = Arc::new(UdpSocket::bind(("127.0.0.1", port)).expect("the port is ours"));
        // Of another host than the phone, so that its Contact is not believed.
        let outside = Arc::new(UdpSocket::bind("127.0.0.2:0").expect("a port"));
        let (cut, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let phone: Arc<std::sync::Mutex<Option<SocketAddr>>> = Arc::default();
        let mut threads = Vec::new();
        for (from, to, outward) in [(&inside, &outside, true), (&outside, &inside, false)] {
            let (from, to, phone) = (Arc::clone(from), Arc::clone(to), Arc::clone(&phone));
            let (cut, over) = (Arc::clone(&cut), Arc::clone(&over));
            from.set_read_timeout(Some(Duration::from_millis(50))).expect("a patience");
            threads.push(thread::spawn(move || {
                let mut buffer = [0; 65_536];
                while !over.load(Ordering::Relaxed) {
                    let Ok((length, sender)) = from.recv_from(&mut buffer) else { continue };
                    if cut.load(Ordering::Relaxed) {
                        continue;
                    }
                    let mut phone = phone.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    let target = if outward {
                        *phone = Some(sender);
                        Some(SocketAddr::from(([127, 0, 0, 1], server)))
                    } else {
                        *phone
                    };
                    if let Some(target) = target {
                        let _ = to.send_to(&buffer[..length], target);
                    }
                }
            }));
        }
        Wire { port, cut, over, threads }
    }

    fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[test]
fn a_phone_whose_network_is_cut_is_offered_nothing_and_gets_its_call_when_it_is_back() {
    patiently(|| {
        let mut house = House::with("ring: 5s, wrap_up: 1s");
        let wire = Wire::to(house.server.sip_port);
        let options = Options { proxy: Some(wire.port), answers: &[180, 200], ..Options::default() };
        let ada = Pjsip::agent(&house.server, ADA_IS, Codec::Pcmu, ADA, &options);
        ready(&house, "1001");
        // Nobody is told: neither side hears anything any more.
        wire.cut(true);
        house.server.expect_agent("1001", "unreachable");
        let caller = Caller::dial(&house, CALLER, "120s");
        house.expect_waiting(1);
        sleep(Duration::from_secs(1));
        assert_eq!(house.server.metric_sum("helpline_agent_offers_total"), 0.0);
        wire.cut(false);
        house.server.expect_agent("1001", "talking");
        sleep(Duration::from_secs(2));
        let heard = caller.hang_up();
        expect_heard("the caller", &heard, &[(Other, 1.0..60.0), (Tone(ADA), 1.5..4.0)]);
        ada.quit();
        house.server.expect_quiet();
    });
}

#[test]
fn a_phone_whose_network_is_cut_while_it_rings_loses_the_caller_to_nobody() {
    patiently(|| {
        let mut house = House::with("ring: 5s, wrap_up: 1s, missed: {pause_after: never}");
        let wire = Wire::to(house.server.sip_port);
        let options = Options { proxy: Some(wire.port), answers: &[180], ..Options::default() };
        let ada = Pjsip::agent(&house.server, ADA_IS, Codec::Pcmu, ADA, &options);
        ready(&house, "1001");
        let caller = Caller::dial(&house, CALLER, "120s");
        house.server.expect_agent("1001", "ringing");
        wire.cut(true);
        house.server.expect("whether an offer was missed", || house.offers("1001", "no_answer") >= 1.0, &true);
        house.server.expect_agent("1001", "unreachable");
        house.expect_waiting(1);
        caller.hang_up();
        wire.cut(false);
        ready(&house, "1001");
        drop(ada);
        house.server.expect_quiet();
    });
}
