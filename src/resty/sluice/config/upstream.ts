import { is_table } from "../lib/json";
import { BALANCING_FIELDS, read_balancing, type BalancingConfig } from "./balancing";
import { read_list } from "./fields";
import { format_problem, unknown_parameter, type Problem } from "./problem";
import { read_server, type ServerConfig } from "./server";

/** A whole upstream as it is configured. */
export interface UpstreamConfig extends BalancingConfig {
  servers: ServerConfig[];
}

const LONGEST_NAME = 128;
const FIELDS = new LuaSet<string>();
for (const field of ["servers", ...BALANCING_FIELDS]) FIELDS.add(field);

/** Checks an upstream's name. Returns the problem, if there is one. Any phase. */
export function check_name(name: unknown): Problem | undefined {
  if (typeof name !== "string" || name === "")
    return format_problem("invalid upstream name: empty, or not a string");
  if (name.length > LONGEST_NAME)
    return format_problem(`invalid upstream name: longer than ${LONGEST_NAME} bytes`);
  if (string.find(name, "^[%w%._:@~+-]+$")[0] === undefined) {
    return format_problem("invalid upstream name: only letters, digits and . _ : @ ~ + - can be");
  }
  return undefined;
}

function read_servers(input: unknown): LuaMultiReturn<[ServerConfig[] | undefined, Problem | undefined]> {
  const [items, no_list] = read_list("servers", input);
  if (items === undefined) return $multi(undefined, no_list);
  const servers: ServerConfig[] = [];
  const addresses = new LuaSet<string>();
  for (const item of items) {
    const [server, problem] = read_server(item);
    if (server === undefined) {
      const text = `servers[${servers.length}]: ${problem?.text ?? ""}`;
      return $multi(undefined, { ...(problem as Problem), text });
    }
    if (addresses.has(server.server)) {
      return $multi(undefined, {
        status: 409,
        code: "EntryExists",
        text: `servers[${servers.length}]: "${server.server}" stands twice`,
      });
    }
    addresses.add(server.server);
    servers.push(server);
  }
  return $multi(servers, undefined);
}

/**
 * Reads a whole upstream, with defaults, or on top of `base` for a change. Any phase.
 *
 * @param input an object, from JSON or from `setup`: `servers` and the members of `BalancingConfig`
 * @returns the upstream, or undefined and the problem
 */
export function read_upstream(
  input: unknown,
  base?: UpstreamConfig,
): LuaMultiReturn<[UpstreamConfig | undefined, Problem | undefined]> {
  if (!is_table(input)) return $multi(undefined, format_problem("an upstream is not an object"));
  for (const [name] of pairs(input)) {
    if (!FIELDS.has(name)) return $multi(undefined, unknown_parameter(name));
  }
  const [balancing, unbalanced] = read_balancing(input, base);
  if (balancing === undefined) return $multi(undefined, unbalanced);
  let servers = base?.servers ?? [];
  if (input.servers !== undefined) {
    const [read, problem] = read_servers(input.servers);
    if (read === undefined) return $multi(undefined, problem);
    servers = read;
  }
  return $multi({ ...balancing, servers }, undefined);
}
