//! `hours:`: when something is open. They are read before the flows, which name them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::codes;
use super::diagnostic::{Diagnostic, Faults, Page, Span, listed, nearest, shortened};
use super::scalar;
use super::section::Section;
use super::tree::{Content, Entry, Node};
use crate::flow::hours::{DAY, Hours, HoursIndex, MOST_RANGES, OtherDay, Range, WEEKDAYS};

/// Most hours.
pub const MAX_HOURS: usize = 1000;
/// Most holidays and other days of one.
pub const MAX_DAYS: usize = 2000;
/// Clock changes are looked for so many days ahead.
const CLOCK_CHANGES_AHEAD: i32 = 366;
/// Holidays should be written at least so many days ahead.
const HOLIDAYS_AHEAD: i32 = 60;

/// Settings beside the days of the week.
pub(super) const SETTINGS: [&str; 3] = ["holidays", "except", "time_zone"];
const WHOLE_NAMES: [(&str, &str); 7] = [
    ("monday", "mon"),
    ("tuesday", "tue"),
    ("wednesday", "wed"),
    ("thursday", "thu"),
    ("friday", "fri"),
    ("saturday", "sat"),
    ("sunday", "sun"),
];

/// The hours of all files.
#[derive(Debug, Default)]
pub(super) struct HoursBook {
    pub hours: Vec<Hours>,
    /// The file and the place of each.
    places: Vec<(usize, Span)>,
    index: BTreeMap<String, HoursIndex>,
    used: Vec<Cell<bool>>,
}

impl HoursBook {
    /// Reads the hours of every file. `today` tells which holidays are over.
    pub fn read(pages: &[Page<'_>], trees: &[Option<Node>], today: Date, faults: &mut Faults) -> HoursBook {
        let mut book = HoursBook::default();
        for (index, (page, tree)) in pages.iter().zip(trees).enumerate() {
            let Some(root) = tree.as_ref() else { continue };
            let Some(entry) = root.find("hours") else { continue };
            // A wrong name is told where the flow is read.
            let zone = root.find("time_zone").map(|zone| zone.value.text().and_then(|name| TimeZone::get(name).ok()));
            let mut section = Section { page, faults };
            for hours in section.table(entry, "a table of names and hours").unwrap_or(&[]) {
                book.add(pages, &mut section, (index, hours), zone.clone(), today);
            }
        }
        book
    }

    /// The hours of this name; from now on they count as used.
    pub fn find(&self, name: &str) -> Option<HoursIndex> {
        let index = *self.index.get(name)?;
        self.used[usize::from(index.0)].set(true);
        Some(index)
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str)
    }

    /// Tells the hours that nothing reads.
    pub fn tell_unused(&self, pages: &[Page<'_>], faults: &mut Faults) {
        for ((hours, (file, place)), used) in self.hours.iter().zip(&self.places).zip(&self.used) {
            if !used.get() {
                let message = format!("nothing reads the hours `{}`", hours.name);
                let fault = pages[*file].warning(codes::UNUSED_HOURS, *place, message);
                faults.push(
                    fault.remedy(format!("ask for them: `hours: {}`, or `when: hours.{}`", hours.name, hours.name)),
                );
            }
        }
    }

    fn add(
        &mut self,
        pages: &[Page<'_>],
        section: &mut Section<'_, '_>,
        (file, entry): (usize, &Entry),
        zone: Option<Option<TimeZone>>,
        today: Date,
    ) {
        let (page, name) = (section.page, entry.key.as_str());
        if !scalar::is_value_name(name) {
            let message = format!("`{}` cannot be the name of hours", shortened(name));
            let fault = page.error(codes::NAME, entry.key_span, message);
            let fault = fault.label("letters, digits and `_` can stand in it, a letter first");
            section.fault(match scalar::as_name(name) {
                near if scalar::is_value_name(&near) => fault.remedy(format!("write `{near}`")),
                _ => fault,
            });
        }
        if let Some(first) = self.index.get(name) {
            let (first_file, first) = self.places[usize::from(first.0)];
            let (line, _) = pages[first_file].line_and_column(first.start);
            let message = format!("there are two hours named `{}`", shortened(name));
            let fault = page.error(codes::DUPLICATE_HOURS, entry.key_span, message);
            let fault = fault.label(format!("the first are in {}:{line}", pages[first_file].source.file));
            return section.fault(fault.remedy("give these another name"));
        }
        if self.hours.len() == MAX_HOURS {
            let message = format!("there are more than {MAX_HOURS} hours");
            let fault = page.error(codes::TOO_LARGE, entry.key_span, message);
            return section.fault(fault);
        }
        let hours = hours(section, entry, zone, today);
        self.index.insert(name.to_owned(), HoursIndex(u16::try_from(self.hours.len()).expect("hours are limited")));
        self.hours.push(hours);
        self.places.push((file, entry.key_span));
        self.used.push(Cell::new(false));
    }
}

/// What is told of hours that do not exist.
pub(super) fn no_such_hours(page: &Page<'_>, name: &str, place: Span, book: &HoursBook) -> Diagnostic {
    let fault = page.error(codes::NO_SUCH_HOURS, place, format!("no hours named `{}`", shortened(name)));
    let names: Vec<&str> = book.names().collect();
    let remedy = match names.is_empty() {
        true => format!("add them: `hours: {{{}: {{mon-fri: 09:00-17:30}}}}`", shortened(name)),
        false => format!("there are {}", listed(names.iter().copied().take(8)).replace(" or ", " and ")),
    };
    fault.meant(name, names).or_remedy(&remedy)
}

fn hours(section: &mut Section<'_, '_>, entry: &Entry, zone: Option<Option<TimeZone>>, today: Date) -> Hours {
    let name: Arc<str> = Arc::from(entry.key.as_str());
    let entries = section.table(entry, "a table such as `{mon-fri: 09:00-17:30}`").unwrap_or(&[]);
    let zone = time_zone(section, entry, zone);
    let mut hours = Hours { name, zone, week: Default::default(), days: BTreeMap::new() };
    let mut written = [false; 7];
    let before = section.faults.errors();
    for entry in entries.iter().filter(|entry| !SETTINGS.contains(&entry.key.as_str())) {
        let Some(days) = weekdays(section, entry) else { continue };
        let ranges = ranges(section, entry);
        for day in days {
            if std::mem::replace(&mut written[day], true) {
                let message = format!("`{}` stands here twice", WEEKDAYS[day].0);
                let fault = section.page.error(codes::TIMES_MEET, entry.key_span, message);
                section.fault(fault.remedy("write several times of one day as a list: `[09:00-12:00, 13:00-17:30]`"));
            } else {
                hours.week[day].clone_from(&ranges);
            }
        }
    }
    for entry in entries.iter().filter(|entry| entry.key == "holidays") {
        holidays(section, entry, &mut hours);
    }
    for entry in entries.iter().filter(|entry| entry.key == "except") {
        exceptions(section, entry, &mut hours);
    }
    let is_whole = section.faults.errors() == before;
    tell(section, entry, &hours, today, is_whole);
    hours
}

/// Their own, or that of the flow in the same file.
fn time_zone(section: &mut Section<'_, '_>, hours: &Entry, of_file: Option<Option<TimeZone>>) -> TimeZone {
    let Some(entry) = hours.value.find("time_zone") else {
        return of_file.map(|zone| zone.unwrap_or(TimeZone::UTC)).unwrap_or_else(|| {
            let message = format!("the hours `{}` have no time zone", shortened(&hours.key));
            let fault = section.page.error(codes::HOURS_WITHOUT_ZONE, hours.key_span, message);
            section.fault(
                fault
                    .remedy("write `time_zone: Europe/London` beside them, or at the top of the flow in this file")
                    .consequence("callers would be turned away at the wrong hour"),
            );
            TimeZone::UTC
        });
    };
    let Some(name) = section.text(entry, "the name of a time zone") else { return TimeZone::UTC };
    TimeZone::get(name).unwrap_or_else(|_| {
        let fault = no_such_zone(section.page, entry.value.span, name);
        section.fault(fault);
        TimeZone::UTC
    })
}

/// What is told of a time zone that does not exist.
pub(super) fn no_such_zone(page: &Page<'_>, place: Span, name: &str) -> Diagnostic {
    let zones: Vec<String> = jiff::tz::db().available().map(|zone| zone.to_string()).collect();
    let fault = page.error(codes::TIME_ZONE, place, format!("no time zone is named `{}`", shortened(name)));
    fault.meant(name, zones.iter().map(String::as_str)).or_remedy("names look like `Europe/London`")
}

/// `mon`, `mon-fri`, `sat, sun`: Monday is 0. A range may go over the end of the week.
fn weekdays(section: &mut Section<'_, '_>, entry: &Entry) -> Option<Vec<usize>> {
    let day = |name: &str| WEEKDAYS.iter().position(|(known, _)| *known == name.trim());
    let days = |part: &str| -> Option<Vec<usize>> {
        match part.split_once('-') {
            Some((first, last)) => {
                let (first, last) = (day(first)?, day(last)?);
                Some((0..=(last + 7 - first) % 7).map(|ahead| (first + ahead) % 7).collect())
            }
            None => Some(vec![day(part)?]),
        }
    };
    let found: Option<Vec<Vec<usize>>> = entry.key.split(',').map(days).collect();
    if found.is_none() {
        let key = entry.key.to_lowercase();
        let short = WHOLE_NAMES.iter().fold(key.clone(), |key, (whole, short)| key.replace(whole, short));
        let known = WEEKDAYS.iter().map(|(name, _)| *name).chain(SETTINGS);
        let fault = section.page.error(
            codes::WEEKDAYS,
            entry.key_span,
            format!("`{}` is no day of the week, and no setting of hours", shortened(&entry.key)),
        );
        let is_short = short.split([',', '-']).all(|part| day(part).is_some());
        section.fault(match nearest(&entry.key, known) {
            _ if is_short => fault.remedy(format!("write `{short}`")),
            Some(near) => fault.remedy(format!("did you mean `{near}`?")),
            None => fault.remedy(
                "days are `mon`, `mon-fri` or `sat, sun`; besides there are `holidays`, `except` and `time_zone`",
            ),
        });
    }
    found.map(|days| days.into_iter().flatten().collect())
}

/// `09:00-17:30`, a list of such, or `closed`.
fn ranges(section: &mut Section<'_, '_>, entry: &Entry) -> Vec<Range> {
    let nodes = match &entry.value.content {
        Content::List(nodes) => nodes.as_slice(),
        Content::Text { text, .. } if text.trim() == "closed" => return Vec::new(),
        Content::Text { .. } => std::slice::from_ref(&entry.value),
        Content::Nothing | Content::Table(_) => {
            section.wrong_shape(entry, "times such as `09:00-17:30`, a list of them, or `closed`");
            return Vec::new();
        }
    };
    let mut ranges: Vec<Range> = Vec::new();
    for node in nodes {
        let Some(range) = node.text().and_then(range) else {
            let fault = no_range(section.page, entry, node);
            section.fault(fault);
            continue;
        };
        if ranges.len() == MOST_RANGES {
            let message = format!("a day has at most {MOST_RANGES} times");
            let fault = section.page.error(codes::TOO_LARGE, node.span, message);
            section.fault(fault);
            break;
        }
        if let Some(other) = ranges.iter().find(|other| range.from < other.to && other.from < range.to) {
            let message = format!("`{range}` and `{other}` overlap");
            let fault = section.page.error(codes::TIMES_MEET, node.span, message);
            section.fault(fault);
            continue;
        }
        ranges.push(range);
    }
    ranges.sort_unstable();
    ranges
}

/// `09:00-17:30`, and `22:00-06:00` into the next day.
fn range(text: &str) -> Option<Range> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minutes(from)?, minutes(to)?);
    if from >= DAY || from == to {
        return None;
    }
    Some(Range { from, to: if to > from { to } else { to + DAY } })
}

/// `09:00`, `9:00` or `24:00`, in minutes after midnight.
fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        let fits = digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| text.parse::<u16>().ok())?
    };
    let (hour, minute) = (number(hour, 1..=2)?, number(minute, 2..=2)?);
    (hour < 24 && minute < 60 || hour == 24 && minute == 0).then_some(hour * 60 + minute)
}

fn no_range(page: &Page<'_>, entry: &Entry, node: &Node) -> Diagnostic {
    let place = if node.is_nothing() { entry.key_span } else { node.span };
    let Some(text) = node.text() else {
        let message = format!("times are written like `09:00-17:30`, and this is {}", node.described());
        return page.error(codes::OPENING_TIMES, place, message);
    };
    let fault = page.error(codes::OPENING_TIMES, place, format!("`{}` are no times", shortened(text)));
    let plain = text.replace(['–', '—'], "-").replace('.', ":").replace(' ', "");
    let whole: Option<Vec<String>> = plain
        .split('-')
        .map(|part| match part.split_once(':') {
            Some(_) => minutes(part).map(|_| format!("{part:0>5}")),
            None => part.parse::<u8>().ok().filter(|hour| *hour <= 24).map(|hour| format!("{hour:02}:00")),
        })
        .collect();
    match whole.as_deref() {
        Some([from, to]) if from != to => fault.remedy(format!("write `{from}-{to}`")),
        Some([from, to]) if from == to => fault.remedy("write `00:00-24:00` for a whole day, or `closed`"),
        _ => fault.remedy("write them like `09:00-17:30`, or `closed`"),
    }
}

fn holidays(section: &mut Section<'_, '_>, entry: &Entry, hours: &mut Hours) {
    let nodes = match &entry.value.content {
        Content::List(nodes) => nodes.as_slice(),
        Content::Text { .. } => std::slice::from_ref(&entry.value),
        Content::Nothing => &[],
        Content::Table(_) => {
            section.wrong_shape(entry, "a list of dates such as `[2026-12-25, 2026-12-26]`");
            &[]
        }
    };
    for node in nodes {
        let place = if node.is_nothing() { entry.key_span } else { node.span };
        if let Some(date) = date(section, node.text().unwrap_or(node.described()), place) {
            other_day(section, hours, date, place, OtherDay { holiday: true, ranges: Vec::new() });
        }
    }
}

fn exceptions(section: &mut Section<'_, '_>, entry: &Entry, hours: &mut Hours) {
    let entries = section.table(entry, "a table of dates and times such as `{2026-12-24: 09:00-12:00}`");
    for entry in entries.unwrap_or(&[]) {
        let ranges = ranges(section, entry);
        if let Some(date) = date(section, &entry.key, entry.key_span) {
            other_day(section, hours, date, entry.key_span, OtherDay { holiday: false, ranges });
        }
    }
}

fn other_day(section: &mut Section<'_, '_>, hours: &mut Hours, date: Date, place: Span, day: OtherDay) {
    let fault = if hours.days.contains_key(&date) {
        section.page.error(codes::TIMES_MEET, place, format!("{date} stands here twice"))
    } else if hours.days.len() == MAX_DAYS {
        let message = format!("hours have at most {MAX_DAYS} days out of the ordinary");
        section.page.error(codes::TOO_LARGE, place, message)
    } else {
        hours.days.insert(date, day);
        return;
    };
    section.fault(fault);
}

fn date(section: &mut Section<'_, '_>, text: &str, place: Span) -> Option<Date> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let date = text.parse::<Date>().ok().filter(|_| shape);
    if date.is_none() {
        let fault = section.page.error(codes::DATE, place, format!("`{}` is no date", shortened(text)));
        section.fault(match shape {
            true => fault.remedy("the calendar has no such day"),
            false => fault.remedy("dates are written year, month, day: `2026-12-25`"),
        });
    }
    date
}

/// Tells what was read without fault and can hardly be meant; `is_whole` tells whether all of it could be read.
fn tell(section: &mut Section<'_, '_>, entry: &Entry, hours: &Hours, today: Date, is_whole: bool) {
    let page = section.page;
    let name = shortened(&entry.key);
    if is_whole && !hours.opens_from(today) {
        let fault = page.warning(codes::NEVER_OPEN, entry.key_span, format!("the hours `{name}` never open"));
        section.fault(fault.remedy("write days and times: `mon-fri: 09:00-17:30`"));
    }
    tell_holidays(section, entry, hours, today);
    tell_nights(section, entry, hours);
    let mut days = (0..CLOCK_CHANGES_AHEAD).filter_map(|ahead| today.checked_add(jiff::Span::new().days(ahead)).ok());
    let odd = days.find_map(|date| {
        let odd = |range: &&Range| hours.is_odd(date, range.from) || hours.is_odd(date, range.to);
        hours.ranges(date).iter().find(odd).map(|range| (date, *range))
    });
    if let Some((date, range)) = odd {
        let message = format!("clocks change in the night of {date}, at a time when `{name}` open or close: {range}");
        let fault = page.warning(codes::CLOCK_CHANGE, entry.key_span, message);
        let of_that_day = "what the clock skips is reckoned as if it had not been changed yet, and of what comes twice the first is meant";
        section.fault(
            fault.label(of_that_day).remedy(format!("give that day times of its own: `except: {{{date}: ...}}`")),
        );
    }
}

/// Tells that no holiday is written beyond the next weeks. A day counts that is closed all day, however that is written.
fn tell_holidays(section: &mut Section<'_, '_>, entry: &Entry, hours: &Hours, today: Date) {
    let closed = |day: &OtherDay| day.ranges.is_empty();
    let Some((last, _)) = hours.days.iter().rev().find(|(_, day)| closed(day)) else { return };
    let ahead = last.since(today).map_or(i32::MAX, |ahead| ahead.get_days());
    if ahead >= HOLIDAYS_AHEAD {
        return;
    }
    let name = shortened(&entry.key);
    let message = match ahead {
        ..0 => format!("the last holiday of `{name}` was {last}"),
        0 => format!("the last holiday of `{name}` is today, {last}"),
        1 => format!("the last holiday of `{name}` is {last}, tomorrow"),
        _ => format!("the last holiday of `{name}` is {last}, in {ahead} days"),
    };
    let place = entry.value.find("holidays").map_or(entry.key_span, |holidays| holidays.key_span);
    let fault = section.page.warning(codes::HOLIDAYS_OVER, place, message);
    let fault = fault.remedy(match ahead {
        ..0 => "add the coming ones to `holidays`",
        _ => "add those that come after it to `holidays`",
    });
    section.fault(fault.consequence("on the next holiday callers would be told that you are open"));
}

/// Tells times that go on beyond midnight into those of the next day.
fn tell_nights(section: &mut Section<'_, '_>, entry: &Entry, hours: &Hours) {
    let meeting = (0..7).find_map(|day| {
        let next = (day + 1) % 7;
        let night = hours.week[day].iter().find(|range| range.to > DAY)?;
        let morning = hours.week[next].iter().find(|range| range.from < night.to - DAY)?;
        Some((WEEKDAYS[day].0, *night, WEEKDAYS[next].0, *morning))
    });
    let Some((day, night, next, morning)) = meeting else { return };
    let message = format!("`{night}` of {day} goes on into {next}, and overlaps `{morning}` there");
    let fault = section.page.warning(codes::TIMES_MEET, entry.key_span, message);
    let until = Range { from: 0, to: night.to - DAY };
    let until = until.to_string().split_off("00:00-".len());
    let fault = fault.remedy(format!("end it earlier, or let {next} begin at {until}"));
    section.fault(fault.consequence("it would be open all that time: one of the two says less than it seems to"));
}
