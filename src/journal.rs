//! What happened, as data: log lines, call records and metrics are folds over it.
