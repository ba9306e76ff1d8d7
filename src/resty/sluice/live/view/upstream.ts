import { expiry_of } from "../../health/reported";
import * as clock from "../../lib/clock";
import type { Document } from "../../store/document/document";
import { numbers_in, parse_line } from "../../store/document/line";
import { active_at, row_at, stamp_of } from "../../store/memory/region";
import { begin_first_minute } from "../../store/memory/statistics";
import { NOT_LOGGED } from "./complaint";
import { balance_as, DEFAULT_TRIES, join, set_limits, UNSEEN } from "./configure";
import { adopt, own_cell } from "./counters";
import { follow_limits_of, leave_limits, note_adaptive } from "./limit";
import { forget_load_probe } from "./load_probe";
import { method_of } from "./method_of";
import { NO_SERVERS } from "./methods";
import { type LiveServer, type LiveUpstream, Measure, Own } from "./model";
import { note_rotation, rotate } from "./rotation";
import { new_server } from "./server";
import { stop_ramp, weigh } from "./weight";

/** Makes an upstream without servers. */
export function new_upstream(name: string, document: Document): LiveUpstream {
  const row = row_at(document.row);
  const incarnation = stamp_of(document.row);
  const [stamp, counters] = adopt(document.row, incarnation);
  const active = active_at(document.row);
  begin_first_minute(row, clock.now());
  const upstream: LiveUpstream = {
    name,
    row,
    incarnation,
    revision: 0,
    balancing: "",
    primary: NO_SERVERS,
    backup: NO_SERVERS,
    measure: Measure.NONE,
    keeps_begun: false,
    servers: new LuaTable(),
    size: 0,
    in_rotation: 0,
    [Own.ALL_ACTIVE]: active,
    [Own.ACTIVE]: own_cell(active),
    [Own.STAMP]: stamp,
    [Own.COUNTERS]: counters,
    [Own.EASE]: false,
    tries: DEFAULT_TRIES,
    lends_tries: true,
    has_access_hook: false,
    logged_at: NOT_LOGGED,
    degrades: false,
    follows_load: false,
    load_revision: 0,
    wants_reports: false,
    answers: 0,
    report_expiry: expiry_of(undefined),
    panic_threshold: 0,
    panics: false,
    health_revision: UNSEEN,
  };
  balance_as(upstream, document);
  return upstream;
}

function count(server: LiveServer, by: number): void {
  if (server.in_rotation) server.upstream.in_rotation += by;
  note_rotation();
  if (!server[Own.PARAMETERS].stands_by) server.upstream.size += by;
}

function add(upstream: LiveUpstream, server: LiveServer, document: Document): void {
  upstream.servers.set(server.id, server);
  count(server, 1);
  join(upstream, server, document);
  note_adaptive(server);
}

function remove(upstream: LiveUpstream, server: LiveServer): void {
  method_of(server).remove(server);
  if (upstream.sticky !== undefined) upstream.sticky.leave(server);
  count(server, -1);
  stop_ramp(server);
  leave_limits(server);
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
  const { respell: its_respell } = method_of(server);
  if (its_respell === undefined) server.server = text;
  else its_respell(server, text);
}

function rezone(server: LiveServer, zone: string | undefined): void {
  if (server.zone === zone) return;
  const { rezone: its_rezone } = method_of(server);
  if (its_rezone === undefined) server.zone = zone;
  else its_rezone(server, zone);
}

/** Gives a server that stays the parameters of its new line. */
function change(upstream: LiveUpstream, server: LiveServer, next: LiveServer): void {
  respell(server, next.server);
  rezone(server, next.zone);
  const before = server[Own.PARAMETERS];
  count(server, -1);
  server[Own.PARAMETERS] = next[Own.PARAMETERS];
  count(server, 1);
  if (before.weight !== next[Own.PARAMETERS].weight) weigh(server, clock.now());
  rotate(server);
  if (server[Own.ROUTE] !== next[Own.ROUTE]) {
    if (upstream.sticky !== undefined) upstream.sticky.leave(server);
    server[Own.ROUTE] = next[Own.ROUTE];
    if (upstream.sticky !== undefined) upstream.sticky.join(server);
  }
  server[Own.MAX_CONNS] = next[Own.MAX_CONNS];
  note_adaptive(server);
  server[Own.LINE] = next[Own.LINE];
}

/** Applies a new line. */
function apply_line(upstream: LiveUpstream, line: string, document: Document): LiveServer {
  const next = new_server(upstream, parse_line(line), line);
  let server = upstream.servers.get(next.id);
  if (
    server?.incarnation === next.incarnation &&
    server[Own.PARAMETERS].backup === next[Own.PARAMETERS].backup
  ) {
    change(upstream, server, next);
  } else {
    if (server !== undefined) remove(upstream, server);
    server = next;
    add(upstream, server, document);
  }
  return server;
}

/** Returns the server of a line that has not changed. `likely`: the id that is tried first. */
function unchanged(upstream: LiveUpstream, line: string, likely: number): LiveServer | undefined {
  const { servers } = upstream;
  const next = servers.get(likely);
  if (next?.[Own.LINE] === line) return next;
  const known = servers.get(numbers_in(line)[0]);
  return known?.[Own.LINE] === line ? known : undefined;
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
  let last_id = -1;
  let [line_end] = string.find(text, "\n", position, true);
  while (line_end !== undefined) {
    if (line_end > position) {
      const line = string.sub(text, position, line_end - 1);
      const server = unchanged(upstream, line, last_id + 1) ?? apply_line(upstream, line, document);
      server[Own.SEEN] = document.revision;
      last_id = server.id;
    }
    position = line_end + 1;
    [line_end] = string.find(text, "\n", position, true);
  }
  for (const [, server] of pairs(upstream.servers)) {
    if (server[Own.SEEN] !== document.revision) remove(upstream, server);
  }
  upstream.revision = document.revision;
}
