import assert from "node:assert/strict";
import test from "node:test";

import { add, formatAmount, parseDecimal, toNumber } from "../src/model/decimal.ts";

const format = (text) => formatAmount(parseDecimal(text));

test("amounts are rounded half to even", () => {
  assert.equal(format("0.125"), "0.12");
  assert.equal(format("0.135"), "0.14");
  assert.equal(format("0.1250000001"), "0.13");
  assert.equal(format("-0.135"), "-0.14");
});

test("thousands are separated, and what rounds to zero is not shown as zero", () => {
  assert.equal(format("6912"), "6,912.00");
  assert.equal(format("1234567.891"), "1,234,567.89");
  assert.equal(format("0.000006"), "<0.01");
  assert.equal(format("0"), "0.00");
});

test("sums are exact", () => {
  const sum = ["0.1", "0.2", "0.0000000001"].map(parseDecimal).reduce(add);
  assert.deepEqual(sum, { units: 3000000001n, scale: 10 });
  assert.equal(toNumber(parseDecimal("76.8")), 76.8);
});
