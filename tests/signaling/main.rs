//! The user agent as a whole: scenarios in virtual time, a simulation over a bad network, and real sockets.

mod days;
mod phones;
mod play;
mod restart;
mod scenarios;
mod simulation;
mod sockets;
mod torture;
mod trunks;
