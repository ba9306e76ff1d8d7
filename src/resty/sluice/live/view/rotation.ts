import { reported_state } from "../../health/reported";
import { Reported } from "../../store/memory/states";
import { method_of } from "./method_of";
import { type LiveServer, Own } from "./model";

let changes = 0;

/** Returns a number that rises when a server joins or leaves the rotation of any upstream. Hot. */
export function rotations(): number {
  return changes;
}

/** Notes that the servers in rotation have changed. */
export function note_rotation(): void {
  changes = changes + 1;
}

/** Puts a server into or out of the rotation, as its parameters and the state that it reports require. */
export function rotate(server: LiveServer): void {
  const { upstream } = server;
  const parameters = server[Own.PARAMETERS];
  const reported = reported_state(server.row);
  server[Own.DOWN] = parameters.down || reported === Reported.DOWN;
  const in_rotation = parameters.may_serve && reported === Reported.UP;
  if (server.in_rotation === in_rotation) return;
  server.in_rotation = in_rotation;
  upstream.in_rotation += in_rotation ? 1 : -1;
  note_rotation();
  if (in_rotation) method_of(server).resume(server);
  else method_of(server).suspend(server);
}
