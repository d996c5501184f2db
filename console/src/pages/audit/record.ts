import type { AuditRecord } from "../../gen/strongroom/v1/audit_pb.js";
import { hrefWith } from "../../router.js";
import { principalName } from "../../session/config.js";

/** Which records are shown; what is empty selects all. */
export interface Filter {
  /** A scope of the control plane. */
  readonly at: string;
  readonly operation: string;
  readonly principal: string;
  readonly result: string;
  readonly target: string;
  /** The period, as `<input type="datetime-local">` has it, in UTC. */
  readonly from: string;
  readonly to: string;
}

/** The address of the audit page with filters. */
export function auditAddress(filter: Partial<Filter>): string {
  return hrefWith(["audit"], { ...filter });
}

/** What names the caller of a record best; empty for calls without a valid credential. */
export function callerName({ user, principalId, application, client }: AuditRecord): string {
  const known = principalName(principalId);
  if (known !== principalId) {
    return known;
  }
  return user || principalId || application || (client.startsWith("strongroom-") ? client : "");
}
