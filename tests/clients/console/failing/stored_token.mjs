// A page that stores an access token makes its scenario fail.
export default async function ({ origin, newPage }) {
  const page = await newPage();
  await page.goto(`${origin}/console/`);
  await page.evaluate(() => sessionStorage.setItem("token", "eyJhbGciOiJSUzI1NiJ9"));
}
