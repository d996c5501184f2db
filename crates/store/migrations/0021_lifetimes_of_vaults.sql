-- The lifetimes of vaults, in the tables of those of managed HSMs: a row for each vault, and one for each of its phases.
-- Vaults that were created before had none.

INSERT INTO hsm_lives (id, name, subscription, resource_group, location, sku)
SELECT json_extract(resource, '$.id'), 'vaults/' || json_extract(resource, '$.name'),
    json_extract(resource, '$.subscription'), json_extract(resource, '$.resource_group'),
    json_extract(resource, '$.location'), json_extract(resource, '$.sku')
FROM vaults;

INSERT INTO hsm_phases (hsm_id, position, at, phase)
SELECT json_extract(resource, '$.id'), 0,
    CAST(ROUND((julianday(json_extract(resource, '$.created')) - 2440587.5) * 86400) AS INTEGER) * 1000000, 'running'
FROM vaults;

INSERT INTO hsm_phases (hsm_id, position, at, phase)
SELECT json_extract(resource, '$.id'), 1,
    CAST(ROUND((julianday(json_extract(resource, '$.deletion.deleted_at')) - 2440587.5) * 86400) AS INTEGER) * 1000000,
    'deleted'
FROM vaults
WHERE json_extract(resource, '$.deletion.deleted_at') IS NOT NULL;
