import assert from "node:assert/strict";
import test from "node:test";

import { DAY, formatSpan, formatUtc, formatUtcInput, HOUR, monthStart, parseUtcInput, toTimestamp } from "../src/model/time.ts";

test("a span has its two largest units", () => {
  assert.equal(formatSpan(90 * DAY - 1), "89 d 23 h");
  assert.equal(formatSpan(3 * HOUR), "3 h 0 min");
  assert.equal(formatSpan(61_000), "1 min 1 s");
  assert.equal(formatSpan(999), "0 s");
  assert.equal(formatSpan(-5), "0 s");
});

test("instants are shown and read in UTC", () => {
  const instant = Date.UTC(2026, 10, 30, 15, 59, 18);
  assert.equal(formatUtc(instant + 999), "2026-11-30 15:59:18Z");
  assert.equal(formatUtcInput(toTimestamp(instant)), "2026-11-30T15:59:18");
  assert.equal(parseUtcInput("2026-11-30T15:59:18"), instant);
  assert.equal(parseUtcInput(""), undefined);
});

test("months begin in UTC, in other years, too", () => {
  assert.equal(monthStart(Date.UTC(2026, 0, 31, 23, 59), -1), Date.UTC(2025, 11, 1));
  assert.equal(monthStart(Date.UTC(2026, 11, 1), 1), Date.UTC(2027, 0, 1));
});
