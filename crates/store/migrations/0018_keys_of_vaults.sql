-- Keys belong to containers of any kind: `hsm` is the stored identifier of the container in lower case, and does not refer to the
-- table of managed HSMs any more. `protection` is what protects the private or secret key: hsm or software.

CREATE TABLE new_keys (
    hsm                TEXT NOT NULL,
    folded             TEXT NOT NULL,
    name               TEXT NOT NULL,
    deleted_at         BIGINT,
    scheduled_purge_at BIGINT,
    PRIMARY KEY (hsm, folded)
);

INSERT INTO new_keys (hsm, folded, name, deleted_at, scheduled_purge_at)
SELECT hsm, folded, name, deleted_at, scheduled_purge_at FROM keys;

CREATE TABLE new_key_versions (
    version     TEXT NOT NULL,
    hsm         TEXT NOT NULL,
    key_name    TEXT NOT NULL,
    position    BIGINT NOT NULL,
    material    TEXT NOT NULL,
    operations  TEXT NOT NULL,
    enabled     BIGINT NOT NULL,
    not_before  BIGINT,
    expires     BIGINT,
    created     BIGINT NOT NULL,
    updated     BIGINT NOT NULL,
    exportable  BIGINT NOT NULL,
    tags        TEXT NOT NULL,
    notices     BIGINT NOT NULL DEFAULT 0,
    mode_family TEXT,
    protection  TEXT NOT NULL DEFAULT 'hsm',
    PRIMARY KEY (hsm, version),
    UNIQUE (hsm, key_name, position),
    FOREIGN KEY (hsm, key_name) REFERENCES new_keys (hsm, folded)
);

INSERT INTO new_key_versions (version, hsm, key_name, position, material, operations, enabled, not_before, expires,
    created, updated, exportable, tags, notices, mode_family)
SELECT version, hsm, key_name, position, material, operations, enabled, not_before, expires,
    created, updated, exportable, tags, notices, mode_family
FROM key_versions;

CREATE TABLE new_rotation_policies (
    hsm                TEXT NOT NULL,
    key_name           TEXT NOT NULL,
    expiry_time        TEXT,
    time_after_create  TEXT,
    time_before_expiry TEXT,
    created            BIGINT NOT NULL,
    updated            BIGINT NOT NULL,
    PRIMARY KEY (hsm, key_name),
    FOREIGN KEY (hsm, key_name) REFERENCES new_keys (hsm, folded)
);

INSERT INTO new_rotation_policies (hsm, key_name, expiry_time, time_after_create, time_before_expiry, created, updated)
SELECT hsm, key_name, expiry_time, time_after_create, time_before_expiry, created, updated FROM rotation_policies;

DROP TABLE rotation_policies;
DROP TABLE key_versions;
DROP TABLE keys;
ALTER TABLE new_keys RENAME TO keys;
ALTER TABLE new_key_versions RENAME TO key_versions;
ALTER TABLE new_rotation_policies RENAME TO rotation_policies;
