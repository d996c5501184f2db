// The audit page finds records by filters that are in its address, adds new ones while it is live, shows the state of the chain, and
// says what a principal lacks that may not read the log.
import assert from "node:assert/strict";

import { createKey, deleteKey, open, row, settled, signIn } from "../steps.mjs";

export default async function ({ origin, newPage, checkAccessibility, screenshot }) {
  const [reader, actor] = [await newPage(), await newPage()];
  await signIn(actor, origin, "dev", "#/hsms/local");
  await createKey(actor, "invoices");

  await signIn(reader, origin, "owner", "#/audit");
  await open(reader, "#/audit", "Audit");
  await reader.getByLabel("Operation").fill("KeyCreate");
  await record(reader, "KeyCreate").waitFor();
  await settled(reader);
  assert.equal(await reader.getByRole("rowheader").count(), 1);
  const created = record(reader, "KeyCreate");
  assert.match(await created.innerText(), /OK\s+hsms\/local\/keys\/invoices\s+dev/);
  await created.getByText(/^Record \d+$/).click();
  assert.match(await created.innerText(), /KeyService\/CreateKey/);
  const state = reader.getByRole("region", { name: "State of the log" });
  assert.match(await state.innerText(), /chain unbroken where it was read[\s\S]*Last record\s+\d+[\s\S]*Links that were checked\s+\d+/);
  await checkAccessibility(reader);

  await reader.getByLabel("Operation").fill("");
  await reader.getByLabel("Result").selectOption("Failure");
  await reader.getByLabel("Principal").fill("nobody");
  await reader.getByText("No record matches the filters.").waitFor();
  await reader.getByLabel("Live").check();
  await reader.getByText("live", { exact: true }).waitFor();
  await settled(reader);
  await actor.getByRole("button", { name: "Switch" }).click();
  await signIn(actor, origin, "nobody", "#/hsms/local");
  await settled(actor);
  const refused = record(reader, "KeyList").filter({ hasText: "ACTION_NOT_GRANTED" }).first();
  await refused.waitFor();
  assert.match(await refused.innerText(), /nobody/);
  await screenshot(reader, "audit-live");
  // The records of the live page itself would cause the next ones.
  await reader.getByLabel("Result").selectOption("");
  await reader.getByLabel("Principal").fill("owner");
  await settled(reader);
  await reader.waitForTimeout(2500);
  const watches = await record(reader, "AuditRecordWatch").count();
  await reader.waitForTimeout(2500);
  assert.equal(await record(reader, "AuditRecordWatch").count(), watches);

  // Who has deleted a key: the page of deleted items knows, and its link leads to the record.
  await actor.getByRole("button", { name: "Switch" }).click();
  await signIn(actor, origin, "dev", "#/hsms/local");
  await deleteKey(actor, "local", "invoices");
  await open(actor, "#/deleted", "Deleted items");
  const deleter = row(actor, "invoices").getByRole("link", { name: "dev", exact: true });
  await deleter.waitFor();
  await deleter.click();
  await actor.getByRole("heading", { level: 1, name: "Audit" }).waitFor();
  await record(actor, "KeyDelete").waitFor();
  await settled(actor);
  assert.equal(await actor.getByRole("rowheader").count(), 1);
  assert.match(await record(actor, "KeyDelete").innerText(), /hsms\/local\/keys\/invoices\s+dev/);

  await actor.getByRole("button", { name: "Switch" }).click();
  await signIn(actor, origin, "nobody", "#/audit");
  await open(actor, "#/audit", "Audit");
  const alert = actor.getByRole("alert");
  await alert.waitFor();
  assert.match(await alert.innerText(), /Microsoft\.Insights\/logs\/AZKVAuditLogs\/read[\s\S]*Reader/);
}

function record(page, operation) {
  return page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: operation, exact: true }) });
}
