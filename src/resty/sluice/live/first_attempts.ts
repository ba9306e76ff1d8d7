import { band, rshift } from "bit";
import * as ffi from "ffi";

import type { LiveServer } from "./view/model";
import { key_of } from "./view/request_key";
import { count_unusual, has_unusual } from "./view/unusual";

/**
 * The servers of the requests that are at their first attempt, by the address of the request. `ngx.ctx` would
 * need a table for each request and would be lost in an internal redirect. Each request has a place by some
 * bits of its address. The few whose place is taken are in a Lua table, which takes more instructions. Hot.
 */

interface Pointers extends ffi.CData {
  [index: number]: ffi.CData | undefined;
}

/** A power of two. */
const PLACES = 1024;
/** Requests begin at multiples of 16 bytes. */
const BITS_OF_ALIGNMENT = 4;

/** The request at each place; undefined: none. And its server. */
const requests = ffi.new("void *[?]", PLACES) as Pointers;
const servers: (LiveServer | false)[] = [];
for (const place of $range(0, PLACES - 1)) servers[place] = false;

/** The servers of the requests without a place. */
const others = new LuaTable<number, LiveServer | undefined>();

/** Not looked up in each request. */
const to_number = tonumber;

function place_of(request: ffi.CData): number {
  const low_bits = to_number(ffi.cast("uint32_t", ffi.cast("uintptr_t", request))) as number;
  return band(rshift(low_bits, BITS_OF_ALIGNMENT), PLACES - 1);
}

/** Returns the server of a request at its first attempt; undefined: it is at a later one, or has none. */
export function first_server(request: ffi.CData): LiveServer | undefined {
  const place = place_of(request);
  if (requests[place] === request) return servers[place] as LiveServer;
  return has_unusual() ? others.get(key_of(request)) : undefined;
}

/** Keeps the server of a request that has none yet. */
export function keep_first(request: ffi.CData, server: LiveServer): void {
  const place = place_of(request);
  if (requests[place] === undefined) {
    requests[place] = request;
    servers[place] = server;
    return;
  }
  others.set(key_of(request), server);
  count_unusual(1);
}

/** Forgets the server of a request. It must have one. */
export function forget_first(request: ffi.CData): void {
  const place = place_of(request);
  if (requests[place] === request) {
    requests[place] = undefined;
    servers[place] = false;
    return;
  }
  others.delete(key_of(request));
  count_unusual(-1);
}
