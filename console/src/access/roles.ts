import { authorization, access } from "../api/clients.js";
import type { Permission, RoleDefinition } from "../gen/strongroom/v1/access_pb.js";
import { session } from "../session/session.js";

/** Role definitions by the resource that has them: hsms/{hsm}, or a scope of the control plane. */
const definitions = new Map<string, Promise<RoleDefinition[]>>();

session.follow(() => definitions.clear());

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
export async function rolesThatGrant(parent: string, action: string, kind: "actions" | "dataActions"): Promise<string[]> {
  const roles = await listRoles(parent).catch(() => []);
  return roles
    .filter(({ permissions }) => permissions.some((permission) => grants(permission, action, kind)))
    .sort((left, right) => breadth(left, kind) - breadth(right, kind))
    .map(({ roleName }) => roleName);
}

function grants(permission: Permission, action: string, kind: "actions" | "dataActions"): boolean {
  const excluded = kind === "actions" ? permission.notActions : permission.notDataActions;
  return permission[kind].some((pattern) => matches(pattern, action)) && !excluded.some((pattern) => matches(pattern, action));
}

/** Whether a pattern covers an action: `*` is any sequence of characters, in any case. */
export function matches(pattern: string, action: string): boolean {
  const source = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${source.join(".*")}$`, "i").test(action);
}

/** A rough measure of how much a role grants: a pattern counts for more the shorter it is. */
function breadth({ permissions }: RoleDefinition, kind: "actions" | "dataActions"): number {
  const weight = (pattern: string) => (pattern.includes("*") ? 1000 / pattern.length : 1);
  return permissions.flatMap((permission) => permission[kind]).reduce((sum, pattern) => sum + weight(pattern), 0);
}
