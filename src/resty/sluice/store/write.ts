import type { Problem } from "../config/problem";
import type { Read } from "../config/reader";
import { settings_of } from "../config/settings";
import * as clock from "../lib/clock";
import { encode } from "../lib/json";
import { delete_upstream, put_upstream, type Change } from "./commit";
import { difference, type Difference } from "./document/difference";
import { bookkeeping_of, type Document } from "./document/document";
import { copy } from "./document/edit";
import { LATE, LOST } from "./document/problems";
import { read } from "./document/read";
import { with_write_lock } from "./memory/lock";
import { revision } from "./memory/region";
import { count_write_time } from "./memory/write_times";
import { catch_up, replicator_of, type Reach } from "./replicate";
import { junk_revision } from "./source_status";
import { repair } from "./unfinished";

/**
 * The store's writes. The upstreams are in the shared dict, and each change raises the revision by one. A
 * write has five steps:
 *
 * 1. lock: take the lock of writers, and finish the write of a writer that has died.
 * 2. edit: make the new document from the current one.
 * 3. stage, 4. journal, 5. publish: see `commit.ts`.
 *
 * Each step before the last can fail, and then nothing has changed.
 */

/**
 * Makes the new document of an upstream; undefined without a problem: deletes it. It must not yield. Rows
 * that it allocates for new servers must carry `revision` as their incarnation.
 */
export type Edit = (this: void, current: Document | undefined, revision: number) => Read<Document>;

type Written = Read<Document>;

/** Attempts at a write that loses against other gateways' writes of the same upstream. */
const MOST_ATTEMPTS = 50;
/** How long an attempt waits for the change that it has lost against, in seconds. */
const PATIENCE_SECONDS = 2;
const RETRY_SECONDS = 0.005;

function busy(cause: string | undefined): Problem {
  return { status: 503, code: "StoreBusy", text: cause ?? "could not lock the store" };
}

function is_same(current: Document, next: Document, { added }: Difference): boolean {
  if (added.length > 0 || current.lines.length !== next.lines.length) return false;
  if (encode(settings_of(current)) !== encode(settings_of(next))) return false;
  return encode(bookkeeping_of(current)) === encode(bookkeeping_of(next));
}

/** Counts the time of a write that began at a moment, unless it has a problem. Returns the problem. */
function timed(began: clock.Moment, problem: Problem | undefined): Problem | undefined {
  if (problem === undefined) count_write_time(clock.kernel_now() - began);
  return problem;
}

/** As `write`, for a caller that holds the write lock. Raises what `edit` raises. */
export function write_under_lock(name: string, edit: Edit, reach: Reach = "all"): Written {
  const began = clock.kernel_now();
  repair();
  const current = read(name);
  const change: Change = { name, current, revision: revision() + 1, reach };
  const [next, problem] = edit(current, change.revision);
  if (problem !== undefined) return $multi(undefined, problem);
  if (next === undefined)
    return $multi(
      undefined,
      current === undefined ? undefined : timed(began, delete_upstream(change, current)),
    );
  const changed = difference(current?.lines ?? [], next.lines);
  const is_done = current !== undefined && is_same(current, next, changed);
  if (is_done && replicator_of(name, current, next, reach) === undefined) return $multi(current, undefined);
  const refused = timed(began, put_upstream(change, next, changed));
  return $multi(refused === undefined ? next : undefined, refused);
}

function write_once(name: string, edit: Edit, reach: Reach): Written {
  let document: Document | undefined;
  let problem: Problem | undefined;
  const [locked, cause] = with_write_lock(() => {
    [document, problem] = write_under_lock(name, edit, reach);
  });
  return $multi(document, locked === undefined ? busy(cause) : problem);
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
  // A random pause, so that the same two gateways do not collide again.
  ngx.sleep(RETRY_SECONDS * (1 + 3 * math.random()));
  return undefined;
}

/**
 * Changes an upstream. When it returns no problem, the change is saved, and every later request on any worker
 * sees it. An edit that changes nothing writes nothing. A write that loses against another gateway's write of
 * the same upstream is edited and attempted again. Phases that can sleep.
 */
export function write(name: string, edit: Edit): Written {
  let base: string | undefined;
  const edit_and_note_base: Edit = (current, next_revision) => {
    base = current?.cluster_revision;
    return edit(current, next_revision);
  };
  let [document, problem] = write_once(name, edit_and_note_base, "all");
  let attempts = 1;
  while (problem === LOST && attempts < MOST_ATTEMPTS) {
    const late = wait_for_other(name, base);
    if (late !== undefined) return $multi(undefined, late);
    [document, problem] = write_once(name, edit_and_note_base, "all");
    attempts += 1;
  }
  return $multi(document, problem);
}

/** Puts an upstream into etcd in place of its revision `from`; 0: none. `LOST`: another one was faster. */
export function share(name: string, from: number): Written {
  const put: Edit = (current) => $multi(current === undefined ? undefined : copy(current), undefined);
  return write_once(name, put, from);
}

/** As `write`, for changes that the other gateways do not share or already have. */
export function write_own(name: string, edit: Edit): Written {
  return write_once(name, edit, "own");
}
