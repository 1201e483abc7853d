-- Single values: the seed of callers' labels, and when the process last lived.
CREATE TABLE house (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

-- Each value is JSON, as `switchboard::kept` writes it.
CREATE TABLE places (entry INTEGER PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE agents (extension TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE queues (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Records of calls, as JSON. `seq` is the microsecond of the call's beginning times 1024, and the last ten bits of its
-- number: one order, and nothing else to be kept sorted.
CREATE TABLE records (seq INTEGER PRIMARY KEY, outcome TEXT NOT NULL, record TEXT NOT NULL);

-- Most calls end in one of these two ways; they are found by looking.
CREATE INDEX records_by_outcome ON records (outcome, seq) WHERE outcome NOT IN ('hung_up', 'completed');

-- The queues and agents that a call had to do with.
CREATE TABLE parties (kind TEXT NOT NULL, name TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (kind, name, seq)) WITHOUT ROWID;
CREATE INDEX parties_by_seq ON parties (seq);
