import type { Available, Method, Peer, Surroundings } from "./method";

const PERCENT = 100;

/** The options of `hash` with a bound. */
interface Bounds {
  balance_factor: number;
  balance_slack?: number;
}

/**
 * Bounds the load of each peer (Mirrokni, Thorup, Zadimoghaddam, "Consistent Hashing with Bounded Loads",
 * 2016): the share of its weight in all requests in progress, times `balance_factor` percent, or plus
 * `balance_slack` requests if that is more, rounded up. A peer at its bound is not available, unless all
 * available peers are at their bounds. Any phase.
 */
export function with_bound(
  surroundings: Surroundings,
  { balance_factor, balance_slack = 0 }: Bounds,
  method: Method,
): Method {
  const { in_flight, left_in_flight, total_in_flight } = surroundings;
  /** The sum of the weights of the peers in rotation. */
  let total_weight = 0;
  /** Peers out of rotation, and removed peers with requests in progress. Their requests do not count. */
  const outside: Peer[] = [];
  const removed = new LuaSet<Peer>();
  /** Number of requests in progress at the peers in rotation, including the current one. */
  let total = 0;
  let is_available: Available;

  function is_below_factor(this: void, peer: Peer): boolean {
    const share = (total * peer.weight) / total_weight;
    return is_available(peer) && in_flight(peer) < math.ceil((share * balance_factor) / PERCENT);
  }

  function is_below_either(this: void, peer: Peer): boolean {
    const share = (total * peer.weight) / total_weight;
    const bound = math.max((share * balance_factor) / PERCENT, share + balance_slack);
    return is_available(peer) && in_flight(peer) < math.ceil(bound);
  }

  const has_room = balance_slack === 0 ? is_below_factor : is_below_either;

  function in_flight_outside(): number {
    let requests = 0;
    for (const index of $range(outside.length, 1, -1)) {
      const peer = outside[index - 1];
      const left = left_in_flight(peer);
      if (left === 0 && removed.has(peer)) {
        removed.delete(peer);
        table.remove(outside, index);
      }
      requests = requests + left;
    }
    return requests;
  }

  function forget_outside(peer: Peer): void {
    for (const index of $range(outside.length, 1, -1)) {
      if (outside[index - 1] === peer) table.remove(outside, index);
    }
  }

  function add(this: void, peer: Peer): void {
    // It may have been removed before, when its zone changed.
    if (removed.has(peer)) forget_outside(peer);
    removed.delete(peer);
    if (peer.in_rotation) total_weight = total_weight + peer.weight;
    else outside.push(peer);
    method.add(peer);
  }

  function remove(this: void, peer: Peer): void {
    if (peer.in_rotation) {
      total_weight = total_weight - peer.weight;
      outside.push(peer);
    }
    removed.add(peer);
    method.remove(peer);
  }

  function reweigh(this: void, peer: Peer, weight: number): void {
    if (peer.in_rotation) total_weight = total_weight + weight - peer.weight;
    method.reweigh(peer, weight);
  }

  function suspend(this: void, peer: Peer): void {
    total_weight = total_weight - peer.weight;
    outside.push(peer);
    method.suspend(peer);
  }

  function resume(this: void, peer: Peer): void {
    total_weight = total_weight + peer.weight;
    forget_outside(peer);
    method.resume(peer);
  }

  function pick(this: void, available: Available, key: string | undefined): Peer | undefined {
    is_available = available;
    total = total_in_flight() - in_flight_outside() + 1;
    return method.pick(has_room, key) ?? method.pick(available, key);
  }

  function peek(this: void, available: Available, key: string | undefined): Peer | undefined {
    is_available = available;
    total = total_in_flight() + 1;
    // `in_flight_outside` would forget removed peers, which is a change.
    for (const peer of outside) total = total - left_in_flight(peer);
    return method.peek(has_room, key) ?? method.peek(available, key);
  }

  const { respell } = method;
  return { add, remove, reweigh, respell, suspend, resume, pick, peek };
}
