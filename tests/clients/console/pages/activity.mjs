// Events appear while the page is open, and those of before are shown first.
import { createKey, deleteKey, open, signIn } from "../steps.mjs";

export default async function ({ origin, newPage }) {
  const [watcher, actor] = [await newPage(), await newPage()];
  await signIn(actor, origin, "dev", "#/hsms/local");
  await createKey(actor, "before");
  await signIn(watcher, origin, "dev", "#/activity");
  await open(watcher, "#/activity", "Activity");
  await event(watcher, "key.created", "hsms/local/keys/before").waitFor();

  await createKey(actor, "after");
  await event(watcher, "key.created", "hsms/local/keys/after").waitFor();
  await deleteKey(actor, "local", "after");
  await event(watcher, "key.deleted", "hsms/local/deletedKeys/after").waitFor();
  await watcher.getByLabel("Filter").fill("key.deleted");
  await event(watcher, "key.created", "hsms/local/keys/before").waitFor({ state: "detached" });
}

function event(page, kind, subject) {
  return page.getByRole("row").filter({ hasText: kind }).filter({ hasText: subject });
}
