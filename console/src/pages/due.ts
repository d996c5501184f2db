import { usage } from "../api/clients.js";
import { formatMoney } from "../model/decimal.js";
import { fetchInventory } from "../model/containers.js";
import { lastSegment } from "../model/names.js";
import { toMillis } from "../model/time.js";
import { fetchDeleted } from "./deleted/all.js";

/** Something that the service does at an instant of its clock. */
export interface DueEvent {
  readonly at: number;
  readonly what: string;
  readonly subject: string;
  /** Whether it destroys something. */
  readonly purge: boolean;
}

/** What comes due, as far as the principal may read it: purges and budgets, in order. */
export async function fetchDue(): Promise<DueEvent[]> {
  const [{ items }, budgets] = await Promise.all([fetchDeleted(), fetchBudgets()]);
  const purges = items.map(({ purgeAt, type, resource }) => {
    return { at: toMillis(purgeAt) ?? 0, what: `${type} is purged`, subject: resource, purge: true };
  });
  return [...purges, ...budgets].sort((left, right) => left.at - right.at);
}

async function fetchBudgets(): Promise<DueEvent[]> {
  const { subscriptions } = await fetchInventory();
  const lists = await Promise.allSettled(subscriptions.map(({ name }) => usage.listBudgets({ parent: name })));
  return lists
    .flatMap((list) => (list.status === "fulfilled" ? list.value.budgets : []))
    .flatMap(({ name, amount, currency, expected }) => {
      const at = toMillis(expected);
      const what = `Budget of ${formatMoney(amount, currency)} is reached`;
      return at === undefined ? [] : [{ at, what, subject: lastSegment(name), purge: false }];
    });
}
