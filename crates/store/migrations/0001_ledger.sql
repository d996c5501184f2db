-- The first schema. Columns are BIGINT and TEXT only, so that PostgreSQL can run the same text:
-- booleans are 0 or 1, instants are microseconds since 1970, structures are JSON. Names are
-- compared by their folded form, which is therefore what keys refer to.

CREATE TABLE hsms (
    folded   TEXT NOT NULL PRIMARY KEY,
    resource TEXT NOT NULL
);

CREATE TABLE keys (
    hsm                TEXT NOT NULL REFERENCES hsms (folded),
    folded             TEXT NOT NULL,
    name               TEXT NOT NULL,
    deleted_at         BIGINT,
    scheduled_purge_at BIGINT,
    PRIMARY KEY (hsm, folded)
);

-- A version's identifier is also the CKA_ID of its object, so it is unique everywhere.
CREATE TABLE key_versions (
    version    TEXT NOT NULL PRIMARY KEY,
    hsm        TEXT NOT NULL,
    key_name   TEXT NOT NULL,
    position   BIGINT NOT NULL,
    material   TEXT NOT NULL,
    operations TEXT NOT NULL,
    enabled    BIGINT NOT NULL,
    not_before BIGINT,
    expires    BIGINT,
    created    BIGINT NOT NULL,
    updated    BIGINT NOT NULL,
    exportable BIGINT NOT NULL,
    tags       TEXT NOT NULL,
    UNIQUE (hsm, key_name, position),
    FOREIGN KEY (hsm, key_name) REFERENCES keys (hsm, folded)
);

CREATE TABLE role_definitions (
    hsm        TEXT NOT NULL REFERENCES hsms (folded),
    id         TEXT NOT NULL,
    position   BIGINT NOT NULL,
    definition TEXT NOT NULL,
    PRIMARY KEY (hsm, id)
);

CREATE TABLE role_assignments (
    hsm             TEXT NOT NULL REFERENCES hsms (folded),
    id              TEXT NOT NULL,
    position        BIGINT NOT NULL,
    role_definition TEXT NOT NULL,
    principal       TEXT NOT NULL,
    scope           TEXT NOT NULL,
    PRIMARY KEY (hsm, id)
);

-- What was about to be made or destroyed in a token when the row was written.
CREATE TABLE intents (
    id      TEXT NOT NULL PRIMARY KEY,
    hsm     TEXT NOT NULL,
    verb    TEXT NOT NULL,
    objects TEXT NOT NULL
);

-- Calls counted per HSM ('' where the call named none that exists), event, meter and hour (the
-- second it began).
CREATE TABLE readings (
    hsm   TEXT NOT NULL,
    event TEXT NOT NULL,
    meter TEXT NOT NULL,
    hour  BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    PRIMARY KEY (hsm, event, meter, hour)
);

-- The last day, counted from 1970-01-01 UTC, on which a version was used. No reference to the
-- version: what was used is billed after it was purged.
CREATE TABLE version_uses (
    version TEXT NOT NULL PRIMARY KEY,
    day     BIGINT NOT NULL
);

-- Audit records, one row per group of calls, until they are exported. The newest row always stays:
-- it holds the head of the chain.
CREATE TABLE audit_outbox (
    last_seq  BIGINT NOT NULL PRIMARY KEY,
    first_seq BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    chain     TEXT NOT NULL,
    lines     TEXT NOT NULL
);
