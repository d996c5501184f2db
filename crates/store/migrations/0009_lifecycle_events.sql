-- What became of managed HSMs, keys and budgets, for those who watch: numbered without gaps, in order. Only the newest are
-- kept; the newest of all is never removed, so that numbers go on.

CREATE TABLE lifecycle_events (
    sequence BIGINT NOT NULL PRIMARY KEY,
    event    TEXT NOT NULL
);
