// A page that reports an error makes its scenario fail.
export default async function ({ origin, newPage }) {
  const page = await newPage();
  await page.goto(`${origin}/console/`);
  await page.evaluate(() => console.error("this is expected to fail"));
}
