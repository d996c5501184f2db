import { useEffect, useState } from "preact/hooks";
import { audit } from "../../api/clients.js";
import type { AuditRecord } from "../../gen/strongroom/v1/audit_pb.js";
import { subscriptionOf } from "../../model/names.js";
import { SECOND, toMillis, toTimestamp } from "../../model/time.js";
import { auditAddress, callerName } from "../audit/record.js";
import type { DeletedItem } from "./item.js";

/** Who has deleted what, by resource name. Items whose record was not found are missing. */
export type Deleters = ReadonlyMap<string, AuditRecord>;

/** How many calls look for the records of one kind of deletion in one subscription. */
const MOST_CALLS = 5;

/** A time of a record and the deletion that it is about differ by less: the log has milliseconds. */
const TOLERANCE_MS = SECOND;

/** Looks in the audit log for the deletions of items. Whoever may not read it sees none. */
export function useDeleters(items: readonly DeletedItem[]): Deleters {
  const [found, setFound] = useState<Deleters>(new Map());
  useEffect(() => {
    let wanted = true;
    setFound(new Map());
    void findDeleters(items, (next) => wanted && setFound((previous) => new Map([...previous, ...next])));
    return () => {
      wanted = false;
    };
  }, [items.map(({ resource, deletedAt }) => `${resource} ${deletedAt?.seconds}`).join()]);
  return found;
}

/** One search finds the deletions of one kind in a subscription. */
async function findDeleters(items: readonly DeletedItem[], report: (found: Deleters) => void): Promise<void> {
  const groups = new Map<string, DeletedItem[]>();
  for (const item of items) {
    if (item.deletion !== undefined && item.deletedAt !== undefined) {
      const key = `${subscriptionOf(item.deletion.scope)} ${item.deletion.operation}`;
      groups.set(key, [...(groups.get(key) ?? []), item]);
    }
  }
  const search = async ([key, group]: [string, DeletedItem[]]) => {
    const [parent = "", operation = ""] = key.split(" ");
    // A refusal is no error of this page, which shows the link to the audit page instead.
    const records = await deletions(parent, operation, group).catch((): AuditRecord[] => []);
    report(new Map(group.flatMap((item) => {
      const record = records.find((candidate) => isDeletionOf(candidate, item));
      return record === undefined ? [] : [[item.resource, record] as const];
    })));
  };
  await Promise.all([...groups].map(search));
}

async function deletions(parent: string, operation: string, items: readonly DeletedItem[]): Promise<AuditRecord[]> {
  const times = items.map(({ deletedAt }) => toMillis(deletedAt) ?? 0);
  const period = { from: toTimestamp(Math.min(...times) - TOLERANCE_MS), to: toTimestamp(Math.max(...times) + TOLERANCE_MS) };
  const records: AuditRecord[] = [];
  let pageToken = "";
  for (let calls = 0; calls < MOST_CALLS; calls += 1) {
    const page = await audit.listAuditRecords({ parent, operation, result: "Success", pageSize: 1000, pageToken, ...period });
    records.push(...page.records);
    pageToken = page.nextPageToken;
    if (pageToken === "" || items.every((item) => records.some((record) => isDeletionOf(record, item)))) {
      break;
    }
  }
  return records;
}

function isDeletionOf({ target, time }: AuditRecord, { deletion, deletedAt }: DeletedItem): boolean {
  const apart = Math.abs((toMillis(time) ?? 0) - (toMillis(deletedAt) ?? 0));
  return target.toLowerCase() === deletion?.target.toLowerCase() && apart <= TOLERANCE_MS;
}

/** The principal of the deletion, with a link to its record. */
export function DeletedBy({ item: { resource, name, deletion, deletedAt }, deleters }: { item: DeletedItem; deleters: Deleters }) {
  if (deletion === undefined) {
    return <span class="absent">—</span>;
  }
  const { scope, operation, target } = deletion;
  const to = (toMillis(deletedAt) ?? 0) + TOLERANCE_MS;
  const record = deleters.get(resource);
  const address = auditAddress({ at: scope, operation, target, to: new Date(to).toISOString().slice(0, 19) });
  return (
    <a href={address} aria-label={record === undefined ? `Who deleted ${name}, in the audit log` : undefined}>
      {record === undefined ? "audit log" : callerName(record)}
    </a>
  );
}
