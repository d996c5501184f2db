// Runs one scenario of the web console in a headless browser: `node run.mjs SCENARIO CONNECTION_JSON`. Exits with 1 if the scenario
// throws, or if one of its pages reports an error, violates its Content-Security-Policy, sends a request to another origin, or stores a
// cookie or a token.
//
// The path of the browser is in CHROMIUM or in FIREFOX. Screenshots of Chromium are written to the directory in CONSOLE_SCREENSHOTS, if
// it is set.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { openChromium, openFirefox } from "./browsers.mjs";

const [, , scenario, connectionFile] = process.argv;
const { CHROMIUM, FIREFOX, CONSOLE_SCREENSHOTS } = process.env;
const connection = JSON.parse(readFileSync(connectionFile, "utf8"));
const port = new URL(connection.endpoint).port;
const origin = `https://console.localhost:${port}`;
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

const browser = FIREFOX ? openFirefox(FIREFOX) : await openChromium(CHROMIUM, new URL(origin), connection.ca_file);

const pages = [];
const faults = [];
// The hosts besides that of the console that a page may use.
const otherHosts = new Map();

// Opens a page in a new context, and watches it. Errors whose text matches one of `expectedErrors` are no faults, nor are requests to
// `otherOrigins`, which may store cookies of their own.
async function newPage({ expectedErrors = [], otherOrigins = [], ...options } = {}) {
  const context = await browser.newContext(options);
  await context.addInitScript({ path: axe });
  const page = await context.newPage();
  pages.push(page);
  otherHosts.set(page, otherOrigins.map((other) => new URL(other).hostname));
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
    if (!isOwn && !otherOrigins.includes(url.origin)) {
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
  if (CONSOLE_SCREENSHOTS && CHROMIUM) {
    mkdirSync(CONSOLE_SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(CONSOLE_SCREENSHOTS, `${name}.png`), animations: "disabled", caret: "hide" });
  }
}

// Fails if a page has stored a cookie, or anything with an access token.
async function checkStorage(page) {
  const cookies = await page.context().cookies();
  assert.deepEqual(cookies.filter(({ domain }) => !otherHosts.get(page).includes(domain)), [], "cookies");
  if (!page.isClosed() && page.url().startsWith("https:")) {
    const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    assert.doesNotMatch(stored, /eyJ/, "an access token is stored");
  }
}

try {
  const run = (await import(pathToFileURL(resolve(scenario)))).default;
  const directory = dirname(connectionFile);
  await run({ origin, newPage, connection, directory, checkAccessibility, screenshot });
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
