import { canonical_address } from "../config/address";
import { zone_in_metadata } from "../config/server";
import { metadata_of, type Endpoint, type Slice } from "../net/kubernetes/slices";
import { entry_at } from "./entry";
import type { Entry } from "./source";

/** Reads the EndpointSlices of a service. */

/** The entries of a slice. */
export interface SliceEntries {
  name: string;
  /** `IPv4`, `IPv6`, or another type without IP addresses. */
  address_type: string | undefined;
  /** The name of the port; undefined: the slice has no such port or no endpoint. */
  port: string | undefined;
  entries: Entry[];
}

type SlicePort = NonNullable<Slice["ports"]>[number];

/** Returns the port with a name or a number, or the only port; or undefined and the problem. */
function port_of(
  { ports }: Slice,
  wanted: string | number | undefined,
): LuaMultiReturn<[SlicePort | undefined, string]> {
  const found: SlicePort[] = [];
  for (const port of ports ?? []) {
    const is_tcp = port.protocol === undefined || port.protocol === "TCP";
    const own = typeof wanted === "number" ? port.port : port.name;
    if (is_tcp && (wanted === undefined || own === wanted)) found.push(port);
  }
  if (found.length > 1 && wanted === undefined)
    return $multi(undefined, `the slice has ${found.length} TCP ports; "port" must name one`);
  return $multi(found[0], `the slice has no TCP port${wanted === undefined ? "" : ` "${wanted}"`}`);
}

/** Returns the entry of an endpoint; undefined: the endpoint receives no requests. */
function read_endpoint(
  prefix: string,
  { addresses, zone, conditions }: Endpoint,
  port: number | undefined,
): Entry | undefined {
  // All addresses of an endpoint lead to the same server.
  const host = addresses?.[0];
  const { ready, serving, terminating } = conditions ?? {};
  const drain = ready === false;
  // An endpoint without the condition `ready` counts as ready.
  if (drain && (serving !== true || terminating !== true)) return undefined;
  return entry_at(`${prefix}/${host ?? ""}`, host, port, {
    drain,
    zone: zone_in_metadata(zone),
  });
}

/** Reads the endpoints of a slice. `wanted` is the name or number of a port; undefined: the only port. */
export function read_slice(slice: Slice, wanted: string | number | undefined): SliceEntries {
  const name = metadata_of(slice, "name");
  const endpoints = slice.endpoints ?? [];
  const [port, problem] = port_of(slice, wanted);
  const entries: Entry[] = [];
  if (port === undefined && endpoints.length > 0) entries.push({ key: name, problem });
  for (const endpoint of port === undefined ? [] : endpoints) {
    const entry = read_endpoint(name, endpoint, port?.port);
    if (entry !== undefined) entries.push(entry);
  }
  const used = endpoints.length === 0 ? undefined : port;
  return {
    name,
    address_type: slice.addressType,
    port: used === undefined ? undefined : (used.name ?? ""),
    entries,
  };
}

/** Tells whether there are slices of both address families. */
export function is_dual_stack(slices: LuaTable<string, SliceEntries>): boolean {
  const types = new LuaSet<string>();
  for (const [, { address_type }] of pairs(slices)) types.add(address_type ?? "");
  return types.has("IPv4") && types.has("IPv6");
}

/** Says why a port must be named; undefined: all slices have the same port. */
function two_ports(slices: readonly SliceEntries[]): string | undefined {
  let first: string | undefined;
  for (const { port } of slices) {
    if (port !== undefined && first !== undefined && port !== first)
      return `the service has the TCP ports "${first}" and "${port}"; "port" must name one`;
    first = first ?? port;
  }
  return undefined;
}

/**
 * Returns the slices of a family in the order of their names. `family` is `IPv4` or `IPv6`; undefined: both.
 */
function slices_of(slices: LuaTable<string, SliceEntries>, family: string | undefined): SliceEntries[] {
  const other = family === "IPv4" ? "IPv6" : "IPv4";
  const chosen: SliceEntries[] = [];
  for (const [, slice] of pairs(slices)) {
    if (family === undefined || slice.address_type !== other) chosen.push(slice);
  }
  table.sort(chosen, (a, b) => a.name < b.name);
  return chosen;
}

function have_entries(slices: readonly SliceEntries[]): boolean {
  return slices.some(({ entries }) => entries.length > 0);
}

/**
 * Merges the entries of all slices. An endpoint that moves from one slice to another may be in both. It
 * counts once, and drains only if both slices say so. `wanted`, `family`: as above.
 */
export function merge_slices(
  slices: LuaTable<string, SliceEntries>,
  wanted: string | number | undefined,
  family: string | undefined,
): Entry[] {
  const chosen = slices_of(slices, family);
  const ambiguous = wanted === undefined ? two_ports(chosen) : undefined;
  if (ambiguous !== undefined) return [{ key: "port", problem: ambiguous }];
  if (family !== undefined && !have_entries(chosen) && have_entries(slices_of(slices, undefined)))
    return [{ key: "family", problem: `the service has no endpoint with an ${family} address` }];
  const merged: Entry[] = [];
  const places = new LuaTable<string, number | undefined>();
  for (const { entries } of chosen) {
    for (const entry of entries) {
      const address = canonical_address(entry.server?.server ?? "");
      const place = places.get(address);
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
