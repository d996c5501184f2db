// Runs one scenario of the web console in headless Chromium: `node run.mjs SCENARIO CONNECTION_JSON`. Exits with 1 if the scenario
// throws, or if one of its pages reports an error, sends a request to another origin, or stores a cookie or a token.
//
// The path of Chromium is in CHROMIUM. Screenshots are written to the directory in CONSOLE_SCREENSHOTS, if it is set.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { connect } from "node:tls";
import { pathToFileURL } from "node:url";

import { chromium } from "playwright-core";

const [, , scenario, connectionFile] = process.argv;
const connection = JSON.parse(readFileSync(connectionFile, "utf8"));
const port = new URL(connection.endpoint).port;
const origin = `https://console.localhost:${port}`;
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

// Returns the SHA-256 digest of the server's public key, which the certificate authority of the simulator has certified.
async function verifiedPublicKey() {
  const options = { host: "127.0.0.1", port, servername: "console.localhost", ca: readFileSync(connection.ca_file) };
  const socket = connect(options);
  await new Promise((done, failed) => socket.once("secureConnect", done).once("error", failed));
  const key = socket.getPeerX509Certificate().publicKey.export({ type: "spki", format: "der" });
  socket.destroy();
  return createHash("sha256").update(key).digest("base64");
}

// Chromium trusts this public key only, so that the test needs no store of certificates.
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: [
    `--ignore-certificate-errors-spki-list=${await verifiedPublicKey()}`,
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

const pages = [];
const faults = [];

// Opens a page in a new context, and watches it. Errors whose text matches one of `expectedErrors` are no faults.
async function newPage({ expectedErrors = [], ...options } = {}) {
  const context = await browser.newContext(options);
  await context.addInitScript({ path: axe });
  const page = await context.newPage();
  pages.push(page);
  const report = (text) => {
    if (!expectedErrors.some((expected) => expected.test(text))) {
      faults.push(`${page.url()}: ${text}`);
    }
  };
  page.on("pageerror", (error) => report(`uncaught: ${error.stack ?? error}`));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      report(`${message.type()}: ${message.text()}`);
    }
  });
  context.on("request", (request) => {
    const url = new URL(request.url());
    const isOwn = url.protocol === "data:" || url.protocol === "blob:" || url.host.endsWith(`localhost:${port}`);
    if (!isOwn) {
      report(`a request to another origin: ${url.origin}`);
    }
  });
  return page;
}

// Fails if axe-core finds a serious or critical fault of accessibility.
async function checkAccessibility(page) {
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const isSerious = ({ impact }) => impact === "serious" || impact === "critical";
  const describe = ({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((node) => node.html).join("\n  ")}`;
  assert.deepEqual(violations.filter(isSerious).map(describe), [], `${page.url()} is not accessible`);
}

async function screenshot(page, name) {
  const directory = process.env.CONSOLE_SCREENSHOTS;
  if (directory) {
    mkdirSync(directory, { recursive: true });
    await page.screenshot({ path: join(directory, `${name}.png`), animations: "disabled", caret: "hide" });
  }
}

// Fails if a page has stored a cookie, or anything with an access token.
async function checkStorage(page) {
  assert.deepEqual(await page.context().cookies(), [], "cookies");
  if (!page.isClosed() && page.url().startsWith("https:")) {
    const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    assert.doesNotMatch(stored, /eyJ/, "an access token is stored");
  }
}

try {
  const run = (await import(pathToFileURL(resolve(scenario)))).default;
  const directory = dirname(connectionFile);
  await run({ browser, origin, newPage, connection, directory, checkAccessibility, screenshot });
  for (const page of pages) {
    await checkStorage(page);
  }
  assert.deepEqual(faults, [], "faults of pages");
} catch (error) {
  console.error(error);
  faults.forEach((fault) => console.error(fault));
  for (const page of pages.filter((page) => !page.isClosed())) {
    console.error(`${page.url()}:\n${await page.locator("body").innerText().catch(String)}`);
  }
  process.exitCode = 1;
} finally {
  await browser.close();
}
