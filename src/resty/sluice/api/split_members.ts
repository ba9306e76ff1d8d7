import { may_serve } from "../config/server";
import type { SplitConfig } from "../config/split";
import { reported_state } from "../health/reported";
import type { Moment } from "../lib/clock";
import { list, record } from "../lib/json";
import { can_serve } from "../live/choice";
import { look_at_upstream } from "../live/view/view";
import { parse_head } from "../store/document/document";
import { lines_in, parse_line } from "../store/document/line";
import { Row } from "../store/memory/cells";
import { get_text } from "../store/memory/dict";
import { row_at, shared_memory } from "../store/memory/region";
import { Reported } from "../store/memory/states";

/** The members of a split with the shares that they have now. */

export interface MemberState {
  upstream: string;
  weight: number;
  /** True: the upstream exists, and has an available server. */
  exists: boolean;
  available: boolean;
  /** Its part of the requests by share, from 0 to 1. Those of unavailable members are distributed. */
  share: number;
}

const member_record = record("upstream weight share_percent available");

/** Tells whether an upstream has an available server. It looks at no more servers than needed. */
function has_server(name: string, text: string, start: number, now: Moment): boolean {
  const memory = shared_memory();
  for (const [line] of lines_in(text, start)) {
    const server = parse_line(line);
    const row = row_at(server.row);
    const is_healthy = memory[row + Row.UNAVAILABLE_UNTIL] <= now && reported_state(row) === Reported.UP;
    if (may_serve(server) && is_healthy) return true;
  }
  // Health may be ignored: in a panic, or because the server is the only one.
  const upstream = look_at_upstream(name, now);
  return upstream !== undefined && can_serve(upstream, now);
}

/** `seen`: the upstreams that are known to have no server, or are being looked at. */
function is_available(name: string, now: Moment, seen: LuaSet<string>): boolean {
  const text = get_text(name);
  if (text === undefined || seen.has(name)) return false;
  seen.add(name);
  const [{ split }, start] = parse_head(text);
  if (split === undefined) return has_server(name, text, start, now);
  for (const { upstream, weight } of split.members) {
    if (weight > 0 && is_available(upstream, now, seen)) return true;
  }
  return false;
}

/** Returns the members of the split `name`. Phase: content_by_lua. */
export function members_now(name: string, { members }: SplitConfig, now: Moment): MemberState[] {
  const states: MemberState[] = [];
  let total = 0;
  for (const { upstream, weight } of members) {
    const seen = new LuaSet<string>();
    seen.add(name);
    const available = is_available(upstream, now, seen);
    if (available) total += weight;
    states.push({ upstream, weight, exists: get_text(upstream) !== undefined, available, share: 0 });
  }
  for (const state of states) {
    if (state.available && total > 0) state.share = state.weight / total;
  }
  return states;
}

/** Returns members as the API shows them. */
export function member_objects(states: readonly MemberState[]): object[] {
  return list(
    states.map(({ upstream, weight, share, available }) =>
      member_record({ upstream, weight, share_percent: math.floor(share * 1e6 + 0.5) / 1e4, available }),
    ),
  );
}

/** Returns what is wrong with the members of a split: the problems and their reasons. */
export function member_problems(states: readonly MemberState[]): { problem: string; reason: string }[] {
  const problems: { problem: string; reason: string }[] = [];
  if (!states.some(({ available, weight }) => available && weight > 0))
    problems.push({
      problem: "split_unavailable",
      reason: "no member of the split with a weight has an available server",
    });
  for (const { upstream, exists } of states) {
    if (!exists)
      problems.push({
        problem: "split_member_missing",
        reason: `there is no upstream "${upstream}", a member of the split`,
      });
  }
  return problems;
}
