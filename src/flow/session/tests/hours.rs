//! `hours`: callers come on Friday, 2026-12-18, at 17:29.

use std::sync::Arc;

use super::walks::{Walk, check, read};
use crate::flow::{Switch, Switches};

const OFFICE: &str = "\
flow: main
numbers: [any]
time_zone: UTC
start: open
steps:
  open: {hours: office, open: main, closed: told}
  main:
    menu: Which?
    choices:
      1: {say: Sales, go: again, when: hours.office}
      2: {say: Times, go: told}
      3: {say: Again, go: open}
  told: {say: 'We change {hours.office.next|day_time}.', next: hangup}
hours:
  office: {mon-fri: 09:00-17:30}
";

#[test]
fn open_and_closed_lead_different_ways() {
    check(
        OFFICE,
        "open: open
        says Which? Sales, press one. Times, press two. Again, press three.
        > 1
        main: choice 1
        says Which? Sales, press one. Times, press two. Again, press three.
        > wait 61s
        > 1
        says Sorry, that is not one of the choices. Which? Times, press two. Again, press three.
        > 3
        main: choice 3
        open: closed
        says We change Monday the twenty-first of December at nine A M",
    );
    check(
        OFFICE,
        "open: open
        says Which? Sales, press one. Times, press two. Again, press three.
        > 2
        main: choice 2
        says We change today at five thirty P M",
    );
}

#[test]
fn a_switch_counts_from_the_next_step_on() {
    let mut walk = Walk::start(read(OFFICE));
    let until = "2026-12-19T00:00:00Z".parse().expect("a time");
    let closed = Switches([("office".into(), Switch { open: false, until })].into());
    walk.session.switch(Arc::new(closed));
    walk.follow("3");
    assert_eq!(
        walk.written.last().map(String::as_str),
        Some("says We change Monday the twenty-first of December at nine A M")
    );
    let mut walk = Walk::start(read(OFFICE));
    walk.session.switch(Arc::default());
    walk.follow("3");
    assert!(walk.written.contains(&"main: choice 3".to_owned()));
    assert_eq!(walk.written.iter().filter(|line| *line == "open: open").count(), 2);
}
