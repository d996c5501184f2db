// A page with a serious fault of accessibility makes its scenario fail.
export default async function ({ origin, newPage, checkAccessibility }) {
  const page = await newPage();
  await page.goto(`${origin}/console/`);
  await page.evaluate(() => document.body.append(document.createElement("img")));
  await checkAccessibility(page);
}
