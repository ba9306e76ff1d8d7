import { is_table } from "../lib/json";
import { format_problem, unknown_parameter, type Problem } from "./problem";
import { read_server, type ServerConfig } from "./server";

/** The balancing methods, by nginx's names. */
export type MethodName = "round_robin";

const METHODS: Record<string, MethodName | undefined> = { round_robin: "round_robin" };

/** A whole upstream as it is configured. */
export interface UpstreamConfig {
  method: MethodName;
  servers: ServerConfig[];
}

const LONGEST_NAME = 128;

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
  if (!is_table(input)) return $multi(undefined, format_problem('invalid "servers" value: not a list'));
  const items = input as unknown as unknown[];
  for (const [key] of pairs(input as unknown as LuaTable<AnyNotNil, unknown>)) {
    if (typeof key !== "number")
      return $multi(undefined, format_problem('invalid "servers" value: not a list'));
  }
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
 * @param input an object, from JSON or from `setup`: `method`, `servers`
 * @returns the upstream, or undefined and the problem
 */
export function read_upstream(
  input: unknown,
  base?: UpstreamConfig,
): LuaMultiReturn<[UpstreamConfig | undefined, Problem | undefined]> {
  if (!is_table(input)) return $multi(undefined, format_problem("an upstream is not an object"));
  let method = base?.method ?? "round_robin";
  let servers = base?.servers ?? [];
  for (const [name, value] of pairs(input)) {
    if (name === "method") {
      const known = typeof value === "string" ? METHODS[value] : undefined;
      if (known === undefined) {
        return $multi(undefined, format_problem('invalid "method" value: not one of "round_robin"'));
      }
      method = known;
    } else if (name === "servers") {
      const [read, problem] = read_servers(value);
      if (read === undefined) return $multi(undefined, problem);
      servers = read;
    } else {
      return $multi(undefined, unknown_parameter(name));
    }
  }
  return $multi({ method, servers }, undefined);
}
