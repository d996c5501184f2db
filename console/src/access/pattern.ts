import type { Permission } from "../gen/strongroom/v1/access_pb.js";

/** Actions apply to resources, data actions to the contents of containers. */
export type ActionKind = "actions" | "dataActions";

type Patterns = Pick<Permission, "actions" | "notActions" | "dataActions" | "notDataActions">;

/** Whether a permission grants an action: one of its patterns covers it, and none of those that it excludes. */
export function grants(permission: Patterns, action: string, kind: ActionKind): boolean {
  const excluded = kind === "actions" ? permission.notActions : permission.notDataActions;
  return permission[kind].some((pattern) => matches(pattern, action)) && !excluded.some((pattern) => matches(pattern, action));
}

/** Whether a pattern covers an action: `*` is any sequence of characters, in any case. */
export function matches(pattern: string, action: string): boolean {
  const source = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${source.join(".*")}$`, "i").test(action);
}

/** A rough measure of how much permissions grant: a pattern with `*` counts for more the shorter it is. */
export function breadth(permissions: readonly Patterns[], kind: ActionKind): number {
  const weight = (pattern: string) => (pattern.includes("*") ? 1000 / pattern.length : 1);
  return permissions.flatMap((permission) => permission[kind]).reduce((sum, pattern) => sum + weight(pattern), 0);
}
