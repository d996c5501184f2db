-- The lives of managed HSMs, which billing is computed from and which outlast them: a row for each
-- HSM there ever was, and one for each phase of it (running, deleted, purged). Instants are
-- microseconds since 1970.

CREATE TABLE hsm_lives (
    id             TEXT NOT NULL PRIMARY KEY,
    name           TEXT NOT NULL,
    subscription   TEXT NOT NULL,
    resource_group TEXT NOT NULL,
    location       TEXT NOT NULL,
    sku            TEXT NOT NULL
);

CREATE TABLE hsm_phases (
    hsm_id   TEXT NOT NULL REFERENCES hsm_lives (id),
    position BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    phase    TEXT NOT NULL,
    PRIMARY KEY (hsm_id, position)
);

-- HSMs made before had no identifier of their own.
UPDATE hsms SET resource = json_set(resource, '$.id', lower(hex(randomblob(16))));

INSERT INTO hsm_lives (id, name, subscription, resource_group, location, sku)
SELECT json_extract(resource, '$.id'), json_extract(resource, '$.name'), json_extract(resource, '$.subscription'),
    json_extract(resource, '$.resource_group'), json_extract(resource, '$.location'), json_extract(resource, '$.sku')
FROM hsms;

INSERT INTO hsm_phases (hsm_id, position, at, phase)
SELECT json_extract(resource, '$.id'), 0,
    CAST(ROUND((julianday(json_extract(resource, '$.created')) - 2440587.5) * 86400) AS INTEGER) * 1000000, 'running'
FROM hsms;
