import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Question } from "../../access/verdict.js";
import { type Refusal, toFailure } from "../../api/failure.js";
import type { Forecast } from "../../gen/strongroom/v1/usage_pb.js";

/** The record of a deletion in the audit log. */
export interface Deletion {
  /** The scope of the control plane whose records contain it. */
  readonly scope: string;
  readonly operation: string;
  /** Its target, which is compared without case. */
  readonly target: string;
}

export type ItemType = "Managed HSM" | "Vault" | "Key" | "Secret" | "Certificate";

/** Something that is soft-deleted, of whatever kind. */
export interface DeletedItem {
  readonly type: ItemType;
  /** The resource name, which is unique. */
  readonly resource: string;
  readonly name: string;
  /** The container that it is in; empty for containers. */
  readonly container: string;
  readonly deletedAt: Timestamp | undefined;
  /** Where the audit log has the record of the deletion; undefined if the principal may not list the container. */
  readonly deletion: Deletion | undefined;
  readonly purgeAt: Timestamp | undefined;
  readonly recoveryLevel: string;
  /** What it costs while it waits; undefined for what is in a container, and if the principal may not read costs. */
  readonly forecast: Forecast | undefined;
  /** Whether it changes only together with the certificate of the same name. */
  readonly managed: boolean;
  readonly recover: () => Promise<unknown>;
  readonly purge: () => Promise<unknown>;
  readonly askRecover: Question | undefined;
  readonly askPurge: Question | undefined;
}

/** Whether the service refuses every purge before the scheduled purge date. */
export function isProtected({ recoveryLevel }: DeletedItem): boolean {
  return !recoveryLevel.includes("Purgeable");
}

export interface DeletedItems {
  readonly items: readonly DeletedItem[];
  readonly refused: readonly Refusal[];
}

/** Runs lists side by side; those that are refused are reported in the result. */
export async function gather(lists: readonly { what: string; list: Promise<readonly DeletedItem[]> }[]): Promise<DeletedItems> {
  const items: DeletedItem[] = [];
  const refused: Refusal[] = [];
  const wait = async ({ what, list }: (typeof lists)[number]) => {
    try {
      items.push(...(await list));
    } catch (error) {
      refused.push({ what, failure: toFailure(error) });
    }
  };
  await Promise.all(lists.map(wait));
  const due = ({ purgeAt }: DeletedItem) => Number(purgeAt?.seconds ?? 0n);
  items.sort((left, right) => due(left) - due(right) || left.resource.localeCompare(right.resource));
  refused.sort((left, right) => left.what.localeCompare(right.what));
  return { items, refused };
}
