import { hsms, resources, vaults } from "../api/clients.js";
import { allPages } from "../api/paging.js";
import type { ManagedHsm } from "../gen/strongroom/v1/managed_hsm_pb.js";
import type { ResourceGroup, Subscription } from "../gen/strongroom/v1/resource_pb.js";
import type { Vault } from "../gen/strongroom/v1/vault_pb.js";
import { type Refusal, toFailure } from "../api/failure.js";
import { config } from "../session/config.js";
import { session } from "../session/session.js";
import { type Container, type ContainerKind, lastSegment } from "./names.js";

/** A managed HSM or vault with its resource. */
export interface HsmEntry extends Container {
  readonly kind: "hsm";
  readonly hsm: ManagedHsm;
}
export interface VaultEntry extends Container {
  readonly kind: "vault";
  readonly vault: Vault;
}
export type Entry = HsmEntry | VaultEntry;

/** Whether a container was listed, with its resource. */
export function isEntry(container: Container): container is Entry {
  return "hsm" in container || "vault" in container;
}

/** Whether access policies decide about the contents of a container, as far as its settings are known. */
export function decidedByPolicies(container: Container): boolean {
  return isEntry(container) && container.kind === "vault" && container.vault.rbacAuthorization === false;
}

/** What the principal may list on the control plane. */
export interface Inventory {
  readonly subscriptions: readonly Subscription[];
  readonly groups: readonly ResourceGroup[];
  readonly entries: readonly Entry[];
  /** Lists that were refused. */
  readonly refused: readonly Refusal[];
}

/** Containers that were opened by name in this session. */
const opened = new Map<string, Container>();

session.follow((current) => {
  if (current === undefined) {
    opened.clear();
  }
});

export function rememberOpened(kind: ContainerKind, name: string): void {
  opened.set(`${kind}/${name}`, { kind, name, resource: undefined });
}

/** Fetches what the principal may list. Lists that are refused are reported in the result. */
export async function fetchInventory(): Promise<Inventory> {
  const { subscriptions } = await resources.listSubscriptions({});
  const parts = await Promise.all(subscriptions.map(({ name }) => fetchSubscription(name)));
  return {
    subscriptions,
    groups: parts.flatMap((part) => part.groups),
    entries: parts.flatMap((part) => part.entries),
    refused: parts.flatMap((part) => part.refused),
  };
}

async function fetchSubscription(parent: string): Promise<Omit<Inventory, "subscriptions">> {
  const refused: Refusal[] = [];
  const attempt = <T>(what: string, list: Promise<readonly T[]>) =>
    list.catch((error: unknown): readonly T[] => {
      refused.push({ what, failure: toFailure(error) });
      return [];
    });
  const [groups, hsmEntries, vaultEntries] = await Promise.all([
    attempt("resource groups", resources.listResourceGroups({ parent }).then((reply) => reply.resourceGroups)),
    attempt("managed HSMs", allPages((page) => hsms.listManagedHsms({ parent, ...page }), (page) => page.managedHsms.map(hsmEntry))),
    attempt("vaults", allPages((page) => vaults.listVaults({ parent, ...page }), (page) => page.vaults.map(vaultEntry))),
  ]);
  return { groups, entries: [...hsmEntries, ...vaultEntries], refused };
}

function hsmEntry(hsm: ManagedHsm): HsmEntry {
  return { kind: "hsm", name: lastSegment(hsm.name), resource: hsm.name, hsm };
}

function vaultEntry(vault: Vault): VaultEntry {
  return { kind: "vault", name: lastSegment(vault.name), resource: vault.name, vault };
}

/** The containers to look into: those that are listed, those of the configuration, and those that were opened by name. */
export function knownContainers({ entries }: Pick<Inventory, "entries">): Container[] {
  const known = new Map<string, Container>();
  const { hsm, vault } = config();
  for (const container of [...suggestion("hsm", hsm), ...suggestion("vault", vault), ...opened.values(), ...entries]) {
    known.set(`${container.kind}/${container.name}`, container);
  }
  return [...known.values()];
}

function suggestion(kind: ContainerKind, name: string | undefined): Container[] {
  return name === undefined ? [] : [{ kind, name, resource: undefined }];
}

/** Finds a container with its resource, as far as the principal may list it. */
export async function findContainer(kind: ContainerKind, name: string): Promise<Container> {
  rememberOpened(kind, name);
  try {
    const { entries } = await fetchInventory();
    const found = entries.find((entry) => entry.kind === kind && entry.name === name);
    return found ?? { kind, name, resource: undefined };
  } catch {
    // The data plane does not depend on the control plane.
    return { kind, name, resource: undefined };
  }
}
