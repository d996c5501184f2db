import { usage } from "../../api/clients.js";
import type { Budget, Forecast, Statement } from "../../gen/strongroom/v1/usage_pb.js";
import { add, type Decimal, parseDecimal, ZERO } from "../../model/decimal.js";
import { DAY, toMillis, toTimestamp } from "../../model/time.js";

/** The costs of a managed HSM or vault in a period. One that reuses the name of a purged one is another. */
export interface ContainerCosts {
  readonly life: string;
  readonly name: string;
  /** The resource name on the control plane. */
  readonly resource: string;
  readonly days: ReadonlyMap<number, DayCosts>;
  readonly running: Decimal;
  readonly softDeleted: Decimal;
  /** What it will cost, if the period includes the present, and it is not purged. */
  readonly forecast: Forecast | undefined;
}

export interface DayCosts {
  readonly amount: Decimal;
  /** Whether it was soft-deleted, at least for a part of the day. */
  readonly deleted: boolean;
}

/** The costs of a subscription in a period. */
export interface Costs {
  readonly from: number;
  readonly to: number;
  /** The end of what is recorded. */
  readonly until: number;
  readonly statement: Statement;
  readonly containers: readonly ContainerCosts[];
  readonly budgets: readonly Budget[];
}

/** The columns of a FOCUS row that the page uses. */
interface Row {
  readonly BilledCost: string | number;
  readonly ChargePeriodStart: string;
  readonly ResourceId: string;
  readonly Tags: string;
}

export async function fetchCosts(parent: string, from: number, to: number): Promise<Costs> {
  const period = { parent, from: toTimestamp(from), to: toTimestamp(to) };
  const [statement, text, { budgets }] = await Promise.all([
    usage.getStatement(period),
    exportUsage(parent, from, to, "json"),
    usage.listBudgets({ parent }).catch(() => ({ budgets: [] })),
  ]);
  const until = Math.min(toMillis(statement.until) ?? to, to);
  const rows = text.split("\n").filter(Boolean).map((line) => JSON.parse(line) as Row);
  const containers = byContainer(rows);
  // The forecast begins at the present, which is not in a past period.
  const current = until < to;
  const withForecasts = await Promise.all(
    containers.map(async (container) => ({ ...container, forecast: current ? await forecast(container.resource) : undefined })),
  );
  return { from, to, until, statement, containers: withForecasts, budgets };
}

/** The costs by day as a file with the columns of FOCUS. */
export async function exportUsage(parent: string, from: number, to: number, format: "csv" | "json"): Promise<string> {
  const chunks: string[] = [];
  let pageToken = "";
  do {
    const chunk = await usage.exportUsage({ parent, from: toTimestamp(from), to: toTimestamp(to), format, pageToken });
    chunks.push(new TextDecoder().decode(chunk.content));
    pageToken = chunk.nextPageToken;
  } while (pageToken !== "");
  return chunks.join("");
}

/** A purged one has no forecast, and permissions to read forecasts are others. */
async function forecast(name: string): Promise<Forecast | undefined> {
  return usage.getForecast({ name }).catch(() => undefined);
}

function byContainer(rows: readonly Row[]): Omit<ContainerCosts, "forecast">[] {
  const found = new Map<string, { resource: string; days: Map<number, DayCosts>; running: Decimal; softDeleted: Decimal }>();
  for (const { BilledCost, ChargePeriodStart, ResourceId, Tags } of rows) {
    const { life, state } = JSON.parse(Tags) as { life: string; state: string };
    const amount = parseDecimal(String(BilledCost));
    const day = Math.floor(Date.parse(ChargePeriodStart) / DAY) * DAY;
    const deleted = state === "soft-deleted";
    const costs = found.get(life) ?? { resource: controlName(ResourceId), days: new Map<number, DayCosts>(), running: ZERO, softDeleted: ZERO };
    const before = costs.days.get(day);
    costs.days.set(day, { amount: add(before?.amount ?? ZERO, amount), deleted: deleted || before?.deleted === true });
    if (deleted) {
      costs.softDeleted = add(costs.softDeleted, amount);
    } else {
      costs.running = add(costs.running, amount);
    }
    found.set(life, costs);
  }
  return [...found].map(([life, costs]) => ({ life, name: costs.resource.slice(costs.resource.lastIndexOf("/") + 1), ...costs }));
}

/** The name for rpcs of the container that has, or contains what has, an Azure resource id. */
function controlName(resourceId: string): string {
  const parts = /^\/(subscriptions\/[^/]+\/resourceGroups\/[^/]+)\/providers\/Microsoft\.KeyVault\/(managedHSMs|vaults)\/([^/]+)/i.exec(resourceId);
  if (parts === null) {
    return resourceId;
  }
  const [, group, collection = "", name] = parts;
  return `${group}/${collection.toLowerCase() === "vaults" ? "vaults" : "managedHsms"}/${name}`;
}

export function total({ running, softDeleted }: Pick<ContainerCosts, "running" | "softDeleted">): Decimal {
  return add(running, softDeleted);
}
