//! The figures at `/metrics`: a fold over the journal.
