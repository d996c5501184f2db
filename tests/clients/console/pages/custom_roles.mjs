// A custom role grants what it lists, and a vault with access policies is governed by those.
import { complete, open, row, signIn } from "../steps.mjs";

export default async function ({ origin, newPage }) {
  const page = await newPage();
  await signIn(page, origin, "dev", "#/access");
  await open(page, "#/access?at=hsm%3Alocal", "Access");
  await complete(page, page.getByRole("button", { name: "Create role" }), "Create", async (dialog) => {
    await dialog.getByLabel("Name").fill("Signer");
    await dialog.getByLabel("Data actions", { exact: true }).fill("keys/sign/action\nkeys/read/action");
  });
  await page.getByText("Role Signer is created").waitFor();
  await complete(page, page.getByRole("button", { name: "Assign a role" }), "Assign", async (dialog) => {
    await dialog.getByLabel("Principal").fill("nobody");
    await dialog.getByLabel("Role").selectOption({ label: "Signer" });
  });
  await page.getByRole("button", { name: "nobody, keys/sign: allowed" }).waitFor();
  await page.getByRole("button", { name: "nobody, keys/verify: refused" }).waitFor();
  await page.getByText("Signer custom").click();
  await complete(page, page.getByRole("button", { name: "Delete role Signer" }), "Delete");
  await page.getByText("Role Signer is deleted").waitFor();

  await open(page, "#/containers", "HSMs and vaults");
  await complete(page, page.getByRole("button", { name: "Create", exact: true }).first(), "Create", async (dialog) => {
    await dialog.getByLabel("Name").fill("letters");
    await dialog.getByLabel("Access to contents").selectOption({ label: "Access policies" });
  });
  await open(page, "#/access?at=vault%3Aletters", "Access");
  await page.getByRole("button", { name: "nobody, secrets/get: refused" }).waitFor();
  await complete(page, page.getByRole("button", { name: "Set a policy" }), "Set", async (dialog) => {
    await dialog.getByLabel("Principal").fill("nobody");
    await dialog.getByLabel("Secrets").fill("get, list");
  });
  await row(page, "nobody").filter({ hasText: "get, list" }).waitFor();
  await page.getByRole("button", { name: "nobody, secrets/get: allowed" }).waitFor();
  await page.getByRole("button", { name: "nobody, secrets/set: refused" }).waitFor();
  await complete(page, page.getByRole("button", { name: "Remove the policy of nobody" }), "Remove");
  await page.getByRole("button", { name: "nobody, secrets/get: refused" }).waitFor();
}
