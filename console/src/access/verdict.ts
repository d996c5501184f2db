import { authorization, access, vaults } from "../api/clients.js";
import type { Denial, Failure } from "../api/failure.js";
import type { AccessDecision, RoleAssignment } from "../gen/strongroom/v1/access_pb.js";
import type { VaultAccessDecision } from "../gen/strongroom/v1/vault_pb.js";
import { decidedByPolicies } from "../model/containers.js";
import { type Container, dataPlane } from "../model/names.js";
import { session } from "../session/session.js";

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
  /** If it is refused: the built-in roles that would grant it. */
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
  return container.resource === undefined || actions.vault === undefined
    ? undefined
    : { plane: "vault", vault: container.resource, action: actions.vault, object, byPolicies: decidedByPolicies(container) };
}

/** The short name of an action in managed HSMs, and in vaults. */
export interface ActionNames {
  readonly hsm?: string;
  readonly vault?: string;
}

/** Asks the service, by the same rule as it decides. Fails if the caller asks about others, and may not read role assignments at the scope. */
export async function ask(question: Question, subject: Subject): Promise<Verdict> {
  const decision = await decide(question, subject);
  const { allowed, action, scope, reason, roleName, roleAssignment, grantingRoles } = decision;
  const byPolicies = question.plane === "vault" && question.byPolicies;
  return {
    allowed,
    action,
    scope,
    reason,
    roleName,
    assignment: roleAssignment,
    roles: byPolicies ? [] : grantingRoles,
    permission: byPolicies && "permission" in decision ? decision.permission : undefined,
  };
}

/** The decisions on vaults have a permission, too. */
type Decision = AccessDecision | VaultAccessDecision;

/** How many actions the service checks in one call. */
const MOST_ACTIONS = 100;

interface Call {
  readonly actions: string[];
  readonly decisions: Promise<readonly Decision[]>;
}

/** The calls to which questions of this turn are still added, by what they have in common. */
const gathering = new Map<string, Call>();

/** Questions that are asked in the same turn, and differ in their actions only, are one call. */
async function decide(question: Question, subject: Subject): Promise<Decision> {
  const { action, ...place } = question;
  const key = JSON.stringify([place, subject.id, subject.groups]);
  let call = gathering.get(key);
  if (call === undefined || call.actions.length === MOST_ACTIONS) {
    const actions: string[] = [];
    const next: Call = { actions, decisions: endOfTurn(key, actions).then(() => decideAll(question, actions, subject)) };
    gathering.set(key, next);
    call = next;
  }
  const index = call.actions.push(action) - 1;
  const decision = (await call.decisions)[index];
  if (decision === undefined) {
    throw new Error("the service has not decided about every action");
  }
  return decision;
}

/** Waits until all questions of this turn are asked. */
async function endOfTurn(key: string, actions: readonly string[]): Promise<void> {
  await Promise.resolve();
  if (gathering.get(key)?.actions === actions) {
    gathering.delete(key);
  }
}

async function decideAll(question: Question, actions: string[], { id: principalId, groups }: Subject): Promise<readonly Decision[]> {
  const request = { principalId, groupIds: [...groups], actions };
  switch (question.plane) {
    case "hsm":
      return (await access.checkAccess({ ...request, parent: question.hsm, scope: question.scope })).decisions;
    case "vault":
      return (await vaults.checkVaultAccess({ ...request, name: question.vault, object: question.object })).decisions;
    case "control":
      return (await authorization.checkControlAccess({ ...request, parent: question.scope })).decisions;
  }
}

const own = new Map<string, Promise<Denial | undefined>>();

session.follow(() => own.clear());

/** Forgets answers, because assignments have changed. */
export function forgetVerdicts(): void {
  own.clear();
}

/**
 * What the signed-in principal lacks; undefined if it is allowed, or if the service does not answer. In that case the attempt tells, see
 * `rememberRefusal`.
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
