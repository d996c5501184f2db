import { parseDecimal, toNumber } from "../../model/decimal.js";
import { DAY, toMillis } from "../../model/time.js";
import type { ContainerCosts, Costs } from "./data.js";

/** A stretch of a line: accrued cost by instant. */
export interface Line {
  readonly name: string;
  /** The index of the colour of its container. */
  readonly colour: number;
  readonly kind: "running" | "soft-deleted" | "forecast";
  readonly points: ReadonlyMap<number, number>;
  /** Whether its end is labelled with the name. */
  readonly last: boolean;
}

/** The accrued cost of each container, in stretches of one state, and what is expected. */
export function linesOf(costs: Costs): Line[] {
  return costs.containers.flatMap((container, colour) => containerLines(container, colour, costs));
}

function containerLines(container: ContainerCosts, colour: number, { from, to, until }: Costs): Line[] {
  const lines: Line[] = [];
  const { name, days } = container;
  let accrued = 0;
  let kind: "running" | "soft-deleted" | undefined;
  let points = new Map<number, number>();
  const finish = () => {
    if (kind !== undefined && points.size > 1) {
      lines.push({ name, colour, kind, points, last: false });
    }
  };
  const sorted = [...days.keys()].sort((left, right) => left - right);
  for (const day of sorted) {
    const costs = days.get(day);
    const next = costs?.deleted === true ? "soft-deleted" : "running";
    if (next !== kind) {
      finish();
      kind = next;
      points = new Map([[Math.max(day, from), accrued]]);
    }
    accrued += costs === undefined ? 0 : toNumber(costs.amount);
    points.set(Math.min(day + DAY, until), accrued);
  }
  finish();
  const expected = expectation(container, accrued, until, to);
  if (expected !== undefined) {
    lines.push({ name, colour, kind: "forecast", points: expected, last: false });
  }
  const end = lines.at(-1);
  return end === undefined ? [] : [...lines.slice(0, -1), { ...end, last: true }];
}

/** From now to the end of the period, or to the purge, at today's cost per day. */
function expectation({ forecast }: ContainerCosts, accrued: number, until: number, to: number): Map<number, number> | undefined {
  if (forecast === undefined) {
    return undefined;
  }
  const purge = forecast.state === "soft-deleted" ? (toMillis(forecast.to) ?? to) : to;
  const end = Math.max(until, Math.min(to, purge));
  const final = accrued + (toNumber(parseDecimal(forecast.costPerDay)) * (end - until)) / DAY;
  const points = new Map([
    [until, accrued],
    [end, final],
  ]);
  return points.set(to, final);
}

/** The days of a period by their first instants. */
export function daysOf({ from, to }: Pick<Costs, "from" | "to">): number[] {
  return Array.from({ length: Math.ceil((to - from) / DAY) }, (_, index) => from + index * DAY);
}

/** The cost of each container on each day, for the table. */
export function dayRows(costs: Costs): { day: number; amounts: readonly (number | undefined)[] }[] {
  return daysOf(costs)
    .filter((day) => day < costs.until)
    .map((day) => ({
      day,
      amounts: costs.containers.map(({ days }) => {
        const found = days.get(day);
        return found === undefined ? undefined : toNumber(found.amount);
      }),
    }));
}
