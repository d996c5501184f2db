// Bundles the console into dist/. The same sources and lock file produce the same bytes.
import { copyFile, mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

/** The most bytes that all files of dist/ may have together. */
const LIMIT = 600_000;
const SOURCE = "src";
const DIST = "dist";

await rm(DIST, { recursive: true, force: true });
await mkdir(DIST);
const { metafile } = await build({
  entryPoints: { console: `${SOURCE}/main.tsx` },
  outdir: DIST,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  metafile: true,
});
for (const name of ["index.html", "icon.svg"]) {
  await copyFile(join(SOURCE, name), join(DIST, name));
}
await writeFile(join(DIST, "licenses.txt"), await licences(metafile));

let total = 0;
for (const name of await readdir(DIST)) {
  const { size } = await stat(join(DIST, name));
  total += size;
  console.log(`${String(size).padStart(8)}  ${name}`);
}
console.log(`${String(total).padStart(8)}  of ${LIMIT} bytes`);
if (total > LIMIT) {
  throw new Error(`dist has ${total} bytes, more than ${LIMIT}`);
}

/** The licence texts of the packages that are part of the bundle. */
async function licences({ inputs }) {
  const names = new Set();
  for (const path of Object.keys(inputs)) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
    if (name !== undefined) {
      names.add(name);
    }
  }
  const texts = ["The console contains the following packages."];
  for (const name of [...names].sort()) {
    const folder = join("node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? await sharedLicence(name) : await readFile(join(folder, file), "utf8");
    texts.push(`${name} ${version} (${license})\n\n${text.trim()}`);
  }
  return `${texts.join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}

/** Packages whose archive has no licence file refer to the text of the Apache License, version 2.0. */
async function sharedLicence(name) {
  const { license } = JSON.parse(await readFile(join("node_modules", name, "package.json"), "utf8"));
  if (!license.includes("Apache-2.0")) {
    throw new Error(`${name} has no licence file`);
  }
  return readFile("../LICENSE", "utf8");
}
