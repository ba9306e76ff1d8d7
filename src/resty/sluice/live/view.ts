import type { NumberPointer } from "ffi";

import type { Available, Method } from "../balancer/method";
import { METHODS } from "../balancer/registry";
import type { MethodName } from "../config/balancing";
import { get_text } from "../store/dict";
import { parse_head, parse_line } from "../store/document";
import { Row, row_at } from "../store/region";
import { new_server, type LiveServer } from "./server";

/**
 * The upstreams that this worker serves, each made at its first request and from then on changed by difference.
 */

/** An upstream as this worker runs it. */
export interface LiveUpstream {
  /** Where its shared cells are. */
  row: number;
  /** Of the document that was applied last. */
  revision: number;
  method: MethodName;
  primary: Method;
  backup: Method;
  /** By id. */
  servers: LuaTable<number, LiveServer>;
  /** By line: who stands on a line that is known has not changed. */
  lines: LuaTable<string, LiveServer>;
  /** How many servers are in rotation. */
  in_rotation: number;
}

let memory: NumberPointer;
let is_ready = false;
const upstreams = new LuaTable<string, LiveUpstream>();

/** Follows the revisions in `shared` from now on. Phase: init_worker_by_lua. */
export function use_memory(shared: NumberPointer): void {
  memory = shared;
  is_ready = true;
}

function new_upstream(row: number, method: MethodName): LiveUpstream {
  return {
    row,
    revision: 0,
    method,
    primary: METHODS[method](math.random),
    backup: METHODS[method](math.random),
    servers: new LuaTable(),
    lines: new LuaTable(),
    in_rotation: 0,
  };
}

function enter(upstream: LiveUpstream, server: LiveServer): void {
  if (!server.in_rotation) return;
  (server.backup ? upstream.backup : upstream.primary).add(server);
  upstream.in_rotation += 1;
}

function leave(upstream: LiveUpstream, server: LiveServer): void {
  if (!server.in_rotation) return;
  (server.backup ? upstream.backup : upstream.primary).remove(server);
  upstream.in_rotation -= 1;
}

function forget(upstream: LiveUpstream, server: LiveServer): void {
  leave(upstream, server);
  upstream.lines.delete(server.line);
  upstream.servers.delete(server.id);
}

/** Gives a server that stays the parameters of its new line. */
function change(upstream: LiveUpstream, server: LiveServer, next: LiveServer): void {
  if (server.in_rotation !== next.in_rotation) {
    leave(upstream, server);
    server.in_rotation = next.in_rotation;
    server.weight = next.weight;
    enter(upstream, server);
  } else if (server.weight !== next.weight) {
    if (server.in_rotation) (server.backup ? upstream.backup : upstream.primary).reweigh(server, next.weight);
    server.weight = next.weight;
  }
  upstream.lines.delete(server.line);
  server.line = next.line;
}

/** Applies a line that was not there before. */
function apply_line(upstream: LiveUpstream, line: string): LiveServer {
  const record = parse_line(line);
  const next = new_server(record, line);
  let server = upstream.servers.get(record.id) as LiveServer | undefined;
  if (server?.incarnation === next.incarnation && server.backup === next.backup) {
    change(upstream, server, next);
  } else {
    if (server !== undefined) forget(upstream, server);
    server = next;
    upstream.servers.set(server.id, server);
    enter(upstream, server);
  }
  upstream.lines.set(line, server);
  return server;
}

function apply_text(upstream: LiveUpstream, text: string, start: number, revision: number): void {
  let position = start;
  let [line_end] = string.find(text, "\n", position, true);
  while (line_end !== undefined) {
    if (line_end > position) {
      const line = string.sub(text, position, line_end - 1);
      const server = (upstream.lines.get(line) as LiveServer | undefined) ?? apply_line(upstream, line);
      server.seen = revision;
    }
    position = line_end + 1;
    [line_end] = string.find(text, "\n", position, true);
  }
  for (const [, server] of pairs(upstream.servers)) {
    if (server.seen !== revision) forget(upstream, server);
  }
  upstream.revision = revision;
}

function change_method(upstream: LiveUpstream, method: MethodName): void {
  upstream.method = method;
  upstream.primary = METHODS[method](math.random);
  upstream.backup = METHODS[method](math.random);
  upstream.in_rotation = 0;
  for (const [, server] of pairs(upstream.servers)) enter(upstream, server);
}

/** Makes this worker's view of an upstream that of the store. Undefined: there is none. O(servers), little a server. */
function synchronise(name: string): LiveUpstream | undefined {
  if (!is_ready) error("resty.sluice: init_worker() was not called in init_worker_by_lua", 0);
  const text = get_text(name);
  if (text === undefined) {
    upstreams.delete(name);
    return undefined;
  }
  const [head, start] = parse_head(text);
  let upstream = upstreams.get(name) as LiveUpstream | undefined;
  const row = row_at(head.row);
  if (upstream?.row !== row) {
    upstream = new_upstream(row, head.method);
    upstreams.set(name, upstream);
  }
  if (upstream.method !== head.method) change_method(upstream, head.method);
  apply_text(upstream, text, start, head.revision);
  return upstream;
}

/** The upstream as the store has it now. Hot: one read of shared memory unless it has changed. */
export function find_upstream(name: string): LiveUpstream | undefined {
  const upstream = upstreams.get(name) as LiveUpstream | undefined;
  if (upstream !== undefined && memory[upstream.row + Row.REVISION] <= upstream.revision) return upstream;
  return synchronise(name);
}

/** Follows upstreams that no request has come for, so that what was deleted is forgotten. Phase: timer. */
export function refresh_all(): void {
  for (const [name, upstream] of pairs(upstreams)) {
    if (memory[upstream.row + Row.REVISION] > upstream.revision) synchronise(name);
  }
}

/** Chooses a server for a request: a backup only when no primary is available. Hot. */
export function pick(upstream: LiveUpstream, available: Available): LiveServer | undefined {
  const server = upstream.primary.pick(available) ?? upstream.backup.pick(available);
  return server as LiveServer | undefined;
}
