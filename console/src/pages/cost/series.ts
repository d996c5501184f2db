import { parseDecimal, toNumber } from "../../model/decimal.js";
import { DAY, toMillis } from "../../model/time.js";
import type { ContainerCosts, Costs } from "./data.js";

/** A stretch of a line: accrued cost by instant. */
export interface Line {
  readonly name: string;
  /** The index of the colour of its container; undefined for the total. */
  readonly colour: number | undefined;
  readonly kind: "running" | "soft-deleted" | "forecast";
  readonly points: ReadonlyMap<number, number>;
  /** Whether its end is labelled with the name. */
  readonly last: boolean;
}

/** The accrued cost of each container, in stretches of one state, and what is expected; with several, their total, too. */
export function linesOf(costs: Costs): Line[] {
  const containers = costs.containers.map((container, colour) => containerLines(container, colour, costs));
  const charged = containers.filter((lines) => lines.some(({ points }) => [...points.values()].some((value) => value >= 0.01)));
  return [...containers.flat(), ...(charged.length > 1 ? totalLines(charged, costs.until) : [])];
}

/** The sum of the lines of all containers, which budgets of the subscription are compared with. */
function totalLines(containers: readonly (readonly Line[])[], until: number): Line[] {
  const all = containers.map((lines) => new Map(lines.flatMap(({ points }) => [...points])));
  const instants = [...new Set(all.flatMap((points) => [...points.keys()]))].sort((left, right) => left - right);
  const sum = (instant: number) => all.reduce((total, points) => total + valueAt(points, instant), 0);
  const line = (kind: Line["kind"], part: readonly number[], last: boolean): Line[] =>
    part.length < 2 ? [] : [{ name: "Total", colour: undefined, kind, points: new Map(part.map((instant) => [instant, sum(instant)])), last }];
  const recorded = line("running", instants.filter((instant) => instant <= until), false);
  const expected = line("forecast", instants.filter((instant) => instant >= until), true);
  return expected.length > 0 ? [...recorded, ...expected] : recorded.map((only) => ({ ...only, last: true }));
}

/** The value of a line between its points; zero before the first. */
function valueAt(points: ReadonlyMap<number, number>, instant: number): number {
  let before: [number, number] | undefined;
  for (const point of points) {
    if (point[0] > instant) {
      return before === undefined ? 0 : before[1] + ((point[1] - before[1]) * (instant - before[0])) / (point[0] - before[0]);
    }
    before = point;
  }
  return before?.[1] ?? 0;
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
