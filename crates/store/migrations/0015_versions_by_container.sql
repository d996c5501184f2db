-- Two HSMs that share a security domain may hold the same key, restored from one backup: its versions have the same
-- identifiers in both. So a version is unique in its HSM only, and so are its days of use.

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
    PRIMARY KEY (hsm, version),
    UNIQUE (hsm, key_name, position),
    FOREIGN KEY (hsm, key_name) REFERENCES keys (hsm, folded)
);

INSERT INTO new_key_versions (version, hsm, key_name, position, material, operations, enabled, not_before, expires,
    created, updated, exportable, tags, notices, mode_family)
SELECT version, hsm, key_name, position, material, operations, enabled, not_before, expires,
    created, updated, exportable, tags, notices, mode_family
FROM key_versions;

DROP TABLE key_versions;
ALTER TABLE new_key_versions RENAME TO key_versions;

CREATE TABLE new_used_versions (
    version  TEXT NOT NULL,
    hsm      TEXT NOT NULL,
    key_name TEXT NOT NULL,
    key_type TEXT NOT NULL,
    PRIMARY KEY (hsm, version)
);

INSERT INTO new_used_versions (version, hsm, key_name, key_type)
SELECT version, hsm, key_name, key_type FROM used_versions;

CREATE TABLE new_version_days (
    version TEXT NOT NULL,
    hsm     TEXT NOT NULL,
    day     BIGINT NOT NULL,
    PRIMARY KEY (hsm, version, day),
    FOREIGN KEY (hsm, version) REFERENCES new_used_versions (hsm, version)
);

INSERT INTO new_version_days (version, hsm, day)
SELECT version_days.version, used_versions.hsm, version_days.day
FROM version_days JOIN used_versions ON used_versions.version = version_days.version;

DROP TABLE version_days;
DROP TABLE used_versions;
ALTER TABLE new_used_versions RENAME TO used_versions;
ALTER TABLE new_version_days RENAME TO version_days;
