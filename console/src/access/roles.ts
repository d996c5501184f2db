import { authorization, access } from "../api/clients.js";
import type { RoleDefinition } from "../gen/strongroom/v1/access_pb.js";
import { session } from "../session/session.js";

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
