-- Resource groups have tags; those that were made before have none.

UPDATE resource_groups SET resource = json_set(resource, '$.tags', json('{}'));
