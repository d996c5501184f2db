import { authorization, access } from "../api/clients.js";
import type { RoleDefinition } from "../gen/strongroom/v1/access_pb.js";
import { session } from "../session/session.js";
import { type ActionKind, breadth, grants } from "./pattern.js";

/** Role definitions by the resource that has them: hsms/{hsm}, or a scope of the control plane. */
const definitions = new Map<string, Promise<RoleDefinition[]>>();

session.follow(() => definitions.clear());

/** Forgets definitions, because they have changed. */
export function forgetRoles(): void {
  definitions.clear();
}

/** The role definitions of an HSM, or of a scope of the control plane. */
export function listRoles(parent: string): Promise<RoleDefinition[]> {
  let found = definitions.get(parent);
  if (found === undefined) {
    found = fetchRoles(parent);
    found.catch(() => definitions.delete(parent));
    definitions.set(parent, found);
  }
  return found;
}

async function fetchRoles(parent: string): Promise<RoleDefinition[]> {
  const { roleDefinitions } = parent.startsWith("hsms/")
    ? await access.listRoleDefinitions({ parent })
    : await authorization.listControlRoleDefinitions({ parent });
  return roleDefinitions;
}

/** The names of the roles that grant an action, those with the fewest permissions first; empty if they may not be read. */
export async function rolesThatGrant(parent: string, action: string, kind: ActionKind): Promise<string[]> {
  const roles = await listRoles(parent).catch(() => []);
  return roles
    .filter(({ permissions }) => permissions.some((permission) => grants(permission, action, kind)))
    .sort((left, right) => breadth(left.permissions, kind) - breadth(right.permissions, kind))
    .map(({ roleName }) => roleName);
}
