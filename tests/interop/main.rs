//! Helpline against programs that nobody here wrote: SIPp, baresip, Kamailio and sipsak.
//!
//! `just interop` runs these. A program that is missing fails the test that needs it and says what to install.

mod baresip;
mod callback;
mod kamailio;
mod queue;
mod server;
mod sipp;
mod sipsak;
mod softphone;
mod wave;
