-- The last audit record that the database has counted, with its link. The records after it are in the audit files only; they
-- are counted from there at the next start. Before this migration the newest row of audit_outbox was the last record.

ALTER TABLE written_groups ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;

ALTER TABLE written_groups ADD COLUMN chain TEXT NOT NULL DEFAULT '';

UPDATE written_groups SET
    seq = COALESCE((SELECT last_seq FROM audit_outbox ORDER BY last_seq DESC LIMIT 1), 0),
    chain = COALESCE((SELECT chain FROM audit_outbox ORDER BY last_seq DESC LIMIT 1), '');
