//! Lines of the log as text without colours: what the usual format writes, at a fraction of its cost.

use std::cell::RefCell;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// The time in UTC, the level, the spans that it happened in, what happened, and the fields.
#[derive(Clone, Copy, Debug)]
pub struct LogLine;

impl<S, N> FormatEvent<S, N> for LogLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        write_time(&mut line, SystemTime::now())?;
        line.write_str(level(*event.metadata().level()))?;
        let mut in_span = false;
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            in_span = true;
            line.write_str(span.name())?;
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>().filter(|fields| !fields.is_empty()) {
                write!(line, "{{{fields}}}")?;
            }
            line.write_char(':')?;
        }
        if in_span {
            line.write_char(' ')?;
        }
        let mut fields = Fields { line: &mut line, first: true, written: Ok(()) };
        event.record(&mut fields);
        fields.written?;
        line.write_char('\n')
    }
}

/// Five letters wide, with the blanks around it.
fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => " ERROR ",
        Level::WARN => "  WARN ",
        Level::INFO => "  INFO ",
        Level::DEBUG => " DEBUG ",
        Level::TRACE => " TRACE ",
    }
}

/// Writes the message, and the fields behind it.
struct Fields<'a, W> {
    line: &'a mut W,
    first: bool,
    written: fmt::Result,
}

impl<W: fmt::Write> Fields<'_, W> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut W) -> fmt::Result) {
        let name = match field.name() {
            "message" => None,
            name => Some(name),
        };
        let first = std::mem::replace(&mut self.first, false);
        let mut written = if first { Ok(()) } else { self.line.write_char(' ') };
        if let Some(name) = name {
            written = written.and_then(|()| self.line.write_str(name)).and_then(|()| self.line.write_char('='));
        }
        self.written = self.written.and(written).and_then(|()| value(self.line));
    }
}

impl<W: fmt::Write> Visit for Fields<'_, W> {
    fn record_str(&mut self, field: &Field, value: &str) {
        // What has nothing to be escaped is written in one piece.
        let plain = value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\');
        self.write(field, |line| {
            if !plain {
                return write!(line, "{value:?}");
            }
            line.write_char('"')?;
            line.write_str(value)?;
            line.write_char('"')
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, |line| write!(line, "{value:?}"));
    }
}

/// The second that was written last, as text: most lines are of the same one as the line before.
struct Second {
    since_1970: u64,
    text: String,
}

thread_local! {
    static SECOND: RefCell<Second> = const { RefCell::new(Second { since_1970: u64::MAX, text: String::new() }) };
}

/// `2026-01-31T09:00:00.123456Z`; what lies before 1970 is its first moment.
fn write_time(line: &mut impl fmt::Write, time: SystemTime) -> fmt::Result {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    SECOND.with_borrow_mut(|second| {
        if second.since_1970 != since.as_secs() {
            let moment = i64::try_from(since.as_secs()).ok().and_then(|secs| Timestamp::from_second(secs).ok());
            second.text = moment.unwrap_or(Timestamp::MAX).to_string();
            second.text.truncate("2026-01-31T09:00:00".len());
            second.since_1970 = since.as_secs();
        }
        line.write_str(&second.text)
    })?;
    let micros = since.subsec_micros();
    let mut text = *b".000000Z";
    let mut rest = micros;
    for figure in text[1..7].iter_mut().rev() {
        *figure += (rest % 10) as u8;
        rest /= 10;
    }
    line.write_str(std::str::from_utf8(&text).expect("figures are ASCII"))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tracing::{debug, error, info, info_span, trace, warn};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody has panicked").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn some_lines() {
        let call = "call-1";
        info!(%call, caller = %"…890", dialled = ?"10\"0\n", flow = Some("listen"), none = None::<&str>, "a call came in");
        warn!(number = 7_u64, less = -3, share = 0.25, yes = true, text = "Größe \\ \"so\" \u{1b}[31m", "a warning");
        error!("nothing else");
        trace!(only = "fields");
        let span = info_span!("outside", name = "a");
        let inside = info_span!(parent: &span, "inside");
        inside.in_scope(|| debug!(many = debug(vec![1, 2]), "within {}", 2));
    }

    /// The lines without their times.
    fn written(subscriber: impl FnOnce(Page) -> Box<dyn Subscriber + Send + Sync>) -> Vec<String> {
        let page = Page::default();
        tracing::subscriber::with_default(subscriber(page.clone()), some_lines);
        let bytes = page.0.lock().expect("nobody has panicked").clone();
        let text = String::from_utf8(bytes).expect("text");
        text.lines().map(|line| line.split_once('Z').expect("a time").1.to_owned()).collect()
    }

    #[test]
    fn a_line_is_what_the_usual_format_writes() {
        use tracing_subscriber::field::MakeExt;
        use tracing_subscriber::fmt::format::debug_fn;
        let fields = || {
            debug_fn(|writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug| match field.name() {
                "message" => write!(writer, "{value:?}"),
                name => write!(writer, "{name}={value:?}"),
            })
            .delimited(" ")
        };
        let log = || tracing_subscriber::fmt().with_max_level(Level::TRACE).with_ansi(false).with_target(false);
        let into = |page: Page| move || page.clone();
        let usual = written(|page| Box::new(log().fmt_fields(fields()).with_writer(into(page)).finish()));
        let ours =
            written(|page| Box::new(log().fmt_fields(fields()).event_format(LogLine).with_writer(into(page)).finish()));
        assert_eq!(ours, usual);
        assert_eq!(ours.len(), 5);
        assert!(ours[0].starts_with("  INFO a call came in call=call-1 caller=…890 "), "{}", ours[0]);
    }

    #[test]
    fn times_are_written_to_the_microsecond() {
        let check = |seconds: u64, nanos: u32, expected: &str| {
            let mut text = String::new();
            write_time(&mut text, UNIX_EPOCH + Duration::new(seconds, nanos)).expect("a string takes all");
            assert_eq!(text, expected);
        };
        check(0, 0, "1970-01-01T00:00:00.000000Z");
        check(951_782_399, 999_999_999, "2000-02-28T23:59:59.999999Z");
        check(951_782_400, 1_000, "2000-02-29T00:00:00.000001Z");
        check(951_782_400, 123_456_000, "2000-02-29T00:00:00.123456Z");
        check(1_795_000_000, 5_000_000, "2026-11-18T11:06:40.005000Z");
    }
}
