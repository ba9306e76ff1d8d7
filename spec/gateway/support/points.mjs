/** The points of servers on the circle of nginx's `hash … consistent`. */
import { crc32 } from "node:zlib";

const pointsAWeight = 160;

/** @param {{ server: string, weight: number }} server with an explicit port, or at a unix socket */
function pointsOf({ server, weight }) {
  const [, host, port = ""] = /^(?:unix:)?(.*?)(?::(\d+))?$/.exec(server) ?? [];
  const start = crc32(`${host}\0${port}`);
  const before = Buffer.alloc(4);
  return Array.from({ length: weight * pointsAWeight }, () => {
    const point = crc32(before, start);
    before.writeUInt32LE(point);
    return point;
  });
}

/**
 * Whether two points are equal. nginx's order of equal points depends on the sort of the C library.
 * @param {{ server: string, weight: number }[]} servers
 */
export function havePointInCommon(servers) {
  const points = servers.flatMap(pointsOf);
  return new Set(points).size < points.length;
}
