-- What a group of calls counted is kept with its records, so that writing a group that changes
-- nothing is one statement. It is added to readings and version_uses when the row is removed.
-- `counted` comes before `lines`, which are long, so that it can be read without them.

CREATE TABLE audit_outbox_with_counts (
    last_seq  BIGINT NOT NULL PRIMARY KEY,
    first_seq BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    chain     TEXT NOT NULL,
    counted   TEXT NOT NULL,
    lines     TEXT NOT NULL
);

INSERT INTO audit_outbox_with_counts (last_seq, first_seq, at, chain, counted, lines)
SELECT last_seq, first_seq, at, chain, '{"calls":[],"days":[]}', lines FROM audit_outbox;

DROP TABLE audit_outbox;

ALTER TABLE audit_outbox_with_counts RENAME TO audit_outbox;
