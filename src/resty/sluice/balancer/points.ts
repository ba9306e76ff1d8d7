import { CRC32_START, crc32_byte, crc32_end, crc32_text, crc32_word } from "../lib/crc32";

/** The points of a peer on the circle of `hash … consistent`: where nginx's ngx_http_upstream_hash_module has them. */

/** Points that nginx gives to each unit of weight. */
export const POINTS_A_WEIGHT = 160;

/** Splits an address as nginx does: what is behind its last colon, if that is digits, is the port. */
function host_and_port(server: string): LuaMultiReturn<[string, string]> {
  if (string.lower(string.sub(server, 1, 5)) === "unix:") return $multi(string.sub(server, 6), "");
  const [host, port] = string.match(server, "^(.*):(%d*)$");
  return $multi(host ?? server, port ?? "");
}

/** How many points a peer of this weight has, with so many for each unit of weight. */
export function point_count(weight: number, points_a_weight: number): number {
  return math.max(1, math.floor(weight * points_a_weight + 0.5));
}

/** Returns the state of a CRC-32 after host, a zero byte and port of an address: what its points begin with. */
export function seed_of(server: string): number {
  const [host, port] = host_and_port(server);
  return crc32_text(crc32_byte(crc32_text(CRC32_START, host), 0), port);
}

/** Returns the point after a peer's point; its first one is after 0. The seed goes on by that point's four bytes. */
export function next_point(seed: number, point: number): number {
  return crc32_end(crc32_word(seed, point));
}

/** The points with the numbers `from` + 1 to `to` of the peer at the address `server`, in no order. */
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
