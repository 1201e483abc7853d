//! The one owner of all call state: joins signalling, audio and flow by ids, and decides nothing that is theirs.
