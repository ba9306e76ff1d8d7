import { MOST_TRIES, new_keyed } from "./keyed";
import type { Available, Method, Peer, Surroundings } from "./method";
import { new_ranges } from "./ranges";

/** The constants of ngx_http_upstream_ip_hash_module. */
const START = 89;
const FACTOR = 113;
const MODULUS = 6271;

function hash_byte(hash: number, key: string, position: number): number {
  return (hash * FACTOR + string.byte(key, position)) % MODULUS;
}

function hash_rest(first: number, key: string): number {
  let hash = first;
  for (const position of $range(4, key.length)) hash = hash_byte(hash, key, position);
  return hash;
}

/** Continues a hash with a key of at least three bytes. */
function hash_address(before: number, key: string): number {
  const hash = hash_byte(hash_byte(hash_byte(before, key, 1), key, 2), key, 3);
  return key.length === 3 ? hash : hash_rest(hash, key);
}

/**
 * nginx's `ip_hash`. The key is the client's address as bytes: the first three of IPv4, all of IPv6. Any
 * phase.
 */
export function new_ip_hash(surroundings: Surroundings): Method {
  const ranges = new_ranges();

  function rehash(first: number, available: Available, key: string): Peer | undefined {
    let hash = first;
    for (const _ of $range(2, MOST_TRIES)) {
      hash = hash_address(hash, key);
      const peer = ranges.at(hash % ranges.total());
      if (available(peer)) return peer;
    }
    return undefined;
  }

  function find(this: void, available: Available, key: string): Peer | undefined {
    const hash = hash_address(START, key);
    const peer = ranges.at(hash % ranges.total());
    return available(peer) ? peer : rehash(hash, available, key);
  }

  const { add, remove, reweigh } = ranges;
  return new_keyed(surroundings, { add, remove, reweigh, find });
}
