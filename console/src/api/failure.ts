import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";

/** What a refused principal lacks. */
export interface Denial {
  readonly principal: string;
  readonly plane: string;
  readonly action: string;
  readonly scope: string;
  /** Built-in roles that grant the action, those with the fewest permissions first. */
  readonly roles: readonly string[];
  /** The permission of access policies, if those decide. */
  readonly permission: string | undefined;
}

/** A failed call, or another error, as the console shows it. */
export interface Failure {
  readonly message: string;
  /** The stable reason of the service, such as KEY_NOT_FOUND; undefined for errors that are not the service's. */
  readonly reason: string | undefined;
  readonly code: Code | undefined;
  readonly denial: Denial | undefined;
  /** The facts of the service that are in no other member. */
  readonly facts: ReadonlyMap<string, string>;
}

/** A list that was refused or failed, and what it is of. */
export interface Refusal {
  readonly what: string;
  readonly failure: Failure;
}

const DENIAL_FACTS = ["principal", "plane", "action", "scope", "roles", "permission"];

export function toFailure(error: unknown): Failure {
  if (!(error instanceof ConnectError)) {
    const message = error instanceof Error ? error.message : String(error);
    return { message, reason: undefined, code: undefined, denial: undefined, facts: new Map() };
  }
  const info = error.findDetails(ErrorInfoSchema)[0];
  const facts = new Map(Object.entries(info?.metadata ?? {}));
  const denial = error.code === Code.PermissionDenied ? toDenial(facts) : undefined;
  if (denial !== undefined) {
    DENIAL_FACTS.forEach((name) => facts.delete(name));
  }
  return { message: message(error), reason: info?.reason, code: error.code, denial, facts };
}

function message(error: ConnectError): string {
  if (error.rawMessage === "Failed to fetch" || error.rawMessage.startsWith("NetworkError")) {
    return "the service cannot be reached";
  }
  return error.rawMessage === "" ? `the call failed: ${Code[error.code]}` : error.rawMessage;
}

function toDenial(facts: ReadonlyMap<string, string>): Denial | undefined {
  const action = facts.get("action");
  if (action === undefined) {
    return undefined;
  }
  return {
    action,
    principal: facts.get("principal") ?? "",
    plane: facts.get("plane") ?? "",
    scope: facts.get("scope") ?? "",
    roles: (facts.get("roles") ?? "").split(", ").filter(Boolean),
    permission: facts.get("permission"),
  };
}

/** Whether the caller ended the call itself, for example because the page was left. */
export function isCancelled(error: unknown): boolean {
  return ConnectError.from(error).code === Code.Canceled;
}

/** Whether a stream may succeed when it is opened again: the credential had expired, or the service or the network was not there. */
export function isTransient({ reason, denial, code }: Failure): boolean {
  return denial === undefined && (code === Code.Unauthenticated || code === Code.Unavailable || (code === Code.Unknown && reason === undefined));
}
