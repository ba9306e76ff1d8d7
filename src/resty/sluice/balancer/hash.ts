import { MOST_TRIES, new_keyed } from "./keyed";
import type { Available, Method, Peer, Surroundings } from "./method";
import { new_ranges } from "./ranges";

/**
 * nginx's `hash` without `consistent`, compatible with Cache::Memcached: bits 16 to 30 of the key's CRC-32,
 * modulo the sum of the weights. If that peer is not available, the bits of the CRC-32 of "1" and the key are
 * added, then those of "2" and the key, and so on. Any phase.
 */
export function new_hash(surroundings: Surroundings): Method {
  const { crc32 } = surroundings;
  const ranges = new_ranges();

  function bits(text: string): number {
    return math.floor(crc32(text) / 65536) % 32768;
  }

  function rehash(first: number, available: Available, key: string): Peer | undefined {
    let hash = first;
    for (const attempt of $range(1, MOST_TRIES - 1)) {
      hash = hash + bits(`${attempt}${key}`);
      const peer = ranges.at(hash % ranges.total());
      if (available(peer)) return peer;
    }
    return undefined;
  }

  function find(this: void, available: Available, key: string): Peer | undefined {
    const hash = bits(key);
    const peer = ranges.at(hash % ranges.total());
    return available(peer) ? peer : rehash(hash, available, key);
  }

  const { add, remove, reweigh } = ranges;
  return new_keyed(surroundings, { add, remove, reweigh, find });
}
