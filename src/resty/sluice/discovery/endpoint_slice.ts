import { canonical_address } from "../config/address";
import { metadata_of, type Endpoint, type Slice } from "../net/kubernetes/slices";
import { entry_at } from "./entry";
import type { Entry } from "./source";

/** What the EndpointSlices of a service say of its servers. */

/** The number of the port that is wanted: by its name, or by its number where the endpoints have it. */
function port_of({ ports }: Slice, wanted: string | number): number | undefined {
  for (const { name, port, protocol } of ports ?? []) {
    const is_tcp = protocol === undefined || protocol === "TCP";
    if (is_tcp && (typeof wanted === "number" ? port : name) === wanted) return port;
  }
  return undefined;
}

/** An endpoint's entry; undefined: it serves nobody. */
function read_endpoint(
  prefix: string,
  { addresses, conditions }: Endpoint,
  port: number | undefined,
): Entry | undefined {
  // Those of one endpoint lead to the same, and the first is enough.
  const host = addresses?.[0];
  const { ready, serving, terminating } = conditions ?? {};
  const drain = ready === false;
  // What is not known is taken for ready.
  if (drain && (serving !== true || terminating !== true)) return undefined;
  return entry_at(`${prefix}/${host ?? ""}`, host, port, { drain });
}

/** Reads the endpoints of a slice. */
export function read_slice(slice: Slice, wanted: string | number): Entry[] {
  const name = metadata_of(slice, "name");
  const endpoints = slice.endpoints ?? [];
  const port = port_of(slice, wanted);
  if (port === undefined && endpoints.length > 0)
    return [{ key: name, problem: `it has no TCP port "${wanted}"` }];
  const entries: Entry[] = [];
  for (const endpoint of endpoints) {
    const entry = read_endpoint(name, endpoint, port);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/**
 * Puts the entries of all slices together. An endpoint that moves from one slice to another may be in both: it counts once,
 * and drains only if both say so.
 */
export function merge_slices(slices: LuaTable<string, Entry[]>): Entry[] {
  const names: string[] = [];
  for (const [name] of pairs(slices)) names.push(name);
  table.sort(names);
  const merged: Entry[] = [];
  const places = new LuaTable<string, number>();
  for (const name of names) {
    for (const entry of slices.get(name)) {
      const address = canonical_address(entry.server?.server ?? "");
      const place = places.get(address) as number | undefined;
      if (entry.server === undefined || place === undefined) {
        merged.push(entry);
        if (entry.server !== undefined) places.set(address, merged.length - 1);
      } else if (!entry.server.drain) {
        merged[place] = entry;
      }
    }
  }
  return merged;
}
