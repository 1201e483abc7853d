-- Messages and recordings of calls: what there is, and what is known of it. The audio is a file of the data folder.
-- `number` is the end of the name, by which they are in the order in which they were begun. `mail` is a JSON list of those
-- to whom a message is still to be sent, and `mail_due` the microsecond of the next try.
CREATE TABLE tapes (
    name TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    mailbox TEXT,
    call TEXT NOT NULL,
    folder TEXT NOT NULL,
    started INTEGER NOT NULL,
    length_us INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    heard TEXT,
    facts TEXT NOT NULL,
    mail TEXT,
    mail_tries INTEGER NOT NULL DEFAULT 0,
    mail_due INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX tapes_in_order ON tapes (kind, number);
CREATE INDEX tapes_by_mailbox ON tapes (mailbox, number) WHERE mailbox IS NOT NULL;
CREATE INDEX tapes_by_call ON tapes (call);
CREATE INDEX tapes_to_mail ON tapes (mail_due) WHERE mail IS NOT NULL;
