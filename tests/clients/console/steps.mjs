// Steps that the scenarios of the web console share.
import assert from "node:assert/strict";

// Opens the console as a principal of the simulator.
export async function signIn(page, origin, principal, hash = "") {
  await page.goto(`${origin}/console/${hash}`);
  await page.getByRole("button", { name: new RegExp(`^${principal}\\b(?!-)`) }).click();
  await page.getByText(`Acting as ${principal}`, { exact: true }).waitFor();
}

// Opens another page of the console, and waits until it has loaded what it shows.
export async function open(page, hash, heading) {
  await page.evaluate((next) => {
    location.hash = next;
  }, hash);
  await page.getByRole("heading", { level: 1, name: heading }).waitFor();
  await settled(page);
}

// Waits until nothing on the page is being loaded.
export async function settled(page) {
  await page.waitForFunction(() => document.querySelector(".loading") === null && document.querySelector("main [aria-busy=true]") === null);
}

// Presses the button that opens a dialog, completes it, and waits until the change is done.
export async function complete(page, opener, confirm, fill = async () => {}) {
  await opener.click();
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await fill(dialog);
  await dialog.getByRole("button", { name: confirm, exact: true }).click();
  await dialog.waitFor({ state: "detached", timeout: 60_000 });
  await settled(page);
}

export async function createKey(page, name, tags = "") {
  await complete(page, page.getByRole("button", { name: "Create key" }), "Create", async (dialog) => {
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByLabel("Tags").fill(tags);
  });
  await page.getByRole("link", { name, exact: true }).waitFor();
}

export async function deleteKey(page, hsm, name) {
  await open(page, `#/hsms/${hsm}/keys/${name}`, `Key ${name}`);
  await complete(page, page.getByRole("button", { name: "Delete", exact: true }), "Delete");
  await page.getByRole("heading", { level: 1, name: `Managed HSM ${hsm}` }).waitFor();
}

// The row of a table that a cell with this text names.
export function row(page, title) {
  return page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: title, exact: true }) });
}

// Checks that a button says what the principal lacks, and which roles grant it.
export async function assertDenied(page, button, action, role) {
  // By the locator and not by an element, which a page may replace when it has loaded.
  await button.and(page.locator("[aria-disabled=true]")).waitFor();
  await button.focus();
  const description = page.locator(`[id="${await button.getAttribute("aria-describedby")}"]`);
  assert.ok(await description.isVisible(), "the reason is shown on focus");
  const text = await description.innerText();
  assert.match(text, action);
  assert.ok(text.includes(role), `${text} names ${role}`);
}

// Lets the next call end as one whose token has expired does.
export async function rejectOnce(page) {
  await page.route(
    "**/strongroom.v1.*/*",
    (route) =>
      route.fulfill({
        status: 200,
        headers: { "content-type": "application/grpc-web+proto", "grpc-status": "16", "grpc-message": "the access token has expired" },
        body: "",
      }),
    { times: 1 },
  );
}
