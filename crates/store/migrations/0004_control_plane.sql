-- What holds managed HSMs as resources, and who may manage it. Names are compared by their folded form.

CREATE TABLE subscriptions (
    id       TEXT NOT NULL PRIMARY KEY,
    resource TEXT NOT NULL
);

CREATE TABLE resource_groups (
    subscription TEXT NOT NULL REFERENCES subscriptions (id),
    folded       TEXT NOT NULL,
    resource     TEXT NOT NULL,
    PRIMARY KEY (subscription, folded)
);

CREATE TABLE control_role_assignments (
    id              TEXT NOT NULL PRIMARY KEY,
    position        BIGINT NOT NULL,
    role_definition TEXT NOT NULL,
    principal       TEXT NOT NULL,
    scope           TEXT NOT NULL
);

-- A gateway's HSM could do without a resource group; now each is in one, and that is its name.
UPDATE hsms SET resource = REPLACE(resource, '"resource_group":""', '"resource_group":"default"');
