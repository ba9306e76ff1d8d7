import { is_table } from "../lib/json";
import { rest } from "../lib/rest";
import { unknown_key } from "../lib/tables";
import { duplicate_server, place_of } from "./address";
import { block, optional, type ConfigOf } from "./block";
import { check_fit } from "./fit";
import { format_problem, unknown_parameter, type Problem } from "./problem";
import { type Read } from "./reader";
import { read_named_server, type ServerConfig } from "./server";
import { read_settings, SETTINGS } from "./settings";
import { read_list } from "./values";

/** Returns the problem of a server as one of its upstream. */
export function at_server(index: number, problem: Problem): Problem {
  const { status, code, text, field } = problem;
  const path = `servers[${index}]`;
  return { status, code, text: `${path}: ${text}`, field: field === undefined ? path : `${path}.${field}` };
}

function read_servers(this: void, path: string, input: unknown): Read<ServerConfig[]> {
  const [items, no_list] = read_list(path, input);
  if (items === undefined) return $multi(undefined, no_list);
  const servers: ServerConfig[] = [];
  const given = new LuaTable<string, string | undefined>();
  for (const item of items) {
    rest();
    const [server, problem] = read_named_server(item);
    if (server === undefined) return $multi(undefined, at_server(servers.length, problem as Problem));
    const name = place_of(server);
    const first = given.get(name);
    if (first !== undefined) {
      const text = duplicate_server(server.server, first);
      return $multi(undefined, at_server(servers.length, { status: 409, code: "EntryExists", text }));
    }
    given.set(name, server.server);
    servers.push(server);
  }
  return $multi(servers, undefined);
}

/** An upstream: its servers, and how requests are distributed over them. */
export const UPSTREAM = block({
  ...SETTINGS.options,
  /** The servers. Default: none. */
  servers: optional(read_servers),
});

/** A whole upstream as it is configured. */
export type UpstreamConfig = Required<Pick<ConfigOf<typeof UPSTREAM>, "servers">> &
  Omit<ConfigOf<typeof UPSTREAM>, "servers">;

/** Reads a whole upstream, from JSON or from `setup`, or a change of `base`. Any phase. */
export function read_upstream(input: unknown, base?: UpstreamConfig): Read<UpstreamConfig> {
  if (!is_table(input)) return $multi(undefined, format_problem("an upstream must be an object"));
  const unknown = unknown_key(input, UPSTREAM.options);
  if (unknown !== undefined) return $multi(undefined, unknown_parameter(unknown));
  const [settings, unsettled] = read_settings(input, base);
  if (settings === undefined) return $multi(undefined, unsettled);
  let servers = base?.servers ?? [];
  if (input.servers !== undefined) {
    const [read, problem] = read_servers("servers", input.servers);
    if (read === undefined) return $multi(undefined, problem);
    servers = read;
  }
  for (const index of $range(0, servers.length - 1)) {
    rest();
    const problem = check_fit(settings, servers[index]);
    if (problem !== undefined) return $multi(undefined, at_server(index, problem));
  }
  return $multi({ ...settings, servers }, undefined);
}
