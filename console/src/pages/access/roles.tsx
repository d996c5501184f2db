import type { Permission, RoleDefinition } from "../../gen/strongroom/v1/access_pb.js";
import { lastSegment } from "../../model/names.js";
import { Badge } from "../../ui/text.js";

/** The role definitions, custom ones first. */
export function Roles({ roles }: { roles: readonly RoleDefinition[] }) {
  const custom = roles.filter(isCustom);
  const sorted = [...custom, ...roles.filter((role) => !isCustom(role))];
  return (
    <section>
      <h2>Roles</h2>
      <p class="note">
        {roles.length} roles, {custom.length} of them custom.
      </p>
      {sorted.map((role) => (
        <details key={role.name} class="card">
          <summary>
            {role.roleName} {isCustom(role) && <Badge tone="neutral">custom</Badge>}
          </summary>
          <div>
            {role.description !== "" && <p>{role.description}</p>}
            <p class="note">
              <code>{lastSegment(role.name)}</code>
            </p>
            {role.permissions.map((permission, index) => (
              <Permissions key={index} of={permission} />
            ))}
          </div>
        </details>
      ))}
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
          <>
            <dt>{title}</dt>
            <dd>
              {names.map((name) => (
                <div key={name}>
                  <code>{name}</code>
                </div>
              ))}
            </dd>
          </>
        ))}
    </dl>
  );
}
