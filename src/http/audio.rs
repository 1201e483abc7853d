//! A tape over HTTP: `audio/wav`, whole or a range of it (RFC 9110 section 14), read piece by piece off the HTTP thread.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_core::Stream;
use tokio::task::{JoinHandle, spawn_blocking};

use super::problem;

/// Octets that are read at once.
const PIECE: u64 = 64 * 1024;

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    All,
    /// From the first octet to the last one, both included.
    Part(u64, u64),
    /// Nothing of it is there.
    Beyond,
}

/// Answers with the file, or with the part of it that is asked for.
pub(super) async fn serve(path: &Path, name: &str, headers: &HeaderMap) -> Response {
    let file = path.to_owned();
    let opened = spawn_blocking(move || -> io::Result<(File, u64)> {
        let file = File::open(file)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    });
    let (file, length) = match opened.await {
        Ok(Ok(opened)) => opened,
        Ok(Err(reason)) if reason.kind() == io::ErrorKind::NotFound => {
            return problem(StatusCode::NOT_FOUND, "its audio is gone");
        }
        Ok(Err(reason)) => {
            return problem(StatusCode::SERVICE_UNAVAILABLE, &format!("its audio cannot be read: {reason}"));
        }
        Err(_) => return problem(StatusCode::SERVICE_UNAVAILABLE, "its audio cannot be read"),
    };
    let tag = format!("\"{name}-{length}\"");
    let same = headers.get(header::IF_RANGE).is_none_or(|wanted| wanted.as_bytes() == tag.as_bytes());
    let range = headers.get(header::RANGE).filter(|_| same).and_then(|range| range.to_str().ok());
    let (status, first, last) = match asked(range, length) {
        Asked::Beyond => {
            let mut refused = problem(StatusCode::RANGE_NOT_SATISFIABLE, "the audio is shorter than that");
            if let Ok(value) = format!("bytes */{length}").parse() {
                refused.headers_mut().insert(header::CONTENT_RANGE, value);
            }
            return refused;
        }
        Asked::All => (StatusCode::OK, 0, length.saturating_sub(1)),
        Asked::Part(first, last) => (StatusCode::PARTIAL_CONTENT, first, last),
    };
    let octets = if length == 0 { 0 } else { last + 1 - first };
    let body = Body::from_stream(Pieces { file: Arc::new(file), next: first, end: first + octets, reading: None });
    let mut response = (
        status,
        [
            (header::CONTENT_TYPE, "audio/wav".to_owned()),
            (header::ACCEPT_RANGES, "bytes".to_owned()),
            (header::CONTENT_LENGTH, octets.to_string()),
            (header::ETAG, tag),
            (header::CACHE_CONTROL, "private, no-cache".to_owned()),
            (header::CONTENT_DISPOSITION, format!("inline; filename=\"{name}.wav\"")),
        ],
        body,
    )
        .into_response();
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(value) = format!("bytes {first}-{last}/{length}").parse()
    {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}

/// One range is given; several, or what is none, as if nothing were asked (RFC 9110 section 14.2).
fn asked(range: Option<&str>, length: u64) -> Asked {
    let Some(range) = range.and_then(|range| range.strip_prefix("bytes=")) else { return Asked::All };
    let Some((first, last)) = range.trim().split_once('-') else { return Asked::All };
    match (first.trim(), last.trim()) {
        ("", last) => match last.parse::<u64>() {
            Ok(0) => Asked::Beyond,
            Ok(_) if length == 0 => Asked::Beyond,
            Ok(count) => Asked::Part(length.saturating_sub(count), length - 1),
            Err(_) => Asked::All,
        },
        (first, last) => {
            let Ok(first) = first.parse::<u64>() else { return Asked::All };
            let last = if last.is_empty() { Ok(u64::MAX) } else { last.parse::<u64>() };
            match last {
                Ok(last) if last < first => Asked::All,
                Ok(_) if first >= length => Asked::Beyond,
                Ok(last) => Asked::Part(first, last.min(length - 1)),
                Err(_) => Asked::All,
            }
        }
    }
}

/// A file, piece by piece.
struct Pieces {
    file: Arc<File>,
    next: u64,
    end: u64,
    reading: Option<JoinHandle<io::Result<Vec<u8>>>>,
}

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.next >= self.end {
            return Poll::Ready(None);
        }
        let (file, from) = (self.file.clone(), self.next);
        let length = (self.end - from).min(PIECE) as usize;
        let reading = self.reading.get_or_insert_with(|| {
            spawn_blocking(move || {
                let mut piece = vec![0; length];
                file.read_exact_at(&mut piece, from)?;
                Ok(piece)
            })
        });
        let read = match Pin::new(reading).poll(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(read) => read.unwrap_or_else(|_| Err(io::Error::other("it was not read"))),
        };
        self.reading = None;
        match read {
            Ok(piece) => {
                self.next += piece.len() as u64;
                Poll::Ready(Some(Ok(piece.into())))
            }
            Err(reason) => {
                self.next = self.end;
                Poll::Ready(Some(Err(reason)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_rfc_9110_says() {
        for (range, expected) in [
            (None, Asked::All),
            (Some("bytes=0-499"), Asked::Part(0, 499)),
            (Some("bytes=500-"), Asked::Part(500, 999)),
            (Some("bytes=-1"), Asked::Part(999, 999)),
            (Some("bytes=-5000"), Asked::Part(0, 999)),
            (Some("bytes=990-5000"), Asked::Part(990, 999)),
            (Some("bytes=1000-"), Asked::Beyond),
            (Some("bytes=-0"), Asked::Beyond),
            (Some("bytes=5-3"), Asked::All),
            (Some("bytes=0-1,5-6"), Asked::All),
            (Some("seconds=0-1"), Asked::All),
            (Some("bytes=x"), Asked::All),
            (Some("bytes=99999999999999999999-"), Asked::All),
        ] {
            assert_eq!(asked(range, 1_000), expected, "{range:?}");
        }
        assert_eq!(asked(Some("bytes=-1"), 0), Asked::Beyond);
    }
}
