// A page that violates its Content-Security-Policy makes its scenario fail.
export default async function ({ origin, newPage }) {
  const page = await newPage();
  await page.goto(`${origin}/console/`);
  await page.evaluate(() => document.body.insertAdjacentHTML("beforeend", `<p style="color: red">styled</p>`));
  await page.waitForTimeout(300);
}
