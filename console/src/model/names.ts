export type ContainerKind = "hsm" | "vault";

/** A managed HSM or a vault. */
export interface Container {
  readonly kind: ContainerKind;
  readonly name: string;
  /**
   * Its resource name on the control plane, subscriptions/{guid}/resourceGroups/{group}/...; undefined if the principal may not list
   * resources, and so opened it by name.
   */
  readonly resource: string | undefined;
}

/** The last segment of a resource name. */
export function lastSegment(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** The segment that follows `collection` in a resource name; empty if there is none. */
export function segmentAfter(name: string, collection: string): string {
  const segments = name.split("/");
  const index = segments.indexOf(collection);
  return index < 0 ? "" : (segments[index + 1] ?? "");
}

/** The name on the data plane: hsms/{hsm} or vaults/{vault}. */
export function dataPlane({ kind, name }: Pick<Container, "kind" | "name">): string {
  return `${kind}s/${name}`;
}

export function kindTitle(kind: ContainerKind): string {
  return kind === "hsm" ? "Managed HSM" : "Vault";
}

/** The scope of an Azure resource id for the control plane's rpcs, which begin without a slash. */
export function subscriptionOf(resource: string): string {
  return resource.split("/").slice(0, 2).join("/");
}

export function resourceGroupOf(resource: string): string {
  return resource.split("/").slice(0, 4).join("/");
}
