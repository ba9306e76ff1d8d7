/** The views, as the hash of the page's URL names them. */

export type Tab = "servers" | "events" | "configuration" | "discovery" | "explain";
export const TABS: readonly Tab[] = ["servers", "events", "configuration", "discovery", "explain"];

export type Route =
  { view: "overview" } | { view: "upstream"; name: string; tab: Tab; server: number | undefined };

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Reads a hash such as `#/u/app/events` or `#/u/app/s/3`; anything else is the first screen. */
export function routeOf(hash: string): Route {
  const [root, name, part, id] = hash.replace(/^#?\/?/, "").split("/");
  if (root !== "u" || name === undefined || name === "") return { view: "overview" };
  const isServer = part === "s" && /^\d+$/.test(id ?? "");
  const tab = TABS.find((known) => known === part) ?? "servers";
  return { view: "upstream", name: decode(name), tab, server: isServer ? Number(id) : undefined };
}

/** Returns the hash of an upstream's view. */
export function upstreamHash(name: string, tab: Tab = "servers"): string {
  const start = `#/u/${encodeURIComponent(name)}`;
  return tab === "servers" ? start : `${start}/${tab}`;
}

/** Returns the hash of an upstream's view with one server open. */
export function serverHash(name: string, id: number): string {
  return `${upstreamHash(name)}/s/${id}`;
}
