import { block, optional, required, with_default, type ConfigOf } from "../../config/block";
import { format_problem, type Problem } from "../../config/problem";
import { refuse, type Read } from "../../config/reader";
import { check_name } from "../../config/name";
import { list_of, read_flag, whole_from } from "../../config/values";
import { keys_of, set_of } from "../../lib/tables";
import { upstream_not_found } from "../../store/document/problems";
import { restore_upstream } from "../../store/document/restore";
import { keeps_history } from "../../store/history/files";
import { servers_to_restore } from "../../store/history/past";
import type { Edit } from "../../store/edit";
import type { NamedEdit, Outcome } from "../../store/write";
import type { Answered } from "../answer";
import { guarded_edit } from "../changes/edits";
import {
  answer_to,
  at_upstream,
  make,
  new_change_pause,
  read_wait,
  refusal,
  type Found,
  type How,
} from "../changes/outcome";
import { read_comment } from "../changes/request";
import { check_upstream, covers } from "../client/client";
import { argument, read_object, type ApiRequest } from "../request";
import type { Route } from "../route";
import { NOT_KEPT } from "./problems";
import { CHANGED_MEANWHILE, undone, type Undone } from "./undone";

/** `/sluice/1/rollback`: makes upstreams what they were at a revision. */

const MOST_UPSTREAMS = 10000;
/** Attempts at a rollback of upstreams that others change meanwhile. */
const MOST_ATTEMPTS = 10;

function read_name(this: void, path: string, value: unknown): Read<string> {
  const problem = check_name(value);
  if (problem !== undefined) return refuse(path, problem.text);
  return $multi(value as string, undefined);
}

/** Checks that a list contains no name twice. */
function check_once(names: readonly string[]): Problem | undefined {
  const known = new LuaSet<string>();
  for (const name of names) {
    if (known.has(name)) return format_problem(`duplicate upstream "${name}"`);
    known.add(name);
  }
  return undefined;
}

const ROLLBACK = block(
  {
    /** The revision to go back to. */
    to: required(whole_from(0, 2 ** 53)),
    /** The upstreams to restore. Default: all that have changed since and that the client sees. */
    upstreams: optional(list_of(read_name, MOST_UPSTREAMS)),
    /** Only determine what would change. */
    dry_run: with_default(read_flag, false),
    /** Why this is done; the history shows it. */
    comment: optional(read_comment),
    /** Largest part of an upstream's servers that may be removed. Default: any. */
    max_removal_percent: optional(whole_from(0, 100)),
  },
  (_path, { upstreams = [] }) => check_once(upstreams),
);
type Rollback = ConfigOf<typeof ROLLBACK>;

function read_rollback(): Read<Rollback> {
  const [object, , unreadable] = read_object();
  if (object === undefined) return $multi(undefined, unreadable);
  return ROLLBACK.read("", object);
}

/** Returns the upstreams of a request that the client does not see. */
function foreign_upstreams({ upstreams = [] }: Rollback, { client }: ApiRequest): Found[] {
  const found: Found[] = [];
  for (const name of upstreams) {
    const foreign = check_upstream(client, name);
    if (foreign !== undefined) found.push(at_upstream(name, foreign));
  }
  return found;
}

/** Makes the edit of an upstream. */
function edit_of(name: string, { upstreams, newest }: Undone): Edit {
  const restored = upstreams.has(name) ? upstreams.get(name) : undefined;
  return (current, revision) => {
    if (restored === undefined) {
      // One that is not there may have been deleted since.
      const latest = current?.revision ?? revision - 1;
      if (latest > newest) return $multi(undefined, CHANGED_MEANWHILE);
      return $multi(current, current === undefined ? upstream_not_found(name) : undefined);
    }
    if (current?.revision !== restored.base) return $multi(undefined, CHANGED_MEANWHILE);
    const { past } = restored;
    if (past.settings === undefined) return $multi(undefined, undefined);
    // A deleted upstream that followed a registry must not be empty until the registry answers.
    const servers = servers_to_restore(past, current === undefined);
    return restore_upstream(current, past.settings, servers, revision);
  };
}

/** Determines what is to be restored, and restores it. Returns the problem if that cannot be determined. */
function attempt(request: ApiRequest, rollback: Rollback, how: How): Read<Outcome> {
  const { max_removal_percent, to, upstreams } = rollback;
  const named = upstreams === undefined ? undefined : set_of(upstreams);
  const only = upstreams?.length === 1 ? upstreams[0] : undefined;
  const is_wanted = (name: string): boolean => named?.has(name) ?? covers(request.client, name);
  const [past, problem] = undone(to, only, is_wanted, how.pause);
  if (past === undefined) return $multi(undefined, problem);
  const names = upstreams ?? keys_of(past.upstreams);
  table.sort(names);
  request.named_upstreams = names;
  const edits: NamedEdit[] = [];
  for (const name of names) edits.push(guarded_edit(name, edit_of(name, past), { max_removal_percent }));
  return $multi(
    make(request, () => $multi(edits, undefined), how),
    undefined,
  );
}

/** Tells whether an attempt was in vain because the upstreams had changed meanwhile. */
function is_late(outcome: Outcome | undefined, problem: unknown): boolean {
  if (problem === CHANGED_MEANWHILE) return true;
  return outcome?.problems.some((each) => each.problem === CHANGED_MEANWHILE) ?? false;
}

function post(this: void, request: ApiRequest): Answered {
  if (!keeps_history()) return $multi(undefined, NOT_KEPT);
  const [wait, bad_wait] = read_wait();
  if (wait === undefined) return $multi(undefined, bad_wait);
  const [rollback, unreadable] = read_rollback();
  if (rollback === undefined) return $multi(undefined, unreadable);
  request.named_upstreams = rollback.upstreams ?? [];
  const foreign = foreign_upstreams(rollback, request);
  if (foreign.length > 0) return $multi(undefined, refusal(foreign));
  const is_dry_run = rollback.dry_run || argument("dry_run") === "true";
  const how: How = { is_dry_run, comment: rollback.comment, wait, pause: new_change_pause() };
  let [outcome, problem] = attempt(request, rollback, how);
  for (let attempts = 1; attempts < MOST_ATTEMPTS && is_late(outcome, problem); attempts += 1)
    [outcome, problem] = attempt(request, rollback, how);
  if (outcome === undefined) return $multi(undefined, problem);
  return answer_to(outcome, how);
}

export const routes: Route[] = [
  { path: "rollback", scope: "filtered", roles: { POST: ["admin"] }, POST: post },
];
