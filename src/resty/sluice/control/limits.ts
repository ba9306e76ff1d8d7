import { ADAPTIVE, DEFAULT_BOUNDS, type AdaptiveLimitConfig } from "../config/adaptive_limit";
import * as clock from "../lib/clock";
import { crc32 } from "../lib/crc32";
import { new_job } from "../lib/job";
import { pause, pause_if_long } from "../lib/pause";
import { parse_head } from "../store/document/document";
import { has_adaptive, lines_in, parse_line } from "../store/document/line";
import { type Cell, Row, type RowNumber } from "../store/memory/cells";
import { follow_upstreams, new_follower } from "../store/memory/changes";
import { get_text } from "../store/memory/dict";
import { is_over } from "../store/memory/generation";
import { has_rare_cells, rare_cells_of, use_rare_cells } from "../store/memory/rare_cells";
import { row_at, shared_memory } from "../store/memory/region";
import { update_limit } from "./limit";
import { answers_wanted, applied_limit, new_limit, window_seconds, type Limit } from "./limit_state";
import { is_reset, sum_up, window_between, type Sums } from "./measure_limit";

/** Finds the limits of servers with `"max_conns": "adaptive"`. One worker does this, the others read them. */

/** A server with an adaptive limit. */
export interface AdaptiveServer {
  row_number: RowNumber;
  row: Cell;
  incarnation: number;
  limit: Limit;
  /** The counters when its window began, and that moment by the monotonic clock. */
  sums: Sums;
  began: number;
}

interface AdaptiveUpstream {
  bounds: AdaptiveLimitConfig;
  servers: AdaptiveServer[];
}

const REST_SECONDS = 10;
/** The number of moments, a second apart, at which servers are measured; a server has one by its address. */
const PHASES = 64;

const adaptive = new LuaTable<string, AdaptiveUpstream | undefined>();
const follower = new_follower();

/** Begins to find the limit of a server, from what an earlier worker has found. Any phase. */
export function new_adaptive_server(
  row_number: RowNumber,
  incarnation: number,
  address: string,
  now: clock.Moment,
): AdaptiveServer {
  const memory = shared_memory();
  const row = row_at(row_number);
  const rare = rare_cells_of(row);
  return {
    row_number,
    row,
    incarnation,
    limit: new_limit(
      memory[rare + Row.LIMIT],
      memory[rare + Row.LIGHT_TIME],
      crc32(address) % PHASES,
      clock.wall_time_of(now),
    ),
    sums: sum_up(row_number, incarnation),
    began: now,
  };
}

/** Measures a server, and moves its limit if enough has happened. Any phase. */
export function adapt_limit(server: AdaptiveServer, bounds: AdaptiveLimitConfig, now: clock.Moment): void {
  const { row_number, row, incarnation, limit } = server;
  const passed = now - server.began;
  if (passed < window_seconds(limit)) return;
  const memory = shared_memory();
  if (memory[row + Row.STAMP] !== incarnation) return;
  const sums = sum_up(row_number, incarnation);
  const was_reset = is_reset(server.sums, sums);
  const window = was_reset ? undefined : window_between(server.sums, sums, answers_wanted(limit), passed);
  if (window === undefined && !was_reset) return;
  server.sums = sums;
  server.began = now;
  if (window === undefined) return;
  update_limit(limit, window, bounds, clock.wall_time_of(now));
  use_rare_cells(row);
  memory[row + Row.LIMIT] = applied_limit(limit, bounds);
  memory[row + Row.LIGHT_TIME] = limit.light_time;
}

/** Forgets the limit of a server that is no longer adaptive, so that it would begin anew. */
function forget_limit({ row, incarnation }: AdaptiveServer): void {
  const memory = shared_memory();
  if (memory[row + Row.STAMP] !== incarnation || !has_rare_cells(row)) return;
  memory[row + Row.LIMIT] = 0;
  memory[row + Row.LIGHT_TIME] = 0;
}

/** Returns the servers by their incarnations and rows, which identify them. */
function servers_of({ servers }: AdaptiveUpstream): LuaTable<string, AdaptiveServer> {
  const known = new LuaTable<string, AdaptiveServer>();
  for (const server of servers) known.set(`${server.row_number} ${server.incarnation}`, server);
  return known;
}

function look_at(this: void, name: string): void {
  const text = get_text(name);
  const before = adaptive.get(name);
  if (before === undefined && (text === undefined || !has_adaptive(text))) return;
  const known = before === undefined ? new LuaTable<string, AdaptiveServer>() : servers_of(before);
  const servers: AdaptiveServer[] = [];
  let bounds = DEFAULT_BOUNDS;
  if (text !== undefined) {
    const [head, start] = parse_head(text);
    bounds = head.adaptive_limit ?? DEFAULT_BOUNDS;
    const now = clock.now();
    for (const [line] of lines_in(text, start)) {
      if (has_adaptive(line)) {
        const { max_conns, row, incarnation, server } = parse_line(line);
        const key = `${row} ${incarnation}`;
        if (max_conns === ADAPTIVE) {
          const same = known.get(key) as AdaptiveServer | undefined;
          servers.push(same ?? new_adaptive_server(row, incarnation, server, now));
          known.delete(key);
        }
        pause_if_long();
      }
    }
  }
  for (const [, server] of pairs(known)) forget_limit(server);
  adaptive.set(name, servers.length > 0 ? { bounds, servers } : undefined);
}

function adapt_all(this: void): undefined {
  if (is_over()) return;
  follow_upstreams(follower, adaptive, look_at, () => {
    pause();
    return !is_over();
  });
  const all: AdaptiveUpstream[] = [];
  for (const [, upstream] of pairs(adaptive)) if (upstream !== undefined) all.push(upstream);
  for (const { bounds, servers } of all) {
    for (const server of servers) {
      if (is_over()) return;
      adapt_limit(server, bounds, clock.now());
      pause_if_long();
    }
  }
}

/** Moves the limits of servers. Phase: timer, some times a second. */
export const adapt_limits = new_job({ verb: "adapt limits", rest: REST_SECONDS, run: adapt_all });
