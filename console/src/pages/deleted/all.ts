import { fetchInventory, knownContainers } from "../../model/containers.js";
import { toMillis } from "../../model/time.js";
import { fetchDeletedContainers } from "./containers.js";
import { fetchDeletedContents } from "./contents.js";
import type { DeletedItem, DeletedItems } from "./item.js";

/** Everything that is deleted, the next purge first, and whether there is a place where something could be. */
export interface AllDeleted extends DeletedItems {
  readonly anywhere: boolean;
}

export async function fetchDeleted(): Promise<AllDeleted> {
  const inventory = await fetchInventory();
  const containers = knownContainers(inventory);
  const parts = await Promise.all([
    fetchDeletedContainers(inventory.subscriptions.map(({ name }) => name)),
    fetchDeletedContents(containers),
  ]);
  const due = ({ purgeAt }: DeletedItem) => toMillis(purgeAt) ?? 0;
  return {
    anywhere: inventory.subscriptions.length + containers.length > 0,
    items: parts.flatMap(({ items }) => items).sort((left, right) => due(left) - due(right)),
    refused: parts.flatMap(({ refused }) => refused),
  };
}
