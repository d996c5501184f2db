import { authorization, access, vaults } from "../api/clients.js";
import type { Denial, Failure } from "../api/failure.js";
import type { RoleAssignment } from "../gen/strongroom/v1/access_pb.js";
import { decidedByPolicies } from "../model/containers.js";
import { type Container, dataPlane } from "../model/names.js";
import { session } from "../session/session.js";
import { rolesThatGrant } from "./roles.js";

/** Whether a principal may do something: an action at a scope of a plane. */
export type Question =
  | { readonly plane: "hsm"; readonly hsm: string; readonly action: string; readonly scope: string }
  | {
      readonly plane: "vault";
      readonly vault: string;
      readonly action: string;
      readonly object: string;
      /** Whether access policies decide, so that no role grants anything. */
      readonly byPolicies: boolean;
    }
  | { readonly plane: "control"; readonly scope: string; readonly action: string };

/** Who asks about whom. */
export interface Subject {
  readonly id: string;
  readonly groups: readonly string[];
}

/** The answer of the service. */
export interface Verdict {
  readonly allowed: boolean;
  readonly action: string;
  readonly scope: string;
  readonly reason: string;
  /** The role that grants it. */
  readonly roleName: string;
  readonly assignment: RoleAssignment | undefined;
  /** If it is refused: the roles that would grant it, as far as the caller may read them. */
  readonly roles: readonly string[];
  /** If access policies decide: the permission that one must list. */
  readonly permission: string | undefined;
}

/** A question about an object or the whole of a container; undefined if the container's resource name is not known. */
export function containerQuestion(container: Container, actions: ActionNames, object: string): Question | undefined {
  if (container.kind === "hsm") {
    return actions.hsm === undefined
      ? undefined
      : { plane: "hsm", hsm: dataPlane(container), action: actions.hsm, scope: object === "" ? "/" : `/${object}` };
  }
  return container.resource === undefined
    ? undefined
    : { plane: "vault", vault: container.resource, action: actions.vault, object, byPolicies: decidedByPolicies(container) };
}

/** The short name of an action in managed HSMs, and in vaults. */
export interface ActionNames {
  readonly hsm?: string;
  readonly vault: string;
}

/** Asks the service, by the same rule as it decides. Fails if the caller may not read role assignments at the scope. */
export async function ask(question: Question, subject: Subject): Promise<Verdict> {
  const principal = { principalId: subject.id, groupIds: [...subject.groups] };
  switch (question.plane) {
    case "hsm": {
      const { hsm: parent, action, scope } = question;
      const reply = await access.checkAccess({ parent, action, scope, ...principal });
      const roles = reply.allowed ? [] : await rolesThatGrant(parent, reply.action, "dataActions");
      return { ...reply, assignment: reply.roleAssignment, roles, permission: undefined };
    }
    case "vault": {
      const { vault: name, action, object, byPolicies } = question;
      const reply = await vaults.checkVaultAccess({ name, action, object, ...principal });
      const roles = reply.allowed || byPolicies ? [] : await rolesThatGrant(name, reply.action, "dataActions");
      return { ...reply, assignment: reply.roleAssignment, roles, permission: byPolicies ? reply.permission : undefined };
    }
    case "control": {
      const { scope: parent, action } = question;
      const reply = await authorization.checkControlAccess({ parent, action, ...principal });
      const roles = reply.allowed ? [] : await rolesThatGrant(parent, reply.action, "actions");
      return { ...reply, assignment: reply.roleAssignment, roles, permission: undefined };
    }
  }
}

const own = new Map<string, Promise<Denial | undefined>>();

session.follow(() => own.clear());

/** Forgets answers, because assignments have changed. */
export function forgetVerdicts(): void {
  own.clear();
}

/**
 * What the signed-in principal lacks; undefined if it is allowed, or if nobody knows because it may not read role assignments. In that
 * case the attempt tells, see `rememberRefusal`.
 */
export function ownDenial(question: Question): Promise<Denial | undefined> {
  const key = JSON.stringify(question);
  let known = own.get(key);
  if (known === undefined) {
    known = askForOneself(question);
    own.set(key, known);
  }
  return known;
}

async function askForOneself(question: Question): Promise<Denial | undefined> {
  const current = session.get();
  if (current === undefined) {
    return undefined;
  }
  try {
    const { allowed, action, scope, roles, permission } = await ask(question, current);
    return allowed ? undefined : { principal: current.id, plane: question.plane, action, scope, roles, permission };
  } catch {
    return undefined;
  }
}

/** Learns from a refused call what the principal lacks. */
export function rememberRefusal(question: Question | undefined, { denial }: Failure): void {
  if (question !== undefined && denial !== undefined) {
    own.set(JSON.stringify(question), Promise.resolve(denial));
  }
}
