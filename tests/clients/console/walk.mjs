// The pages of the console, and a walk through all of them.
import { complete, createKey, deleteKey, open, row, signIn } from "./steps.mjs";

// A name, the address, and the heading of each page.
export const PAGES = [
  ["containers", "#/containers", "HSMs and vaults"],
  ["keys", "#/hsms/local", "Managed HSM local"],
  ["backups", "#/hsms/local/backups", "Managed HSM local"],
  ["security-domain", "#/hsms/local/security-domain", "Managed HSM local"],
  ["secrets", "#/vaults/demo/secrets", "Vault demo"],
  ["certificates", "#/vaults/demo/certificates", "Vault demo"],
  ["deleted", "#/deleted", "Deleted items"],
  ["access", "#/access", "Access"],
  ["cost", "#/cost", "Cost"],
  ["audit", "#/audit", "Audit"],
  ["tokens", "#/tokens", "Tokens"],
  ["clock", "#/clock", "Clock"],
  ["activity", "#/activity", "Activity"],
];

// Creates something for most pages to show.
export async function prepare(page, origin) {
  await signIn(page, origin, "dev", "#/hsms/local");
  await createKey(page, "invoices", "team=billing");
  await createKey(page, "payroll");
  await deleteKey(page, "local", "payroll");
  await open(page, "#/vaults/demo/secrets", "Vault demo");
  await complete(page, page.getByRole("button", { name: "Set secret" }), "Set", async (dialog) => {
    await dialog.getByLabel("Name").fill("database");
    await dialog.getByLabel("Value").fill("correct horse");
    await dialog.getByLabel("Content type").fill("text/plain");
  });
  await open(page, "#/vaults/demo/certificates", "Vault demo");
  await complete(page, page.getByRole("button", { name: "Create certificate" }), "Create", async (dialog) => {
    await dialog.getByLabel("Name", { exact: true }).fill("web");
    await dialog.getByLabel("Subject").fill("CN=www.example.com, O=Example");
  });
  await row(page, "web").waitFor();
}

// Opens every page, and calls `visit` when it shows what it has.
export async function walk(page, visit) {
  for (const [name, hash, heading] of PAGES) {
    await open(page, hash, heading);
    // Streams and the cells of the matrix arrive later.
    await page.waitForTimeout(name === "access" || name === "activity" ? 2500 : 300);
    await visit(name, hash);
  }
}
