// The browsers that scenarios run in. Each has `newContext`, as Playwright's have, and `close`.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "node:tls";

import { chromium, firefox } from "playwright-core";

// Returns the SHA-256 digest of a server's public key, which an authority has certified.
async function verifiedPublicKey({ hostname, port }, caFile) {
  const socket = connect({ host: "127.0.0.1", port, servername: hostname, ca: readFileSync(caFile) });
  await new Promise((done, failed) => socket.once("secureConnect", done).once("error", failed));
  const key = socket.getPeerX509Certificate().publicKey.export({ type: "spki", format: "der" });
  socket.destroy();
  return createHash("sha256").update(key).digest("base64");
}

// Chromium trusts the public key of the server only, so that the test needs no store of certificates.
export async function openChromium(executablePath, server, caFile) {
  return chromium.launch({
    executablePath,
    args: [
      `--ignore-certificate-errors-spki-list=${await verifiedPublicKey(server, caFile)}`,
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

// The value of the preference `layout.css.prefers-color-scheme.content-override`.
const SCHEMES = { dark: 0, light: 1 };

// The unmodified Firefox of the system, over WebDriver BiDi. It accepts every certificate; it cannot emulate a color scheme for a page,
// so there is a process for each.
export function openFirefox(executablePath) {
  const processes = new Map();
  const launch = (scheme) =>
    firefox.launch({
      // Playwright drives its own build of Firefox by another protocol, unless the channel is one of Mozilla's.
      channel: "moz-firefox",
      executablePath,
      firefoxUserPrefs: {
        "layout.css.prefers-color-scheme.content-override": SCHEMES[scheme],
        "app.normandy.enabled": false,
        "network.captive-portal-service.enabled": false,
        "network.connectivity-service.enabled": false,
        "services.settings.server": "data:,",
      },
    });
  return {
    async newContext({ colorScheme = "light", ...options }) {
      if (!processes.has(colorScheme)) {
        processes.set(colorScheme, launch(colorScheme));
      }
      const process = await processes.get(colorScheme);
      return process.newContext({ ...options, ignoreHTTPSErrors: true });
    },
    async close() {
      await Promise.all([...processes.values()].map(async (process) => (await process).close()));
    },
  };
}
