import type { Moment } from "../../lib/clock";
import { encode, record } from "../../lib/json";
import { own_generation } from "../../live/unlogged";
import { find_record, parse_head } from "../../store/document/document";
import { active_requests } from "../../store/memory/rows";
import { followed_state } from "../discovery_state";
import { Condition } from "../condition";
import { problem_objects } from "../problems";
import { member_objects, members_now } from "../split_members";
import { explained_state, since_of } from "../state_text";
import { Sum, type KnownUpstream, type Sums } from "./model";

/** What may be wrong with an upstream, as members of its summary: JSON text that begins with a comma. */

const worst_record = record("id server state since reason");
const discovery_record = record("state error");

/** Returns the state of its registry and host names; "": it has none. */
export function discovery_text(upstream: KnownUpstream): string {
  if (!upstream.has_source && upstream.hosts.length === 0) return "";
  const { state, error } = followed_state(upstream);
  return `,"discovery":${encode(discovery_record({ state, error }))}`;
}

/** Returns the members of a split; "": it is none. */
export function split_text({ name, split }: KnownUpstream, now: Moment): string {
  return split === undefined ? "" : `,"split":${encode(member_objects(members_now(name, split, now)))}`;
}

/** Returns its problems; "": none. `text`: its document. */
export function problems_text({ name, split }: KnownUpstream, text: string, sums: Sums): string {
  const is_unlogged = sums[Sum.UNLOGGED] !== 0 && sums[Sum.UNLOGGED] >= own_generation();
  if (split === undefined && !is_unlogged && sums[Sum.UNPROVEN_SINCE] >= 0 && sums[Sum.OLD_PLACES] === 0)
    return "";
  const problems = problem_objects(name, parse_head(text)[0]);
  return problems.length === 0 ? "" : `,"problems":${encode(problems)}`;
}

/** Returns the first server that is worst; "": all are up. `text`: its document. */
export function worst_text({ ids }: KnownUpstream, text: string, sums: Sums): string {
  const worst: Condition = sums[Sum.WORST_CONDITION];
  if (worst === Condition.UP) return "";
  const server = find_record(text, ids[sums[Sum.WORST]]);
  if (server === undefined) return "";
  const [state, reason] = explained_state(server, active_requests(server.row));
  const object = { id: server.id, server: server.server, state, since: since_of(server), reason };
  return `,"worst":${encode(worst_record(object))}`;
}
