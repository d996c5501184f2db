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
  const texts = new Map();
  for (const name of [...names].sort()) {
    const folder = join("node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    // Packages under the Apache License whose archive has no licence file refer to its text.
    const source = file !== undefined ? join(folder, file) : license.includes("Apache-2.0") ? "../LICENSE" : undefined;
    if (source === undefined) {
      throw new Error(`${name} has no licence file`);
    }
    const text = (await readFile(source, "utf8")).trim();
    texts.set(text, [...(texts.get(text) ?? []), `${name} ${version} (${license})`]);
  }
  texts.set(await varintNotice(), ["parts of @bufbuild/protobuf (BSD-3-Clause)"]);
  const sections = [...texts].map(([text, packages]) => `${packages.join("\n")}\n\n${text}\n`);
  return `The console contains the following packages.\n\n${sections.join(`\n${"-".repeat(80)}\n\n`)}`;
}

/** The notice of the file in @bufbuild/protobuf that comes from Google's implementation. */
async function varintNotice() {
  const source = await readFile("node_modules/@bufbuild/protobuf/dist/esm/wire/varint.js", "utf8");
  const comment = /^(\/\/.*\n)+/.exec(source)?.[0] ?? "";
  if (!comment.includes("Redistribution and use")) {
    throw new Error("@bufbuild/protobuf: the notice of varint.js is missing");
  }
  return comment.replaceAll(/^\/\/ ?/gm, "").trim();
}
