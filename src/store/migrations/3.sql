-- Who has called before, by the label of the number: JSON, as `switchboard::callers` writes it.
CREATE TABLE callers (label INTEGER PRIMARY KEY, value TEXT NOT NULL);
