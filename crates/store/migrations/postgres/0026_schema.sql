-- The schema of SQLite after its migration 26, from which that of PostgreSQL goes on. Text is compared by its bytes, as by SQLite.
-- What the tables are for is said where SQLite's are created.

CREATE TABLE hsms (
    folded   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    resource TEXT COLLATE "C" NOT NULL
);

CREATE TABLE vaults (
    folded   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    resource TEXT COLLATE "C" NOT NULL
);

CREATE TABLE keys (
    hsm                TEXT COLLATE "C" NOT NULL,
    folded             TEXT COLLATE "C" NOT NULL,
    name               TEXT COLLATE "C" NOT NULL,
    deleted_at         BIGINT,
    scheduled_purge_at BIGINT,
    PRIMARY KEY (hsm, folded)
);

CREATE TABLE key_versions (
    version     TEXT COLLATE "C" NOT NULL,
    hsm         TEXT COLLATE "C" NOT NULL,
    key_name    TEXT COLLATE "C" NOT NULL,
    position    BIGINT NOT NULL,
    material    TEXT COLLATE "C" NOT NULL,
    operations  TEXT COLLATE "C" NOT NULL,
    enabled     BIGINT NOT NULL,
    not_before  BIGINT,
    expires     BIGINT,
    created     BIGINT NOT NULL,
    updated     BIGINT NOT NULL,
    exportable  BIGINT NOT NULL,
    tags        TEXT COLLATE "C" NOT NULL,
    notices     BIGINT NOT NULL DEFAULT 0,
    mode_family TEXT COLLATE "C",
    protection  TEXT COLLATE "C" NOT NULL DEFAULT 'hsm',
    PRIMARY KEY (hsm, version),
    UNIQUE (hsm, key_name, position),
    FOREIGN KEY (hsm, key_name) REFERENCES keys (hsm, folded)
);

CREATE TABLE rotation_policies (
    hsm                TEXT COLLATE "C" NOT NULL,
    key_name           TEXT COLLATE "C" NOT NULL,
    expiry_time        TEXT COLLATE "C",
    time_after_create  TEXT COLLATE "C",
    time_before_expiry TEXT COLLATE "C",
    created            BIGINT NOT NULL,
    updated            BIGINT NOT NULL,
    PRIMARY KEY (hsm, key_name),
    FOREIGN KEY (hsm, key_name) REFERENCES keys (hsm, folded)
);

CREATE TABLE secrets (
    container          TEXT COLLATE "C" NOT NULL,
    folded             TEXT COLLATE "C" NOT NULL,
    name               TEXT COLLATE "C" NOT NULL,
    deleted_at         BIGINT,
    scheduled_purge_at BIGINT,
    PRIMARY KEY (container, folded)
);

CREATE TABLE secret_versions (
    container    TEXT COLLATE "C" NOT NULL,
    secret       TEXT COLLATE "C" NOT NULL,
    version      TEXT COLLATE "C" NOT NULL,
    position     BIGINT NOT NULL,
    value        TEXT COLLATE "C" NOT NULL,
    content_type TEXT COLLATE "C",
    enabled      BIGINT NOT NULL,
    not_before   BIGINT,
    expires      BIGINT,
    created      BIGINT NOT NULL,
    updated      BIGINT NOT NULL,
    tags         TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (container, secret, version),
    FOREIGN KEY (container, secret) REFERENCES secrets (container, folded)
);

CREATE TABLE certificates (
    container          TEXT COLLATE "C" NOT NULL,
    folded             TEXT COLLATE "C" NOT NULL,
    name               TEXT COLLATE "C" NOT NULL,
    first              TEXT COLLATE "C" NOT NULL,
    policy             TEXT COLLATE "C" NOT NULL,
    pending            TEXT COLLATE "C",
    deleted_at         BIGINT,
    scheduled_purge_at BIGINT,
    renewal            TEXT COLLATE "C" NOT NULL DEFAULT '{"failures":0,"not_before":null}',
    PRIMARY KEY (container, folded)
);

CREATE TABLE certificate_versions (
    container   TEXT COLLATE "C" NOT NULL,
    certificate TEXT COLLATE "C" NOT NULL,
    version     TEXT COLLATE "C" NOT NULL,
    position    BIGINT NOT NULL,
    der         BYTEA NOT NULL,
    thumbprint  BYTEA NOT NULL,
    enabled     BIGINT NOT NULL,
    not_before  BIGINT,
    expires     BIGINT,
    created     BIGINT NOT NULL,
    updated     BIGINT NOT NULL,
    tags        TEXT COLLATE "C" NOT NULL,
    notices     BIGINT NOT NULL DEFAULT 0,
    keep_order  BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (container, certificate, version),
    FOREIGN KEY (container, certificate) REFERENCES certificates (container, folded)
);

CREATE TABLE certificate_settings (
    container TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    settings  TEXT COLLATE "C" NOT NULL
);

CREATE TABLE role_definitions (
    hsm        TEXT COLLATE "C" NOT NULL REFERENCES hsms (folded),
    id         TEXT COLLATE "C" NOT NULL,
    position   BIGINT NOT NULL,
    definition TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (hsm, id)
);

CREATE TABLE role_assignments (
    hsm             TEXT COLLATE "C" NOT NULL REFERENCES hsms (folded),
    id              TEXT COLLATE "C" NOT NULL,
    position        BIGINT NOT NULL,
    role_definition TEXT COLLATE "C" NOT NULL,
    principal       TEXT COLLATE "C" NOT NULL,
    scope           TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (hsm, id)
);

CREATE TABLE subscriptions (
    id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    resource TEXT COLLATE "C" NOT NULL
);

CREATE TABLE resource_groups (
    subscription TEXT COLLATE "C" NOT NULL REFERENCES subscriptions (id),
    folded       TEXT COLLATE "C" NOT NULL,
    resource     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (subscription, folded)
);

CREATE TABLE budgets (
    subscription TEXT COLLATE "C" NOT NULL REFERENCES subscriptions (id),
    folded       TEXT COLLATE "C" NOT NULL,
    resource     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (subscription, folded)
);

CREATE TABLE control_role_definitions (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    position   BIGINT NOT NULL,
    definition TEXT COLLATE "C" NOT NULL
);

CREATE TABLE control_role_assignments (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    position        BIGINT NOT NULL,
    role_definition TEXT COLLATE "C" NOT NULL,
    principal       TEXT COLLATE "C" NOT NULL,
    scope           TEXT COLLATE "C" NOT NULL
);

CREATE TABLE intents (
    id      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    hsm     TEXT COLLATE "C" NOT NULL,
    verb    TEXT COLLATE "C" NOT NULL,
    objects TEXT COLLATE "C" NOT NULL
);

CREATE TABLE readings (
    hsm   TEXT COLLATE "C" NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    meter TEXT COLLATE "C" NOT NULL,
    hour  BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    PRIMARY KEY (hsm, event, meter, hour)
);

CREATE TABLE used_versions (
    version  TEXT COLLATE "C" NOT NULL,
    hsm      TEXT COLLATE "C" NOT NULL,
    key_name TEXT COLLATE "C" NOT NULL,
    key_type TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (hsm, version)
);

CREATE TABLE version_days (
    version TEXT COLLATE "C" NOT NULL,
    hsm     TEXT COLLATE "C" NOT NULL,
    day     BIGINT NOT NULL,
    PRIMARY KEY (hsm, version, day),
    FOREIGN KEY (hsm, version) REFERENCES used_versions (hsm, version)
);

CREATE TABLE hsm_lives (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name           TEXT COLLATE "C" NOT NULL,
    subscription   TEXT COLLATE "C" NOT NULL,
    resource_group TEXT COLLATE "C" NOT NULL,
    location       TEXT COLLATE "C" NOT NULL,
    sku            TEXT COLLATE "C" NOT NULL
);

CREATE TABLE hsm_phases (
    hsm_id   TEXT COLLATE "C" NOT NULL REFERENCES hsm_lives (id),
    position BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    phase    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (hsm_id, position)
);

CREATE TABLE lifecycle_events (
    sequence BIGINT NOT NULL PRIMARY KEY,
    event    TEXT COLLATE "C" NOT NULL
);

CREATE TABLE audit_outbox (
    last_seq  BIGINT NOT NULL PRIMARY KEY,
    first_seq BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    chain     TEXT COLLATE "C" NOT NULL,
    counted   TEXT COLLATE "C" NOT NULL,
    lines     TEXT COLLATE "C" NOT NULL
);

CREATE TABLE audit_keys (
    version      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    position     BIGINT NOT NULL,
    token_serial TEXT COLLATE "C" NOT NULL,
    public_key   TEXT COLLATE "C"
);

CREATE TABLE clock (
    id            BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    offset_micros BIGINT NOT NULL,
    frozen        BIGINT
);

CREATE TABLE time_mark (
    id          BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    mark        BIGINT NOT NULL,
    seen        BIGINT NOT NULL,
    hold_since  BIGINT,
    hold_reason TEXT COLLATE "C",
    hold_ahead  BIGINT,
    hold_proven BIGINT
);

CREATE TABLE written_groups (
    id      BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    number  BIGINT NOT NULL,
    settled BIGINT NOT NULL,
    seq     BIGINT NOT NULL DEFAULT 0,
    chain   TEXT COLLATE "C" NOT NULL DEFAULT ''
);

INSERT INTO written_groups (id, number, settled) VALUES (1, 0, 0);
