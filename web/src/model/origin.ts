import type { ServerStatus } from "./types";

/** Where a server comes from, in words. */
export function originText({ origin, node }: Pick<ServerStatus, "origin" | "node">): string {
  if (origin === "hand") return "by hand";
  if (origin === "register") return node === undefined ? "registered" : `registered: ${node}`;
  return origin;
}

/** Tells whether the API may change a server. Others belong to their registry or to themselves. */
export function isByHand({ origin }: Pick<ServerStatus, "origin">): boolean {
  return origin === "hand";
}
