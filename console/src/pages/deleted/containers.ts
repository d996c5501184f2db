import { CONTROL } from "../../access/actions.js";
import { hsms, usage, vaults } from "../../api/clients.js";
import { allPages } from "../../api/paging.js";
import type { DeletedManagedHsm } from "../../gen/strongroom/v1/managed_hsm_pb.js";
import type { Forecast } from "../../gen/strongroom/v1/usage_pb.js";
import type { DeletedVault } from "../../gen/strongroom/v1/vault_pb.js";
import { lastSegment, resourceGroupOf, subscriptionOf } from "../../model/names.js";
import { type DeletedItem, type DeletedItems, type Deletion, gather } from "./item.js";

/** The deleted managed HSMs and vaults of subscriptions. */
export function fetchDeletedContainers(subscriptions: readonly string[]): Promise<DeletedItems> {
  return gather(
    subscriptions.flatMap((parent) => [
      { what: "deleted managed HSMs", list: deletedHsms(parent) },
      { what: "deleted vaults", list: deletedVaults(parent) },
    ]),
  );
}

async function deletedHsms(parent: string): Promise<DeletedItem[]> {
  const found = await allPages((page) => hsms.listDeletedManagedHsms({ parent, ...page }), (page) => page.deletedManagedHsms);
  return Promise.all(found.map(async (deleted) => hsmItem(deleted, await forecast(deleted.managedHsm?.name))));
}

async function deletedVaults(parent: string): Promise<DeletedItem[]> {
  const found = await allPages((page) => vaults.listDeletedVaults({ parent, ...page }), (page) => page.deletedVaults);
  return Promise.all(found.map(async (deleted) => vaultItem(deleted, await forecast(deleted.vault?.name))));
}

/** Costs have permissions of their own, so a refusal leaves them out. */
async function forecast(name: string | undefined): Promise<Forecast | undefined> {
  return name === undefined ? undefined : usage.getForecast({ name }).catch(() => undefined);
}

/** The target of a deletion is the Azure resource id. */
function deletionOf(resource: string | undefined, operation: string): Deletion | undefined {
  if (resource === undefined) {
    return undefined;
  }
  const target = `/${resource}`.replace(/\/(managedHsms|vaults)\/([^/]+)$/, "/providers/Microsoft.KeyVault/$1/$2");
  return { scope: resource, operation, target };
}

function hsmItem({ name, managedHsm, deletedAt, scheduledPurgeAt }: DeletedManagedHsm, cost: Forecast | undefined): DeletedItem {
  return {
    type: "Managed HSM",
    resource: name,
    name: lastSegment(name),
    container: "",
    deletedAt,
    deletion: deletionOf(managedHsm?.name, "ManagedHsmDelete"),
    purgeAt: scheduledPurgeAt,
    recoveryLevel: managedHsm?.recoveryLevel ?? "",
    forecast: cost,
    managed: false,
    recover: () => hsms.recoverDeletedManagedHsm({ name }),
    purge: () => hsms.purgeDeletedManagedHsm({ name }),
    askRecover: { plane: "control", scope: resourceGroupOf(managedHsm?.name ?? name), action: CONTROL.hsmWrite },
    askPurge: { plane: "control", scope: subscriptionOf(name), action: CONTROL.hsmPurge },
  };
}

function vaultItem({ name, vault, deletedAt, scheduledPurgeAt }: DeletedVault, cost: Forecast | undefined): DeletedItem {
  return {
    type: "Vault",
    resource: name,
    name: lastSegment(name),
    container: "",
    deletedAt,
    deletion: deletionOf(vault?.name, "VaultDelete"),
    purgeAt: scheduledPurgeAt,
    recoveryLevel: vault?.recoveryLevel ?? "",
    forecast: cost,
    managed: false,
    recover: () => vaults.recoverDeletedVault({ name }),
    purge: () => vaults.purgeDeletedVault({ name }),
    askRecover: { plane: "control", scope: resourceGroupOf(vault?.name ?? name), action: CONTROL.vaultWrite },
    askPurge: { plane: "control", scope: subscriptionOf(name), action: CONTROL.vaultPurge },
  };
}
