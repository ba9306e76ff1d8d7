import type { Problem } from "../config/problem";
import { settings_of } from "../config/settings";
import * as clock from "../lib/clock";
import { encode } from "../lib/json";
import { busy, delete_upstream, put_upstream } from "./commit";
import { difference } from "./document/difference";
import { bookkeeping_of, type Document } from "./document/document";
import { copy } from "./document/edit";
import { LATE, LOST } from "./document/problems";
import { read } from "./document/read";
import { acquire, Lock, release } from "./memory/lock";
import { revision } from "./memory/region";
import { free_row } from "./memory/rows";
import { catch_up, replicator_of, type Reach } from "./replicate";
import { junk_revision } from "./source_status";
import { repair } from "./unfinished";

/**
 * The truth: the upstreams in the shared dict, the revision that every change raises by one, and the journal. A
 * write is: lock, edit, find room, journal, dict, revision. Each step can refuse, and then nothing has changed.
 */

/**
 * Makes the new document of an upstream; it must not yield. What it allocates for new servers must carry `revision`
 * as their incarnation.
 *
 * @param current undefined: there is no such upstream
 * @returns the document to store; undefined and no problem: delete the upstream; or the problem
 */
export type Edit = (
  this: void,
  current: Document | undefined,
  revision: number,
) => LuaMultiReturn<[Document | undefined, Problem | undefined]>;

type Written = LuaMultiReturn<[Document | undefined, Problem | undefined]>;

/** How often a write is tried that another gateway's has come before, and how long that one is waited for, in seconds. */
const MOST_TRIES = 50;
const PATIENCE_SECONDS = 2;
const PAUSE_SECONDS = 0.005;

function is_same(current: Document, next: Document): boolean {
  if (encode(settings_of(current)) !== encode(settings_of(next))) return false;
  if (encode(bookkeeping_of(current)) !== encode(bookkeeping_of(next))) return false;
  if (current.lines.length !== next.lines.length) return false;
  const changed = difference(current.lines, next.lines);
  return changed.added.length === 0;
}

/** As `write`, for a caller that holds the lock. Raises what `edit` raises. */
export function write_under_lock(name: string, edit: Edit, reach: Reach = "all"): Written {
  repair();
  const current = read(name);
  const next_revision = revision() + 1;
  const [next, problem] = edit(current, next_revision);
  if (problem !== undefined) return $multi(undefined, problem);
  if (next === undefined) {
    return $multi(
      undefined,
      current === undefined ? undefined : delete_upstream(name, current, next_revision, reach),
    );
  }
  const is_done = current !== undefined && is_same(current, next);
  if (is_done && replicator_of(name, current, next, reach) === undefined) return $multi(current, undefined);
  const refused = put_upstream(name, current, next, next_revision, reach);
  if (refused !== undefined && current === undefined) free_row(next.row);
  return $multi(refused === undefined ? next : undefined, refused);
}

function write_once(name: string, edit: Edit, reach: Reach): Written {
  const [locked, cause] = acquire();
  if (locked === undefined) return $multi(undefined, busy(cause));
  let document: Document | undefined;
  let problem: Problem | undefined;
  const [returned, failure] = pcall(() => {
    [document, problem] = write_under_lock(name, edit, reach);
  });
  release(Lock.WRITE);
  if (!returned) error(failure, 0);
  return $multi(document, problem);
}

/**
 * Waits until another gateway's change of an upstream is here. `before`: what the refused change was based
 * on. Returns the problem when it takes too long.
 */
function wait_for_other(name: string, before: string | undefined): Problem | undefined {
  const deadline = clock.now() + PATIENCE_SECONDS;
  const junk = junk_revision(name);
  catch_up(name);
  while (read(name)?.cluster_revision === before && junk_revision(name) === junk) {
    if (clock.now() > deadline) return LATE;
    ngx.sleep(PAUSE_SECONDS);
  }
  // Else the same two would meet again.
  ngx.sleep(PAUSE_SECONDS * (1 + 3 * math.random()));
  return undefined;
}

/**
 * Changes an upstream. When it returns no problem, the change is saved and every request that comes to a balancer
 * from now on, on any worker, sees it. An edit that changes nothing is no write; one that another gateway's change has
 * come before is made anew. Phases that can sleep.
 *
 * @returns the stored document (undefined when deleted), and the problem if there was one
 */
export function write(name: string, edit: Edit): Written {
  let base: string | undefined;
  const noting: Edit = (current, next_revision) => {
    base = current?.cluster_revision;
    return edit(current, next_revision);
  };
  let [document, problem] = write_once(name, noting, "all");
  let tries = 1;
  while (problem === LOST && tries < MOST_TRIES) {
    const late = wait_for_other(name, base);
    if (late !== undefined) return $multi(undefined, late);
    [document, problem] = write_once(name, noting, "all");
    tries += 1;
  }
  return $multi(document, problem);
}

/**
 * Puts an upstream as it is into etcd. When another gateway is faster, the problem is `LOST`.
 *
 * @param from etcd's revision of the version that it replaces; 0: there is none
 */
export function share(name: string, from: number): Written {
  const put: Edit = (current) => $multi(current === undefined ? undefined : copy(current), undefined);
  return write_once(name, put, from);
}

/** As `write`, of what the other gateways have already. */
export function write_own(name: string, edit: Edit): Written {
  return write_once(name, edit, "own");
}
