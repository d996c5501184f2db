-- The family of AES modes that a key version is bound to (gcm, cbc, keyWrap); NULL while it is bound to none.
ALTER TABLE key_versions ADD COLUMN mode_family TEXT;
