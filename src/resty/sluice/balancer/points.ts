import { CRC32_START, crc32_byte, crc32_end, crc32_text, crc32_word } from "../lib/crc32";

/** The points of a peer on the circle of `hash … consistent`, as in nginx's ngx_http_upstream_hash_module. */

/** Number of points for a unit of weight in nginx. */
export const POINTS_A_WEIGHT = 160;

/** Splits an address as nginx does: digits after the last colon are the port. */
function host_and_port(server: string): LuaMultiReturn<[string, string]> {
  if (string.lower(string.sub(server, 1, 5)) === "unix:") return $multi(string.sub(server, 6), "");
  const [host, port] = string.match(server, "^(.*):(%d*)$");
  return $multi(host ?? server, port ?? "");
}

/** Returns the number of points of a peer. */
export function point_count(weight: number, points_a_weight: number): number {
  return math.max(1, math.floor(weight * points_a_weight + 0.5));
}

/** Returns the state of a CRC-32 after host, zero byte and port of an address: all points begin with it. */
export function seed_of(server: string): number {
  const [host, port] = host_and_port(server);
  return crc32_text(crc32_byte(crc32_text(CRC32_START, host), 0), port);
}

/** Returns the point after another, the first after 0: the seed continued by the four bytes. */
export function next_point(seed: number, point: number): number {
  return crc32_end(crc32_word(seed, point));
}

/** Returns the points with the numbers `from` + 1 to `to` of the peer at the address `server`. */
export function points_of(server: string, from: number, to: number): number[] {
  const seed = seed_of(server);
  const points: number[] = [];
  let point = 0;
  for (const number of $range(1, to)) {
    point = next_point(seed, point);
    if (number > from) points.push(point);
  }
  return points;
}
