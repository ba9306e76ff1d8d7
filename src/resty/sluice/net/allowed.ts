import {
  DEFAULT_RULES,
  host_bytes,
  refusal_of,
  refusal_of_ip,
  type AddressRules,
} from "../lib/address_rules";
import { peer_ip } from "./peer";

/** The rules of this gateway's `guard`, and the connections that they refuse to registries and webhooks. */

let rules = DEFAULT_RULES;

/** Sets the rules of this Lua VM. Phase: init_by_lua. */
export function use_address_rules(given: AddressRules): void {
  rules = given;
}

/** Returns the rules of `guard`. Any phase. */
export function address_rules(): AddressRules {
  return rules;
}

/**
 * Tells why this gateway must not connect to a registry or a webhook; undefined: it may. `port`: 0 for a unix
 * socket. Any phase.
 */
export function refusal_of_service(host: string, port: number): string | undefined {
  const refusal = refusal_of(rules, host, port, "service");
  const place = port === 0 ? host : `${host}:${port}`;
  return refusal === undefined ? undefined : `${place} is not allowed: ${refusal}`;
}

/** Tells why this gateway must not connect to an address of a name; undefined: it may. Any phase. */
export function refusal_of_address(name: string, address: string): string | undefined {
  const bytes = host_bytes(address);
  const refusal = bytes === undefined ? undefined : refusal_of_ip(rules, bytes, "service");
  return refusal === undefined ? undefined : `the address of ${name} is not allowed: ${refusal}`;
}

/**
 * Tells why a connection must not be used, by its other end: the address that nginx's resolver has returned
 * for a name may differ from the one at the time of a check. Undefined: it may be. Phases that have
 * cosockets.
 */
export function refusal_of_connection(socket: TcpSocket, host: string): string | undefined {
  if (host_bytes(host) !== undefined) return undefined;
  const [bytes, cause] = peer_ip(socket);
  if (bytes === undefined) return `the address of ${host} is not known: ${cause ?? ""}`;
  const refusal = refusal_of_ip(rules, bytes, "service");
  return refusal === undefined ? undefined : `the address of ${host} is not allowed: ${refusal}`;
}
