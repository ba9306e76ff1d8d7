import { expiry_of } from "../../health/reported";
import * as clock from "../../lib/clock";
import type { Document } from "../../store/document/document";
import { parse_line } from "../../store/document/line";
import { active_at, begun_at, row_at, stamp_of } from "../../store/memory/region";
import { begin_first_minute } from "../../store/memory/statistics";
import { new_complaint } from "./complaint";
import {
  balance_as,
  balancing_text,
  DEFAULT_TRIES,
  join,
  measure_of,
  needs_begin_times,
  set_limits,
  UNSEEN,
} from "./configure";
import { adopt, own_cell } from "./counters";
import { new_key_reader } from "./key";
import { follow_limits_of, leave_limits, note_adaptive } from "./limit";
import { forget_load_probe } from "./load_probe";
import { methods_of } from "./methods";
import type { LiveUpstream, LiveServer } from "./model";
import { note_rotation, rotate } from "./rotation";
import { new_server } from "./server";
import { new_binding } from "./sticky";
import { stop_ramp, weigh } from "./weight";

/** Makes an upstream without servers. */
export function new_upstream(name: string, document: Document): LiveUpstream {
  const row = row_at(document.row);
  const incarnation = stamp_of(document.row);
  const [stamp, counters] = adopt(document.row, incarnation);
  const active = active_at(document.row);
  const retries = begun_at(document.row);
  const { primary, backup, zones } = methods_of(document, active, row);
  begin_first_minute(row, clock.now());
  return {
    name,
    row_number: document.row,
    row,
    incarnation,
    revision: 0,
    balancing: balancing_text(document),
    primary,
    backup,
    zones,
    read_key: new_key_reader(document),
    sticky: new_binding(document),
    measure: measure_of(document),
    keeps_begun: needs_begin_times(document),
    servers: new LuaTable(),
    lines: new LuaTable(),
    size: 0,
    in_rotation: 0,
    active,
    own_active: own_cell(active),
    counters,
    stamp,
    retries,
    own_retries: own_cell(retries),
    tries: DEFAULT_TRIES,
    lends_tries: true,
    retry_limits: undefined,
    queue: undefined,
    limit_bounds: undefined,
    split: undefined,
    has_access_hook: false,
    complaint: new_complaint(),
    outlier_limits: undefined,
    degrades: false,
    follows_load: false,
    load_revision: 0,
    wants_reports: false,
    load_sources: undefined,
    load_probe: undefined,
    answers: 0,
    report_expiry: expiry_of(undefined),
    panic_threshold: 0,
    panics: false,
    health_revision: UNSEEN,
  };
}

function count(server: LiveServer, by: number): void {
  if (server.in_rotation) server.upstream.in_rotation += by;
  note_rotation();
  if (!server.stands_by) server.upstream.size += by;
}

function add(upstream: LiveUpstream, server: LiveServer): void {
  upstream.servers.set(server.id, server);
  count(server, 1);
  join(upstream, server);
  note_adaptive(server);
}

function remove(upstream: LiveUpstream, server: LiveServer): void {
  server.method.remove(server);
  if (upstream.sticky !== undefined) upstream.sticky.leave(server);
  count(server, -1);
  stop_ramp(server);
  leave_limits(server);
  upstream.lines.delete(server.line);
  upstream.servers.delete(server.id);
}

/** Forgets the servers of a deleted upstream. */
export function forget_servers(upstream: LiveUpstream): void {
  note_rotation();
  forget_load_probe(upstream);
  for (const [, server] of pairs(upstream.servers)) {
    stop_ramp(server);
    leave_limits(server);
  }
}

/** Changes the spelling of a server's address. Methods that hash the text use the new one, as nginx does. */
function respell(server: LiveServer, text: string): void {
  if (server.server === text) return;
  if (server.method.respell === undefined) server.server = text;
  else server.method.respell(server, text);
}

function rezone(server: LiveServer, zone: string): void {
  if (server.zone === zone) return;
  if (server.method.rezone === undefined) server.zone = zone;
  else server.method.rezone(server, zone);
}

/** Gives a server that stays the parameters of its new line. */
function change(upstream: LiveUpstream, server: LiveServer, next: LiveServer): void {
  respell(server, next.server);
  rezone(server, next.zone);
  server.slow_start = next.slow_start;
  if (server.configured_weight !== next.configured_weight) {
    server.configured_weight = next.configured_weight;
    weigh(server, clock.now());
  }
  server.may_serve = next.may_serve;
  server.configured_down = next.configured_down;
  count(server, -1);
  server.stands_by = next.stands_by;
  count(server, 1);
  rotate(server);
  if (server.route !== next.route) {
    if (upstream.sticky !== undefined) upstream.sticky.leave(server);
    server.route = next.route;
    if (upstream.sticky !== undefined) upstream.sticky.join(server);
  }
  server.max_conns = next.max_conns;
  server.is_adaptive = next.is_adaptive;
  note_adaptive(server);
  upstream.lines.delete(server.line);
  server.line = next.line;
}

/** Applies a new line. */
function apply_line(upstream: LiveUpstream, line: string): LiveServer {
  const next = new_server(upstream, parse_line(line), line);
  let server = upstream.servers.get(next.id);
  if (server?.incarnation === next.incarnation && server.backup === next.backup) {
    change(upstream, server, next);
  } else {
    if (server !== undefined) remove(upstream, server);
    server = next;
    add(upstream, server);
  }
  upstream.lines.set(line, server);
  return server;
}

/**
 * Applies a document to an upstream. The lines of the servers begin at `start`. O(servers), with little work
 * each.
 */
export function apply_document(
  upstream: LiveUpstream,
  document: Document,
  text: string,
  start: number,
): void {
  balance_as(upstream, document);
  set_limits(upstream, document);
  follow_limits_of(upstream);
  let position = start;
  let [line_end] = string.find(text, "\n", position, true);
  while (line_end !== undefined) {
    if (line_end > position) {
      const line = string.sub(text, position, line_end - 1);
      const server = upstream.lines.get(line) ?? apply_line(upstream, line);
      server.seen = document.revision;
    }
    position = line_end + 1;
    [line_end] = string.find(text, "\n", position, true);
  }
  for (const [, server] of pairs(upstream.servers)) {
    if (server.seen !== document.revision) remove(upstream, server);
  }
  upstream.revision = document.revision;
}
