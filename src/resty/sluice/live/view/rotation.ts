import { end_reported_state, reported_state } from "../../health/reported";
import { Reported } from "../../store/memory/cells";
import type { LiveServer } from "./model";

/** Which servers take part: what a server's parameters say and what it reports of itself. */

/** Has a server in rotation or out of it, as is to be. It must be in the method. */
export function rotate(server: LiveServer, now: number): void {
  const { upstream, method } = server;
  end_reported_state(server, upstream.report_expiry, now);
  const reported = reported_state(server.row);
  server.down = server.configured_down || reported === Reported.DOWN;
  const in_rotation = server.may_serve && reported === Reported.UP;
  if (server.in_rotation === in_rotation) return;
  server.in_rotation = in_rotation;
  upstream.in_rotation += in_rotation ? 1 : -1;
  if (in_rotation) method.resume(server);
  else method.suspend(server);
}
