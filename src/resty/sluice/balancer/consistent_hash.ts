import { new_circle } from "./circle";
import { MOST_TRIES, new_keyed } from "./keyed";
import type { Available, Method, Peer, Surroundings } from "./method";

/** nginx's `hash … consistent`: a key belongs to the first point at or after its CRC-32. Any phase. */
export function new_consistent_hash(surroundings: Surroundings): Method {
  const { crc32 } = surroundings;
  const circle = new_circle();

  function find_after(first: number, available: Available): Peer | undefined {
    let point = first;
    for (const _ of $range(2, MOST_TRIES)) {
      point = circle.next(point);
      const peer = circle.peer_of(point);
      if (available(peer)) return peer;
    }
    return undefined;
  }

  function find(this: void, available: Available, key: string): Peer | undefined {
    const point = circle.find(crc32(key));
    const peer = circle.peer_of(point);
    return available(peer) ? peer : find_after(point, available);
  }

  const { add, remove, reweigh, respell } = circle;
  return new_keyed(surroundings, { add, remove, reweigh, respell, find });
}
