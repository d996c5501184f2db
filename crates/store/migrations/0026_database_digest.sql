-- After a clean stop the digest of the database is beside it. Versions before this one would change the database and leave the digest,
-- so that they must not open it.
SELECT 1;
