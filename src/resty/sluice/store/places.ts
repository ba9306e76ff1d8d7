import {
  check_block_places,
  check_server_place,
  PLACE_BLOCKS,
  type PlaceBlock,
} from "../config/address_rules";
import type { Problem } from "../config/problem";
import { settings_of, type UpstreamSettings } from "../config/settings";
import { limits_servers } from "../lib/address_rules";
import { encode } from "../lib/json";
import { address_rules } from "../net/allowed";
import type { Difference } from "./document/difference";
import { find_by_address, type Document } from "./document/document";

/**
 * The rules of `guard` for the addresses that a write adds. Each write is checked here, so that no way to
 * change an upstream is forgotten: the API, `setup`, registrations, registries, other gateways.
 *
 * An address that the upstream has already may stay: otherwise a stricter `guard` would prevent all other
 * changes of the upstream, such as draining the server. `old_places.ts` reports it.
 */

function is_same_block(name: PlaceBlock, one: UpstreamSettings, other: UpstreamSettings): boolean {
  return encode(settings_of(one)[name]) === encode(settings_of(other)[name]);
}

/** Checks the addresses that a change adds to an upstream. Returns the problem. Any phase. */
export function check_new_places(
  current: Document | undefined,
  next: Document,
  { added }: Difference,
): Problem | undefined {
  const rules = address_rules();
  for (const name of PLACE_BLOCKS) {
    const problem = next[name] === undefined ? undefined : check_block_places(rules, name, next);
    const is_old = problem !== undefined && current !== undefined && is_same_block(name, current, next);
    if (!is_old && problem !== undefined) return problem;
  }
  if (!limits_servers(rules)) return undefined;
  for (const { server } of added) {
    const problem = check_server_place(rules, server);
    const is_old =
      problem !== undefined && current !== undefined && find_by_address(current, server) !== undefined;
    if (!is_old && problem !== undefined) return problem;
  }
  return undefined;
}
