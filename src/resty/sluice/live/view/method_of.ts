import type { Method } from "../../balancer/method";
import { type LiveServer, Own } from "./model";

/** Returns the method that a server belongs to. */
export function method_of(server: LiveServer): Method {
  const { upstream } = server;
  return server[Own.PARAMETERS].backup ? upstream.backup : upstream.primary;
}
