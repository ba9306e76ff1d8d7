import { source_of } from "../../config/discovery";
import { is_standing_by } from "../../config/server";
import { encode } from "../../lib/json";
import { parse_head } from "../../store/document/document";
import { records_in } from "../../store/document/records";
import { follow_upstreams, new_follower } from "../../store/memory/changes";
import type { RowNumber } from "../../store/memory/cells";
import { get_text } from "../../store/memory/dict";
import { row_at } from "../../store/memory/region";
import { plan_of, type Plan } from "../condition";
import type { KnownUpstream } from "./model";
import { new_shown, type Shown } from "./shown";

/**
 * What this worker knows of the configuration of upstreams, so that the status of an upstream that has not
 * changed costs only its sums.
 */

const START = '{"name":%s,"revision":%d,"method":"%s","%s":%d';

/**
 * Reads what is known of an upstream from its text. Any phase.
 *
 * @param shown what was shown of it before
 * @param count_member the name of the member with the number of its servers
 */
export function know(
  name: string,
  text: string,
  shown: Shown,
  count_member: "servers" | "size",
): KnownUpstream {
  const [head, start] = parse_head(text);
  const { revision, row, method, panic_threshold, queue, discovery, split, hosts } = head;
  const ids: number[] = [];
  const rows: RowNumber[] = [];
  const incarnations: number[] = [];
  const plans: Plan[] = [];
  let size = 0;
  for (const server of records_in(text, start)) {
    ids.push(server.id);
    rows.push(server.row);
    incarnations.push(server.incarnation);
    plans.push(plan_of(server));
    if (!is_standing_by(server)) size += 1;
  }
  return {
    name,
    revision,
    row_number: row,
    row: row_at(row),
    start: string.format(START, encode(name), revision, method, count_member, ids.length),
    ids,
    rows,
    incarnations,
    plans,
    size,
    panic_threshold: panic_threshold ?? 0,
    queue_size: queue?.size,
    has_source: source_of(discovery) !== undefined,
    hosts: hosts ?? [],
    split,
    sums: [],
    is_restless: false,
    shown,
  };
}

const upstreams = new LuaTable<string, KnownUpstream | undefined>();
const follower = new_follower();
/** All upstreams by name; undefined: one has changed since. */
let sorted: readonly KnownUpstream[] | undefined;

function look_at(this: void, name: string): void {
  const text = get_text(name);
  const before = upstreams.get(name);
  sorted = undefined;
  if (text === undefined) upstreams.delete(name);
  else upstreams.set(name, know(name, text, before?.shown ?? new_shown(), "servers"));
}

/** Returns all upstreams as they are now, by name. `pause` is called in between. Phases that can sleep. */
export function known_upstreams(pause: (this: void) => void): readonly KnownUpstream[] {
  follow_upstreams(follower, upstreams, look_at, () => {
    pause();
    return true;
  });
  if (sorted !== undefined) return sorted;
  const all: KnownUpstream[] = [];
  for (const [, upstream] of pairs(upstreams)) all.push(upstream);
  table.sort(all, (a, b) => a.name < b.name);
  sorted = all;
  return all;
}
