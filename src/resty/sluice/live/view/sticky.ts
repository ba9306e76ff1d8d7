import type { Document } from "../../store/document/document";
import type { LiveServer } from "./server";
import { new_cookie_binding } from "./sticky_cookie";
import { new_route_binding } from "./sticky_route";

/** What binds clients to servers. */
export interface Binding {
  /** Takes a server in. */
  join: (this: void, server: LiveServer) => void;
  /** Leaves a server out; it must be in, with the parameters that it had then. */
  leave: (this: void, server: LiveServer) => void;
  /**
   * Returns the primary or the backup that the request under way is bound to, if it takes such requests.
   * Phase: balancer_by_lua. Hot.
   */
  find: (this: void, is_backup: boolean) => LiveServer | undefined;
  /** Binds the client to the server that the request under way goes to. Phase: balancer_by_lua. Hot. */
  bind: (this: void, server: LiveServer, is_retry: boolean) => void;
}

/** Makes the binding that a document wants; undefined: none. */
export function new_binding({ sticky, session_secret }: Document): Binding | undefined {
  if (sticky?.cookie !== undefined) return new_cookie_binding(sticky.cookie, session_secret ?? "");
  return sticky?.route === undefined ? undefined : new_route_binding(sticky.route);
}
