// The first page has a title and no serious fault of accessibility, in dark and in light.
import assert from "node:assert/strict";

export default async function ({ origin, newPage, checkAccessibility }) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await newPage({ colorScheme });
    await page.goto(`${origin}/console/`, { waitUntil: "networkidle" });
    assert.match(await page.title(), /Strongroom/);
    await checkAccessibility(page);
  }
}
