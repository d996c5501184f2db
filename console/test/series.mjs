import assert from "node:assert/strict";
import test from "node:test";

import { parseDecimal } from "../src/model/decimal.ts";
import { DAY, toTimestamp } from "../src/model/time.ts";
import { dayRows, linesOf } from "../src/pages/cost/series.ts";

const from = Date.UTC(2050, 0, 1);
const day = (index) => from + index * DAY;

/** An HSM that ran on two days, was soft-deleted for one, and ran again. */
function costs(forecast) {
  const amount = parseDecimal("10");
  const days = new Map([0, 1, 2, 3].map((index) => [day(index), { amount, deleted: index === 2 }]));
  const container = { life: "1", name: "payroll", resource: "", days, running: amount, softDeleted: amount, forecast };
  return { from, to: day(10), until: day(3) + DAY / 2, containers: [container], budgets: [] };
}

test("each state is a line of its own that continues the one before", () => {
  const lines = linesOf(costs(undefined));
  assert.deepEqual(lines.map(({ kind, last }) => [kind, last]), [
    ["running", false],
    ["soft-deleted", false],
    ["running", true],
  ]);
  assert.deepEqual([...lines[0].points], [[day(0), 0], [day(1), 10], [day(2), 20]]);
  assert.deepEqual([...lines[1].points], [[day(2), 20], [day(3), 30]]);
  assert.deepEqual([...lines[2].points], [[day(3), 30], [day(3) + DAY / 2, 40]]);
});

test("a forecast ends with the purge", () => {
  const forecast = { state: "soft-deleted", costPerDay: "10", to: toTimestamp(day(5) + DAY / 2) };
  const expected = linesOf(costs(forecast)).at(-1);
  assert.equal(expected.kind, "forecast");
  assert.deepEqual([...expected.points], [[day(3) + DAY / 2, 40], [day(5) + DAY / 2, 60], [day(10), 60]]);
});

test("the table has the days until now", () => {
  assert.deepEqual(dayRows(costs(undefined)).map(({ amounts }) => amounts), [[10], [10], [10], [10]]);
});

test("with several containers there is a total", () => {
  const one = costs({ state: "running", costPerDay: "10" });
  const later = { ...one.containers[0], life: "2", days: new Map([[day(2), { amount: parseDecimal("5"), deleted: false }]]), forecast: undefined };
  const [recorded, expected] = linesOf({ ...one, containers: [...one.containers, later] }).filter(({ name }) => name === "Total");
  assert.deepEqual([...recorded.points], [[day(0), 0], [day(1), 10], [day(2), 20], [day(3), 35], [day(3) + DAY / 2, 45]]);
  assert.deepEqual([expected.kind, expected.last, expected.points.get(day(10))], ["forecast", true, 110]);
});
