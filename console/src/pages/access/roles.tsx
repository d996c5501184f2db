import { Fragment } from "preact";
import { useState } from "preact/hooks";
import { forgetRoles } from "../../access/roles.js";
import { forgetVerdicts } from "../../access/verdict.js";
import type { Permission, RoleDefinition } from "../../gen/strongroom/v1/access_pb.js";
import { lastSegment } from "../../model/names.js";
import { ActionButton } from "../../ui/button.js";
import { Badge } from "../../ui/text.js";
import type { Place } from "./place.js";
import { CreateRoleDialog, DeleteRoleDialog, roleQuestion } from "./role-dialogs.js";

interface Props {
  place: Place;
  roles: readonly RoleDefinition[];
  changed: () => void;
}

/** The role definitions, custom ones first. */
export function Roles({ place, roles, changed }: Props) {
  const [creating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState<RoleDefinition | undefined>(undefined);
  const custom = roles.filter(isCustom);
  const sorted = [...custom, ...roles.filter((role) => !isCustom(role))];
  const close = (done: boolean) => {
    setCreating(false);
    setDeleting(undefined);
    if (done) {
      forgetRoles();
      forgetVerdicts();
      changed();
    }
  };
  return (
    <section>
      <h2>Roles</h2>
      <div class="toolbar">
        <ActionButton ask={roleQuestion(place, "write")} onClick={() => setCreating(true)}>
          Create role
        </ActionButton>
        <p class="note">
          {roles.length} roles, {custom.length} of them custom.
        </p>
      </div>
      {sorted.map((role) => (
        <details key={role.name} class="card">
          <summary>
            {role.roleName} {isCustom(role) && <Badge tone="neutral">custom</Badge>}
          </summary>
          <div class="stack">
            {role.description !== "" && <p>{role.description}</p>}
            <p class="note">
              <code>{lastSegment(role.name)}</code>
            </p>
            {role.permissions.map((permission, index) => (
              <Permissions key={index} of={permission} />
            ))}
            {isCustom(role) && (
              <p>
                <ActionButton
                  kind="danger"
                  ask={roleQuestion(place, "delete")}
                  label={`Delete role ${role.roleName}`}
                  onClick={() => setDeleting(role)}
                >
                  Delete
                </ActionButton>
              </p>
            )}
          </div>
        </details>
      ))}
      {creating && <CreateRoleDialog place={place} onClose={close} />}
      {deleting !== undefined && <DeleteRoleDialog place={place} role={deleting} onClose={close} />}
    </section>
  );
}

function isCustom({ type }: RoleDefinition): boolean {
  return type === "CustomRole";
}

function Permissions({ of: { actions, notActions, dataActions, notDataActions } }: { of: Permission }) {
  const lists: [string, readonly string[]][] = [
    ["Actions", actions],
    ["Excluded actions", notActions],
    ["Data actions", dataActions],
    ["Excluded data actions", notDataActions],
  ];
  return (
    <dl class="facts">
      {lists
        .filter(([, names]) => names.length > 0)
        .map(([title, names]) => (
          <Fragment key={title}>
            <dt>{title}</dt>
            <dd>
              {names.map((name) => (
                <div key={name}>
                  <code>{name}</code>
                </div>
              ))}
            </dd>
          </Fragment>
        ))}
    </dl>
  );
}
