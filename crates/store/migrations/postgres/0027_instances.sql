-- As for SQLite.
-- has one instance, "default". The last record that the database has counted, from written_groups, is here now.

CREATE TABLE instances (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seq   BIGINT NOT NULL,
    chain TEXT COLLATE "C" NOT NULL
);

INSERT INTO instances (name, seq, chain) SELECT 'default', seq, chain FROM written_groups WHERE seq > 0;

ALTER TABLE written_groups DROP COLUMN seq;

ALTER TABLE written_groups DROP COLUMN chain;

-- The audit records that an instance writes to its files after it has written them here. In a file of SQLite those of the last group
-- of changes; in a shared database all, because the files of an instance can be lost with its machine.
CREATE TABLE audit_records (
    instance  TEXT COLLATE "C" NOT NULL,
    last_seq  BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    chain     TEXT COLLATE "C" NOT NULL,
    counted   TEXT COLLATE "C" NOT NULL,
    lines     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (instance, last_seq)
);

INSERT INTO audit_records (instance, last_seq, first_seq, at, chain, counted, lines)
    SELECT 'default', last_seq, first_seq, at, chain, counted, lines FROM audit_outbox;

DROP TABLE audit_outbox;

-- The instance that works on an intent.
ALTER TABLE intents ADD COLUMN instance TEXT COLLATE "C" NOT NULL DEFAULT 'default';

-- The groups of changes, by the number in written_groups, from which the instances of a shared database compute the same state.
CREATE TABLE change_log (
    number   BIGINT NOT NULL PRIMARY KEY,
    instance TEXT COLLATE "C" NOT NULL,
    entry    TEXT COLLATE "C" NOT NULL
);

-- Work that one instance does for all: which one, and until when, in microseconds of the server's clock.
CREATE TABLE leases (
    name     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    instance TEXT COLLATE "C" NOT NULL,
    until    BIGINT NOT NULL
);
