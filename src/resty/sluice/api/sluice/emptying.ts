import type { Problem } from "../../config/problem";
import type { Read } from "../../config/reader";
import { may_serve } from "../../config/server";
import type { SplitConfig } from "../../config/split";
import { reported_state } from "../../health/reported";
import * as clock from "../../lib/clock";
import { rest } from "../../lib/rest";
import { free_new_rows } from "../../store/commit";
import type { Document, Leaver } from "../../store/document/document";
import { numbers_in, parse_line, type ServerRecord } from "../../store/document/line";
import { read } from "../../store/document/read";
import { Row } from "../../store/memory/cells";
import { Reported } from "../../store/memory/states";
import { row_at, shared_memory, stamp_of } from "../../store/memory/region";
import type { Edit } from "../../store/edit";
import { write } from "../../store/write";
import { author_of } from "../author";
import { if_it_exists, type EditExisting } from "../existing";
import { argument, type ApiRequest } from "../request";
import { members_now } from "../split_members";

/**
 * Prevents a change from stopping a live service by mistake. Nodes may remove themselves: they stop anyway.
 */

/** An upstream is in use if its last request is not older than this, in seconds. */
const RECENT_SECONDS = 10;

/** Tells whether a server may receive requests. */
type Check = (this: void, record: ServerRecord) => boolean;

function some_server(document: Document | undefined, check: Check): boolean {
  for (const line of document?.lines ?? []) {
    if (check(parse_line(line))) return true;
    rest();
  }
  return false;
}

/** Tells whether a split has a member with a weight that has a server, or that the same change may create. */
function some_member(name: string, split: SplitConfig, now: clock.Moment): boolean {
  return members_now(name, split, now).some(
    ({ weight, exists, available }) => weight > 0 && (available || !exists),
  );
}

/**
 * Returns the check of a server's parameters, reports and health. An added one may wait for its first check.
 */
function new_availability(current: Document, next: Document | undefined, now: clock.Moment): Check {
  const memory = shared_memory();
  const waits_for_check = next?.health_check?.mandatory === true;
  return (record) => {
    if (!may_serve(record)) return false;
    const joins = record.incarnation > current.revision;
    if (joins) return !waits_for_check;
    const row = row_at(record.row);
    return memory[row + Row.UNAVAILABLE_UNTIL] <= now && reported_state(row) === Reported.UP;
  };
}

function selected_at({ row, incarnation }: Leaver): clock.Moment {
  return stamp_of(row) === incarnation ? shared_memory()[row_at(row) + Row.SELECTED] : 0;
}

/**
 * Tells whether an upstream, or a member of a split, is in use: each request notes when its server was
 * selected. `seen`: the members that were looked at.
 */
function is_in_use(document: Document | undefined, now: clock.Moment, seen: LuaSet<string>): boolean {
  if (document === undefined) return false;
  for (const { upstream } of document.split?.members ?? []) {
    const is_new = !seen.has(upstream);
    seen.add(upstream);
    if (is_new && is_in_use(read(upstream), now, seen)) return true;
  }
  let last = 0;
  for (const line of document.lines) {
    const [, incarnation, row] = numbers_in(line);
    last = math.max(last, selected_at({ incarnation, row }));
    rest();
  }
  for (const leaver of document.leavers) last = math.max(last, selected_at(leaver));
  return last > 0 && now - last <= RECENT_SECONDS;
}

/** Tells whether a change to `next`, or a deletion, leaves an upstream in use without an available server. */
function would_empty(name: string, current: Document, next: Document | undefined): boolean {
  const now = clock.now();
  const is_available = new_availability(current, next, now);
  const serves = (document: Document | undefined, check: Check): boolean =>
    document?.split === undefined ? some_server(document, check) : some_member(name, document.split, now);
  const loses = (check: Check): boolean => !serves(next, check) && serves(current, check);
  return (loses(may_serve) || loses(is_available)) && is_in_use(current, now, new LuaSet());
}

function refusal(name: string): Problem {
  const text =
    `the change would leave upstream "${name}", which had a request within the last ${RECENT_SECONDS} s, ` +
    "without an available server: add ?force=true to make the change anyway";
  return { status: 409, code: "WouldEmptyUpstream", text };
}

/** Wraps an edit: it must not empty an upstream in use, unless the request has `?force=true`. */
export function unless_emptying(name: string, edit: Edit): Edit {
  if (argument("force") === "true") return edit;
  return (current, revision) => {
    const [next, problem] = edit(current, revision);
    if (problem !== undefined || current === undefined || !would_empty(name, current, next))
      return $multi(next, problem);
    free_new_rows([{ current, next }]);
    return $multi(undefined, refusal(name));
  };
}

/** Like `write_existing`, with an edit that `unless_emptying` wraps. Phase: content_by_lua. */
export function write_serving(request: ApiRequest, edit: EditExisting): Read<Document> {
  const { name } = request.parameters;
  const guarded = unless_emptying(name, if_it_exists(name, request.conditions, edit));
  return write(name, author_of(request), guarded);
}
