import { CRC32_START, crc32_byte, crc32_end, crc32_text } from "../lib/crc32";

/** The points of a peer on the circle of `hash … consistent`: where nginx's ngx_http_upstream_hash_module has them. */

const POINTS_A_WEIGHT = 160;

/** Splits an address as nginx does: what is behind its last colon, if that is digits, is the port. */
function host_and_port(server: string): LuaMultiReturn<[string, string]> {
  if (string.lower(string.sub(server, 1, 5)) === "unix:") return $multi(string.sub(server, 6), "");
  const [host, port] = string.match(server, "^(.*):(%d*)$");
  return $multi(host ?? server, port ?? "");
}

/** How many points a peer of this weight has. */
export function point_count(weight: number): number {
  return math.max(1, math.floor(weight * POINTS_A_WEIGHT + 0.5));
}

/**
 * The points with the numbers `from` + 1 to `to` of the peer at the address `server`, in no order. A point is the
 * CRC-32 of host, a zero byte, port, and the point before it in four bytes, the lowest first (for the first one: 0).
 */
export function points_of(server: string, from: number, to: number): number[] {
  const [host, port] = host_and_port(server);
  const start = crc32_text(crc32_byte(crc32_text(CRC32_START, host), 0), port);
  const points: number[] = [];
  let point = 0;
  for (const number of $range(1, to)) {
    let state = crc32_byte(start, point & 255);
    state = crc32_byte(state, (point >>> 8) & 255);
    state = crc32_byte(state, (point >>> 16) & 255);
    state = crc32_byte(state, point >>> 24);
    point = crc32_end(state);
    if (number > from) points.push(point);
  }
  return points;
}
