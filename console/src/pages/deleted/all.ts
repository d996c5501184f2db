import { fetchInventory, knownContainers } from "../../model/containers.js";
import { toMillis } from "../../model/time.js";
import { fetchDeletedContainers } from "./containers.js";
import { fetchDeletedContents } from "./contents.js";
import type { DeletedItem, DeletedItems } from "./item.js";

/** Everything that is deleted, the next purge first. */
export async function fetchDeleted(): Promise<DeletedItems> {
  const inventory = await fetchInventory();
  const parts = await Promise.all([
    fetchDeletedContainers(inventory.subscriptions.map(({ name }) => name)),
    fetchDeletedContents(knownContainers(inventory)),
  ]);
  const due = ({ purgeAt }: DeletedItem) => toMillis(purgeAt) ?? 0;
  return {
    items: parts.flatMap(({ items }) => items).sort((left, right) => due(left) - due(right)),
    refused: parts.flatMap(({ refused }) => refused),
  };
}
