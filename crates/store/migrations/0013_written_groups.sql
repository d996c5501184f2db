-- How many groups of calls changed something: after a COMMIT that failed, this tells whether the database has the group
-- all the same. `settled` counts how often that was asked: each time, something must be written.

CREATE TABLE written_groups (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    number  BIGINT NOT NULL,
    settled BIGINT NOT NULL
);

INSERT INTO written_groups (id, number, settled) VALUES (1, 0, 0);
