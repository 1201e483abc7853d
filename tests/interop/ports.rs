//! Ports of a program's own: whoever runs beside it, in this test or in another, gets others.

use std::net::{TcpListener, UdpSocket};
use std::sync::{Mutex, PoisonError};

/// RTP lies below the ports that the system gives to whoever asks for any.
const FIRST: u16 = 10_000;
const LAST: u16 = 31_999;
/// Ports are claimed by so many.
const BLOCK: u16 = 100;

/// Ports for a program's RTP, until this is dropped.
pub struct MediaPorts {
    pub first: u16,
    pub last: u16,
    /// RTP is UDP, so that the same numbers of TCP can say who has them: to other processes too, and not for longer than
    /// this one lives.
    _claims: Vec<TcpListener>,
}

impl MediaPorts {
    /// `count` ports in a row, from an even one on.
    pub fn claim(count: u16) -> MediaPorts {
        let blocks = count.div_ceil(BLOCK);
        // Everyone begins elsewhere, so that what a program has only just let go is not taken at once.
        let begins = (FIRST..=LAST - blocks * BLOCK + 1).step_by(usize::from(BLOCK));
        let turn = std::process::id() as usize * 7 % begins.len();
        let (before, after): (Vec<_>, Vec<_>) = begins.enumerate().partition(|(place, _)| *place < turn);
        after
            .into_iter()
            .chain(before)
            .find_map(|(_, first)| {
                let claims = (0..blocks).map(|block| TcpListener::bind(("127.0.0.1", first + block * BLOCK)));
                let claims = claims.collect::<Result<Vec<_>, _>>().ok()?;
                let free = (first..first + count).all(|port| UdpSocket::bind(("127.0.0.1", port)).is_ok());
                free.then(|| MediaPorts { first, last: first + count - 1, _claims: claims })
            })
            .expect("there are ports for RTP left")
    }
}

/// A port that is free for UDP and TCP on 127.0.0.1, and nobody else is given while this process lives.
pub fn free_port() -> u16 {
    static HELD: Mutex<(Vec<MediaPorts>, u16)> = Mutex::new((Vec::new(), 0));
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let (blocks, next) = &mut *held;
        match blocks.last() {
            // The first one of a block is what claims it; a phone takes the one above its own for TLS, so the last one,
            // above which another's block begins, is nobody's.
            Some(block) if *next < block.last => {}
            _ => {
                blocks.push(MediaPorts::claim(BLOCK));
                *next = blocks.last().expect("just pushed").first + 1;
            }
        }
        let port = *next;
        *next += 2;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

#[test]
fn the_port_above_is_free_too() {
    for _ in 0..120 {
        let port = free_port();
        assert!(TcpListener::bind(("127.0.0.1", port + 1)).is_ok(), "{} is taken", port + 1);
    }
}

#[test]
fn nobody_gets_what_another_has() {
    let mine = MediaPorts::claim(250);
    let yours = MediaPorts::claim(40);
    assert!(yours.first > mine.last || yours.last < mine.first, "{} in {}", yours.first, mine.first);
    assert_eq!((mine.first % 2, mine.last - mine.first), (0, 249));
}
