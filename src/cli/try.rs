//! `helpline try`: a telephone in the terminal.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::terminal::{Look, Telephone};
use crate::config::Installation;
use crate::flow::{CallFacts, FlowIndex, FlowSet};
use crate::telephony::{Caller, PhoneNumber};
