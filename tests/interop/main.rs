//! Helpline against programs that nobody here wrote: SIPp, baresip, PJSIP, Kamailio, sipsak and the YAML language server of editors.
//!
//! `just interop` runs these. A program that is missing fails the test that needs it and says what to install.

mod agents;
mod baresip;
mod callback;
mod capture;
mod carrier;
mod codes;
mod dashboards;
mod drafts;
mod editor;
mod house;
mod kamailio;
mod killed;
mod lookups;
mod misbehaving;
mod passed_on;
mod patience;
mod phone;
mod pictures;
mod pjsip;
mod ports;
mod registrar;
mod rogue;
mod server;
mod sipp;
mod sipsak;
mod softphone;
mod steps;
mod stories;
mod surveys;
mod transfers;
mod voicemail;
mod wave;
mod wire;
