import type { Problem } from "../config/problem";
import * as clock from "../lib/clock";
import { no_pause } from "../lib/pause";
import { change_of } from "./change";
import { commit, free_new_rows, try_out } from "./commit";
import type { Document } from "./document/document";
import { copy } from "./document/edit";
import { busy, LATE, LOST } from "./document/problems";
import { read } from "./document/read";
import { ALONE } from "./group/queue";
import { may_be_in_group, write_in_group } from "./group/write";
import { CLUSTER, type Author } from "./history/author";
import type { Edit, Written } from "./edit";
import { with_write_lock } from "./memory/lock";
import { revision } from "./memory/region";
import { count_write_time } from "./memory/write_times";
import { check_new_places } from "./places";
import type { Change, Making } from "./prepare";
import { catch_up, is_shared, NO_CLUSTER_REVISION, type Reach } from "./replicate";
import { junk_revision } from "./source_status";
import { check_splits } from "./splits";
import { repair } from "./unfinished";

/**
 * The store's writes. The upstreams are in the shared dict, and each write raises the revision by one. A
 * write has five steps:
 *
 * 1. lock: take the lock of writers, and finish the write of a writer that has died.
 * 2. edit: make the new documents from the current ones.
 * 3. stage, 4. journal, 5. publish: see `commit.ts`.
 *
 * Each step before the last can fail, and then nothing has changed.
 */

/** The edit of an upstream. */
export interface NamedEdit {
  name: string;
  edit: Edit;
}

/** The problem of an upstream's edit. */
export interface NamedProblem {
  /** Undefined: the problem is that of the whole write. */
  name: string | undefined;
  problem: Problem;
}

/** The outcome of edits. */
export interface Outcome {
  /** The revision that the changes made, or the one before if nothing has changed. */
  revision: number;
  /** What the edits change, in their order. Those that change nothing are included. */
  changes: readonly Change[];
  /** Why nothing has changed; empty: the write has succeeded. */
  problems: readonly NamedProblem[];
}

/** Attempts at a write that loses against other gateways' writes of the same upstream. */
const MOST_ATTEMPTS = 50;
/** How long an attempt waits for the change that it has lost against, in seconds. */
const PATIENCE_SECONDS = 2;
const RETRY_SECONDS = 0.005;

/** Makes the new documents of upstreams. Returns the changes, and the problems of the edits. */
function edit_all(
  edits: readonly NamedEdit[],
  { revision, pause }: Making,
): LuaMultiReturn<[Change[], NamedProblem[]]> {
  const changes: Change[] = [];
  const problems: NamedProblem[] = [];
  for (const { name, edit } of edits) {
    const current = read(name);
    const [next, refused] = edit(current, revision);
    if (refused === undefined) {
      const change = change_of(name, current, next);
      changes.push(change);
      const misplaced = next === undefined ? undefined : check_new_places(current, next, change.changed);
      if (misplaced !== undefined) problems.push({ name, problem: misplaced });
    } else {
      problems.push({ name, problem: refused });
    }
    pause();
  }
  return $multi(changes, problems);
}

/** How a write of several upstreams is made. */
export interface Manner {
  reach: Reach;
  author: Author;
  /** Only determines what the write would change. */
  is_dry_run: boolean;
  /** Called between upstreams. */
  pause: (this: void) => void;
}

/** Returns the edits of a write, at most one for each upstream, or its problem. Under the write lock. */
export type Plan = (
  this: void,
) => LuaMultiReturn<[readonly NamedEdit[] | undefined, NamedProblem | undefined]>;

/** Makes the changes of all edits, or none. Raises what an edit raises. The caller holds the write lock. */
function make_all(plan: Plan, { reach, author, is_dry_run, pause }: Manner): Outcome {
  const began = clock.kernel_now();
  repair();
  const before = revision();
  const [edits, refused] = plan();
  if (edits === undefined)
    return { revision: before, changes: [], problems: refused === undefined ? [] : [refused] };
  const making: Making = { revision: before + 1, reach, author, pause };
  const [changes, problems] = edit_all(edits, making);
  if (problems.length === 0) {
    for (const problem of check_splits(changes, { is_own: reach !== "all", author, pause }))
      problems.push(problem);
  }
  if (problems.length > 0) {
    free_new_rows(changes, pause);
    return { revision: before, changes, problems };
  }
  const real = changes.filter((change) => change.has_effect || is_shared(change, reach));
  if (real.length === 0) return { revision: before, changes, problems };
  const problem = is_dry_run ? try_out(real, making) : commit(real, making);
  if (problem !== undefined) return { revision: before, changes, problems: [{ name: undefined, problem }] };
  if (is_dry_run) return { revision: before, changes, problems };
  count_write_time(clock.kernel_now() - began);
  return { revision: making.revision, changes, problems };
}

/** As `write_all`, for a caller that holds the write lock. Raises what an edit raises. */
export function write_all_under_lock(edits: readonly NamedEdit[], author: Author, reach: Reach): Outcome {
  const manner = { reach, author, is_dry_run: false, pause: no_pause };
  return make_all(() => $multi(edits, undefined), manner);
}

/** As `write`, for a caller that holds the write lock. Raises what `edit` raises. */
export function write_under_lock(name: string, author: Author, edit: Edit, reach: Reach = "all"): Written {
  const { changes, problems } = write_all_under_lock([{ name, edit }], author, reach);
  if (problems.length > 0) return $multi(undefined, problems[0].problem);
  const [change] = changes;
  // Of a document that has not changed, the rows and the revision are those of the current one.
  return $multi(change.has_effect ? change.next : change.current, undefined);
}

function write_alone(name: string, author: Author, edit: Edit, reach: Reach): Written {
  let document: Document | undefined;
  let problem: Problem | undefined;
  const [locked, cause] = with_write_lock(() => {
    [document, problem] = write_under_lock(name, author, edit, reach);
  });
  return $multi(document, locked === undefined ? busy(cause) : problem);
}

function write_once(name: string, author: Author, edit: Edit, reach: Reach): Written {
  if (!may_be_in_group(name, reach)) return write_alone(name, author, edit, reach);
  const written = write_in_group(name, author, edit);
  if (written === ALONE) return write_alone(name, author, edit, reach);
  return $multi(written.document, written.problem);
}

/** A random pause, so that the same two gateways do not collide again. */
function rest_after_collision(): void {
  ngx.sleep(RETRY_SECONDS * (1 + 3 * math.random()));
}

/** Waits for another gateway's change of the version `before`. Returns the problem when it takes too long. */
function wait_for_other(name: string, before: string | undefined): Problem | undefined {
  const deadline = clock.now() + PATIENCE_SECONDS;
  const junk = junk_revision(name);
  catch_up(name);
  while (read(name)?.cluster_revision === before && junk_revision(name) === junk) {
    if (clock.now() > deadline) return LATE;
    ngx.sleep(RETRY_SECONDS);
  }
  rest_after_collision();
  return undefined;
}

/**
 * Changes an upstream. When it returns no problem, the change is saved, and every later request on any worker
 * sees it. An edit that changes nothing writes nothing. A write that loses against another gateway's write of
 * the same upstream is edited and attempted again. `author`: who makes the change, for the history. Phases
 * that can sleep.
 */
export function write(name: string, author: Author, edit: Edit): Written {
  let base: string | undefined;
  const edit_and_note_base: Edit = (current, next_revision) => {
    base = current?.cluster_revision;
    return edit(current, next_revision);
  };
  let [document, problem] = write_once(name, author, edit_and_note_base, "all");
  let attempts = 1;
  while (problem === LOST && attempts < MOST_ATTEMPTS) {
    const late = wait_for_other(name, base);
    if (late !== undefined) return $multi(undefined, late);
    [document, problem] = write_once(name, author, edit_and_note_base, "all");
    attempts += 1;
  }
  return $multi(document, problem);
}

/** Puts an upstream into etcd in place of its revision `from`; 0: none. `LOST`: another one was faster. */
export function put_into_etcd(name: string, from: number): Written {
  const put: Edit = (current) => {
    if (current === undefined) return $multi(undefined, undefined);
    const next = copy(current);
    next.cluster_origin = current.cluster_origin ?? current.cluster_revision ?? NO_CLUSTER_REVISION;
    return $multi(next, undefined);
  };
  return write_once(name, CLUSTER, put, from);
}

/** As `write`, for changes that the other gateways do not share or already have. */
export function write_own(name: string, author: Author, edit: Edit): Written {
  return write_once(name, author, edit, "own");
}

function write_all_once(plan: Plan, manner: Manner): Outcome {
  let outcome: Outcome | undefined;
  const [, cause] = with_write_lock(() => {
    outcome = make_all(plan, manner);
  });
  return (
    outcome ?? { revision: revision(), changes: [], problems: [{ name: undefined, problem: busy(cause) }] }
  );
}

/** Changes several upstreams in one step: all of them, or none. See `write`. Phases that can sleep. */
export function write_all(plan: Plan, manner: Manner): Outcome {
  let outcome = write_all_once(plan, manner);
  let attempts = 1;
  while (outcome.problems[0]?.problem === LOST && attempts < MOST_ATTEMPTS) {
    for (const { name } of outcome.changes) catch_up(name);
    rest_after_collision();
    outcome = write_all_once(plan, manner);
    attempts += 1;
  }
  return outcome;
}
