import type { Role } from "../../config/access";
import type { Problem } from "../../config/problem";
import type { MethodName, Route } from "../route";
import { check_all_upstreams, check_role, check_upstream, NO_CREDENTIALS, type Client } from "./client";

/** Decides whether a client may do what it asks for. What no route permits is refused. */

const READ: readonly Role[] = ["read"];
const WRITE: readonly Role[] = ["write"];

/** Returns the roles of which a client needs one for a method of a route. Pure. */
export function roles_for({ roles }: Route, method: MethodName): readonly Role[] {
  return roles?.[method] ?? (method === "GET" ? READ : WRITE);
}

/** Returns the problem of a client that does not see the upstreams which a request concerns. */
function check_scope(client: Client, route: Route, method: MethodName, name: string | undefined) {
  if (name !== undefined) return check_upstream(client, name);
  if (route.scope === "filtered" || (route.scope === "neutral" && method === "GET")) return undefined;
  return check_all_upstreams(client);
}

/**
 * Returns why a client may not use a method of a route; undefined: it may. Pure.
 *
 * @param parameters the variable parts of the path: `name` is that of an upstream
 */
export function authorize(
  client: Client,
  route: Route,
  method: MethodName,
  parameters: Record<string, string>,
): Problem | undefined {
  const missing = check_role(client, roles_for(route, method), `${method} of this path`);
  // A local client can have more rights only by a token.
  if (missing !== undefined) return client.kind === "local" ? NO_CREDENTIALS : missing;
  return check_scope(client, route, method, parameters.name);
}
