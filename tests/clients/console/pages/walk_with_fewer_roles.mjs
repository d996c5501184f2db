// Every page opens for a principal with a role, and for one without any, in light and in dark, without a serious fault of accessibility.
import { signIn } from "../steps.mjs";
import { prepare, walk } from "../walk.mjs";

export default async function ({ origin, newPage, checkAccessibility }) {
  await prepare(await newPage(), origin);
  for (const colorScheme of ["light", "dark"]) {
    const page = await newPage({ colorScheme, viewport: { width: 1280, height: 900 } });
    for (const principal of ["crypto-officer", "nobody"]) {
      await signIn(page, origin, principal);
      await walk(page, () => checkAccessibility(page));
    }
  }
}
