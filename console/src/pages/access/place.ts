import { MATRIX } from "../../access/actions.js";
import type { Question } from "../../access/verdict.js";
import { access, authorization } from "../../api/clients.js";
import type { RoleAssignment } from "../../gen/strongroom/v1/access_pb.js";
import { decidedByPolicies, type Inventory, knownContainers } from "../../model/containers.js";
import { type Container, dataPlane, kindTitle, lastSegment, segmentAfter } from "../../model/names.js";

/** Where access is decided: the data plane of an HSM or a vault, or a resource of the control plane. */
export interface Place {
  /** Identifies it in the address of the page. */
  readonly id: string;
  readonly title: string;
  readonly plane: "hsm" | "vault" | "control";
  /** hsms/{hsm}, or a scope of the control plane. */
  readonly parent: string;
  /** Whether access policies decide instead of roles. */
  readonly byPolicies: boolean;
}

/** The places that the principal knows. */
export function places(inventory: Inventory): Place[] {
  const control = [...inventory.subscriptions, ...inventory.groups].map(({ name }) => controlPlace(name, groupTitle(name)));
  const resources = inventory.entries.map(({ kind, name, resource = "" }) => controlPlace(resource, `${kindTitle(kind)} ${name} as a resource`));
  return [...knownContainers(inventory).flatMap(dataPlace), ...control, ...resources];
}

function groupTitle(name: string): string {
  const group = segmentAfter(name, "resourceGroups");
  return group === "" ? `Subscription ${lastSegment(name)}` : `Resource group ${group}`;
}

function controlPlace(parent: string, title: string): Place {
  return { id: `control:${parent}`, title, plane: "control", parent, byPolicies: false };
}

/** Questions about a vault go to the control plane, so its resource name must be known. */
function dataPlace(container: Container): Place[] {
  const { kind, name, resource } = container;
  const title = `Contents of ${kindTitle(kind)} ${name}`;
  if (kind === "hsm") {
    return [{ id: `hsm:${name}`, title, plane: "hsm", parent: dataPlane(container), byPolicies: false }];
  }
  return resource === undefined
    ? []
    : [{ id: `vault:${name}`, title, plane: "vault", parent: resource, byPolicies: decidedByPolicies(container) }];
}

/** The actions that the matrix shows at a place. */
export function matrixActions({ plane }: Place): readonly string[] {
  return MATRIX[plane];
}

/** A question about an action at a place; `scope` is /, /keys or /keys/{key} in an HSM, and an object or empty in a vault. */
export function questionAt({ plane, parent, byPolicies }: Place, scope: string, action: string): Question {
  switch (plane) {
    case "hsm":
      return { plane, hsm: parent, action, scope: scope === "" ? "/" : scope };
    case "vault":
      return { plane, vault: parent, action, object: scope, byPolicies };
    case "control":
      return { plane, scope: parent, action };
  }
}

/** The role assignments that apply at a place or are below it. */
export async function listAssignments({ plane, parent }: Place): Promise<RoleAssignment[]> {
  const { roleAssignments } =
    plane === "hsm" ? await access.listRoleAssignments({ parent }) : await authorization.listControlRoleAssignments({ parent });
  return roleAssignments;
}

/** The permission that assigning, or taking away, needs. */
export function assignmentQuestion(place: Place, scope: string, change: "write" | "delete"): Question {
  return place.plane === "hsm"
    ? { plane: "hsm", hsm: place.parent, action: `roleAssignments/${change}`, scope: scope === "" ? "/" : scope }
    : { plane: "control", scope: scope.replace(/^\//, "") || place.parent, action: `Microsoft.Authorization/roleAssignments/${change}` };
}
