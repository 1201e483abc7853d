//! What the commands ask of the server that runs with the same installation file, over HTTP.

use std::io::{self, Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::config::HttpSettings;

/// A server on this machine answers at once, or does not run.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// But what it has to read first may be on a slow disk.
const READING_MAX: Duration = Duration::from_secs(120);
/// No answer is longer than this, in octets.
const ANSWER_LENGTH_MAX: u64 = 64 * 1024 * 1024;

/// Why the running server was not heard.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unheard {
    #[error("no server answers at http://{0} (start it with `helpline serve`, or name its file with `--config`)")]
    NotRunning(SocketAddr),
    #[error("the server at http://{0} wants another `token` than `http.token` gives it")]
    Token(SocketAddr),
    #[error("what answers at http://{0} is no Helpline of this version")]
    Stranger(SocketAddr),
}

/// What the server that runs with these settings says of `path`.
///
/// # Errors
/// Nobody answers, or not with that.
pub(super) fn ask(http: &HttpSettings, path: &str) -> Result<Value, Unheard> {
    match exchange(http, "GET", path, None, ANSWER_MAX)? {
        (200, body) => Ok(body),
        _ => Err(Unheard::Stranger(reached(http))),
    }
}

/// Wants something done by the server that runs with these settings: the status of its answer, and what it says.
///
/// # Errors
/// Nobody answers, or not as a Helpline does.
pub(super) fn post(http: &HttpSettings, path: &str, body: &Value) -> Result<(u16, Value), Unheard> {
    exchange(http, "POST", path, Some(body), READING_MAX)
}

/// Where it is reached.
fn reached(http: &HttpSettings) -> SocketAddr {
    let mut address = http.listen;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { [127, 0, 0, 1].into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    address
}

fn exchange(
    http: &HttpSettings,
    method: &str,
    path: &str,
    body: Option<&Value>,
    patience: Duration,
) -> Result<(u16, Value), Unheard> {
    let address = reached(http);
    let token = http.token.as_ref().map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
    let body = body.filter(|body| !body.is_null()).map_or(String::new(), Value::to_string);
    let described = match body.len() {
        0 => String::new(),
        length => format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"),
    };
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n{token}{described}Connection: close\r\n\r\n{body}");
    let answer = answered(address, &request, patience).map_err(|_| Unheard::NotRunning(address))?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(Unheard::Stranger(address))?;
    match head.split(' ').nth(1).and_then(|status| status.parse().ok()) {
        Some(401) => Err(Unheard::Token(address)),
        Some(status) => Ok((status, serde_json::from_str(body).map_err(|_| Unheard::Stranger(address))?)),
        None => Err(Unheard::Stranger(address)),
    }
}

/// What answers at `address` to a request for `path`, head and all.
///
/// # Errors
/// Nobody answers.
pub(super) fn fetched(address: SocketAddr, token: Option<&str>, path: &str) -> io::Result<Vec<u8>> {
    let token = token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{token}Connection: close\r\n\r\n");
    answered(address, &request, ANSWER_MAX)
}

fn answered(address: SocketAddr, request: &str, patience: Duration) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_MAX)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(ANSWER_MAX))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_LENGTH_MAX).read_to_end(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use serde_json::json;

    use super::*;

    /// What is made of one answer of something that listens.
    fn asked(answer: &'static str) -> Result<Value, Unheard> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let listen = listener.local_addr().expect("an address");
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody asks");
            let mut request = [0; 1024];
            let length = stream.read(&mut request).expect("it can be read");
            stream.write_all(answer.as_bytes()).expect("it can be answered");
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let http = HttpSettings { listen, advertise: None, token: Some("s3cret".to_owned()) };
        let result = ask(&http, "/api/v1/agents");
        assert!(server.join().expect("it ends").contains("Authorization: Bearer s3cret\r\n"));
        result
    }

    #[test]
    fn whoever_answers_is_understood_or_told() {
        assert_eq!(asked("HTTP/1.1 200 OK\r\n\r\n{\"items\": []}").expect("it is right"), json!({"items": []}));
        let why = |answer| asked(answer).expect_err("it is wrong").to_string();
        assert!(why("HTTP/1.1 401 Unauthorized\r\n\r\n").contains("token"));
        assert!(why("HTTP/1.1 200 OK\r\n\r\n<html>").contains("no Helpline"));
        assert!(why("SSH-2.0\r\n").contains("no Helpline"));
        let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let http = HttpSettings { listen: nobody, advertise: None, token: None };
        assert!(ask(&http, "/").expect_err("nobody listens").to_string().contains("helpline serve"));
    }
}
