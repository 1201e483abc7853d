-- The phones that agents have registered: a JSON list, as `switchboard::kept` writes its entries.
CREATE TABLE phones (extension TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- What seals the nonces of digest authentication: a phone that was given one before a restart is told that it is stale,
-- and goes on.
CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO secrets VALUES ('nonces', randomblob(32));
