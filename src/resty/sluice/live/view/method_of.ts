import type { Method } from "../../balancer/method";
import type { LiveServer } from "./model";

/** Returns the method that a server belongs to. */
export function method_of({ upstream, parameters }: LiveServer): Method {
  return parameters.backup ? upstream.backup : upstream.primary;
}
