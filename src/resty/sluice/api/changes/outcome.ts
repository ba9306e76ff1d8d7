import { invalid_value, type Problem } from "../../config/problem";
import type { Read } from "../../config/reader";
import { parse_time } from "../../config/time";
import { encode, list, record } from "../../lib/json";
import { new_pause } from "../../lib/pause";
import { new_rest } from "../../lib/turn";
import type { Change } from "../../store/prepare";
import { revision } from "../../store/memory/region";
import { write_all, type NamedProblem, type Outcome, type Plan } from "../../store/write";
import { etag_of_revision, type Answered, type NextPiece } from "../answer";
import { author_of } from "../author";
import { collection_pieces, pieces_between } from "../collection";
import { includes_tag } from "../precondition";
import { argument, type ApiRequest } from "../request";
import { difference_object } from "./difference";
import { following_workers, wait_for_workers } from "./followers";

/** Makes a change of several upstreams, or only determines it, and answers with what it did. */

const problem_record = record("path code text");
const answer_record = record("revision changed dry_run");

/** Upper bound on the problems of an answer. */
const MOST_PROBLEMS = 100;
const LONGEST_WAIT = 60000;

/**
 * Time that a change may take before other requests are served, in seconds. A proxied request needs up to
 * four turns of the event loop, and a slice may be several times as long when garbage is collected in it.
 */
const SLICE = 0.001;

/** Returns a function to be called after each small step of a change. Phase: content_by_lua. */
export function new_change_pause(): (this: void) => void {
  return new_pause(SLICE, new_rest());
}

/** How a change is made. */
export interface How {
  is_dry_run: boolean;
  comment: string | undefined;
  /** How long the answer waits for all workers to see the change, in seconds. */
  wait: number;
  /** Called after each small step. */
  pause: (this: void) => void;
}

/** A problem and its path in the body. */
export interface Found {
  path: string;
  problem: Problem;
}

export function at_upstream(name: string | undefined, problem: Problem): Found {
  const path = name === undefined ? "" : `upstreams.${name}`;
  return { path: problem.field === undefined ? path : `${path}.${problem.field}`, problem };
}

/** Makes one problem of those that were found: the first one, with the list of all. */
export function refusal(found: readonly Found[]): Problem {
  const [first] = found;
  const objects: object[] = [];
  for (const { path, problem } of found) {
    if (objects.length < MOST_PROBLEMS)
      objects.push(problem_record({ path, code: problem.code, text: problem.text }));
  }
  const where = first.path === "" ? "" : `${first.path}: `;
  const { status, code, text } = first.problem;
  const problems = list(objects);
  if (found.length === 1) return { status, code, text: where + text, problems };
  const count = string.format("%d", found.length);
  return { status, code: "ChangesRefused", text: `${count} problems; the first: ${where}${text}`, problems };
}

/** Reads the query argument `wait`, in seconds; undefined: do not wait. */
export function read_wait(): Read<number> {
  const given = argument("wait");
  if (given === undefined) return $multi(0, undefined);
  const milliseconds = parse_time(given);
  if (milliseconds === undefined || milliseconds > LONGEST_WAIT)
    return $multi(undefined, invalid_value("wait", `must be a time of at most ${LONGEST_WAIT / 1000}s`));
  return $multi(milliseconds / 1000, undefined);
}

function lost(): NamedProblem {
  const text = "the upstreams have changed: If-Match names another revision";
  return { name: undefined, problem: { status: 412, code: "PreconditionFailed", text } };
}

/** Makes the change that a plan describes, if the request's conditions hold. */
export function make(
  request: ApiRequest,
  plan: Plan,
  { is_dry_run, comment, pause }: Omit<How, "wait">,
): Outcome {
  const { match } = request.conditions;
  const plan_if_current = (): ReturnType<Plan> => {
    if (match !== undefined && !includes_tag(match, etag_of_revision(revision())))
      return $multi(undefined, lost());
    return plan();
  };
  return write_all(plan_if_current, { reach: "all", author: author_of(request, comment), is_dry_run, pause });
}

/** Returns the differences as a JSON object by upstream, in pieces. */
function difference_pieces({ changes }: Outcome, is_dry_run: boolean): NextPiece {
  const by_name = new LuaTable<string, Change>();
  const names: string[] = [];
  for (const change of changes) {
    names.push(change.name);
    by_name.set(change.name, change);
  }
  return collection_pieces(names, (name) => encode(difference_object(by_name.get(name), is_dry_run)));
}

/** Returns the answer to a change, whether or not it was made. */
export function answer_to(outcome: Outcome, { is_dry_run, wait }: How): Answered {
  if (outcome.problems.length > 0)
    return $multi(
      undefined,
      refusal(outcome.problems.map(({ name, problem }) => at_upstream(name, problem))),
    );
  const made = outcome.revision;
  if (!is_dry_run) wait_for_workers(made, wait);
  const changed = outcome.changes.some(({ has_effect }) => has_effect);
  const head = answer_record({ revision: made, changed, dry_run: is_dry_run });
  const start = `${string.sub(encode(head), 1, -2)},"upstreams":`;
  const end = `,"workers":${encode(following_workers(made))}}`;
  const next_piece = pieces_between(start, difference_pieces(outcome, is_dry_run), end);
  return $multi({ status: 200, next_piece, headers: { ETag: etag_of_revision(made) } }, undefined);
}
