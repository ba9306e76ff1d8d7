import type { ServerStatus } from "./types";

/** Where a server comes from, in words. */
export function originText({ origin, node, host }: Pick<ServerStatus, "origin" | "node" | "host">): string {
  if (origin === "hand") return "by hand";
  if (origin === "register") return node === undefined ? "registered" : `registered: ${node}`;
  if (origin === "resolve") return host === undefined ? "host name" : `host name: ${host}`;
  return origin;
}

/**
 * Tells whether the API may change a server. Others belong to their registry, their host name or themselves.
 */
export function isByHand({ origin }: Pick<ServerStatus, "origin">): boolean {
  return origin === "hand";
}
