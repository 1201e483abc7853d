//! HTTP by hand: what is asked of the server, and the service that it asks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// The body of the answer to a request, which is to succeed.
pub fn ask(server: SocketAddr, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(server).expect("it listens");
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned())
}

/// The value of a series of `/metrics`, or 0.
pub fn metric(text: &str, series: &str) -> f64 {
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.trim().parse().ok());
    value.unwrap_or(0.0)
}

/// Serves a small answer to every request at once, on connections that stay open: its port.
pub fn serve() -> u16 {
    const BODY: &str = r#"{"status": "sent"}"#;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let answer = |stream: TcpStream| {
        stream.set_nodelay(true).expect("set");
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|count| count > 0) {
            if line == "\r\n" {
                let length = BODY.len();
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json";
                let text = format!("{head}\r\nContent-Length: {length}\r\n\r\n{BODY}");
                if reader.get_mut().write_all(text.as_bytes()).is_err() {
                    return;
                }
            }
            line.clear();
        }
    };
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("somebody connects");
            thread::spawn(move || answer(stream));
        }
    });
    port
}
