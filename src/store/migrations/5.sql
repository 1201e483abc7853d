-- Hours that somebody has switched by hand: JSON, as `switchboard::kept` writes it.
CREATE TABLE switches (hours TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
