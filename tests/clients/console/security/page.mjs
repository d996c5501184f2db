// The first page loads with its files, its security headers have effect, and the root of the host leads to it.
import assert from "node:assert/strict";

export default async function ({ origin, newPage, checkAccessibility }) {
  const page = await newPage({ expectedErrors: [/Content[ -]Security[ -]Policy/] });
  const responses = new Map();
  page.on("response", (response) => responses.set(new URL(response.url()).pathname, response));
  await page.goto(`${origin}/`, { waitUntil: "networkidle" });
  // The page shows this when it has its configuration.
  await page.getByRole("button", { name: /^dev\b/ }).waitFor();
  assert.equal(page.url().split("#")[0], `${origin}/console/`);
  for (const path of ["/console/", "/console/console.js", "/console/console.css", "/console/config.json"]) {
    assert.equal(responses.get(path)?.status(), 200, path);
    assert.match(responses.get(path).headers()["content-security-policy"], /default-src 'none'; script-src 'self';/);
  }
  await checkAccessibility(page);

  // What an injected element could do.
  const ran = await page.evaluate(async () => {
    const script = document.createElement("script");
    script.textContent = "globalThis.injected = true";
    document.body.append(script);
    document.body.insertAdjacentHTML("beforeend", `<img src="data:," onerror="globalThis.injected = true">`);
    const styled = document.createElement("p");
    styled.setAttribute("style", "display: none");
    document.body.append(styled);
    const fetched = await fetch("https://attacker.example/").then(() => "fetched", () => "blocked");
    await new Promise((done) => setTimeout(done, 100));
    return { injected: globalThis.injected === true, display: getComputedStyle(styled).display, fetched };
  });
  assert.deepEqual(ran, { injected: false, display: "block", fetched: "blocked" });
}
