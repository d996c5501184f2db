-- What billing must still know of a version when it is purged, and every day, counted from 1970-01-01
-- UTC, on which it was used. No reference to the version: what was used is billed after it was purged.
-- key_type is JSON. The table that had the last day only was never written.

CREATE TABLE used_versions (
    version  TEXT NOT NULL PRIMARY KEY,
    hsm      TEXT NOT NULL,
    key_name TEXT NOT NULL,
    key_type TEXT NOT NULL
);

CREATE TABLE version_days (
    version TEXT NOT NULL REFERENCES used_versions (version),
    day     BIGINT NOT NULL,
    PRIMARY KEY (version, day)
);

DROP TABLE version_uses;
