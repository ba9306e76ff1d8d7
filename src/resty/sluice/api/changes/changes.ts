import { invalid_value, type Problem } from "../../config/problem";
import type { Read } from "../../config/reader";
import { parse_time } from "../../config/time";
import { encode, list, record } from "../../lib/json";
import { new_pause } from "../../lib/pause";
import { new_rest } from "../../lib/turn";
import type { Change } from "../../store/commit";
import { revision } from "../../store/memory/region";
import { write_all, type NamedEdit, type NamedProblem, type Outcome, type Plan } from "../../store/write";
import { etag_of_revision, type Answered, type NextPiece } from "../answer";
import { check_upstream, type Client } from "../client/client";
import { collection_pieces, pieces_between } from "../collection";
import { includes_tag } from "../precondition";
import { argument, type ApiRequest } from "../request";
import type { Route } from "../route";
import { difference_object } from "./difference";
import { named_edit, prune_edits } from "./edits";
import { following_workers, wait_for_workers } from "./followers";
import { read_given } from "./given";
import { read_change_request, type ChangeRequest } from "./request";

/** `/sluice/1/changes`: changes of many upstreams, all of them or none. */

const problem_record = record("path code text");
const answer_record = record("revision changed dry_run");

/**
 * Time that the work may take before other requests are served, in seconds. A proxied request needs up to
 * four turns of the event loop, and a slice may be several times as long when garbage is collected in it.
 */
const SLICE = 0.001;
/** Upper bound on the problems of an answer. */
const MOST_PROBLEMS = 100;
const LONGEST_WAIT = 60000;

/** A problem and its path in the body. */
interface Found {
  path: string;
  problem: Problem;
}

function at_upstream(name: string | undefined, problem: Problem): Found {
  const path = name === undefined ? "" : `upstreams.${name}`;
  return { path: problem.field === undefined ? path : `${path}.${problem.field}`, problem };
}

/** Makes one problem of those that were found: the first one, with the list of all. */
function refusal(found: readonly Found[]): Problem {
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
function read_wait(): Read<number> {
  const given = argument("wait");
  if (given === undefined) return $multi(0, undefined);
  const milliseconds = parse_time(given);
  if (milliseconds === undefined || milliseconds > LONGEST_WAIT)
    return $multi(undefined, invalid_value("wait", `must be a time of at most ${LONGEST_WAIT / 1000}s`));
  return $multi(milliseconds / 1000, undefined);
}

/** Returns the edits of a request, or the problems of its upstreams. */
function edits_of(
  { options, upstreams }: ChangeRequest,
  client: Client,
  pause: (this: void) => void,
): LuaMultiReturn<[NamedEdit[], Found[]]> {
  const edits: NamedEdit[] = [];
  const found: Found[] = [];
  for (const given of upstreams) {
    const { name } = given;
    const foreign = check_upstream(client, name);
    if (foreign === undefined) {
      const [wanted, problems] = read_given(given);
      for (const problem of problems) found.push(at_upstream(name, problem));
      if (wanted !== undefined) edits.push(named_edit(name, wanted, options));
    } else {
      found.push(at_upstream(name, foreign));
    }
    pause();
  }
  return $multi(edits, found);
}

function lost(): NamedProblem {
  const text = "the upstreams have changed: If-Match names another revision";
  return { name: undefined, problem: { status: 412, code: "PreconditionFailed", text } };
}

/** Makes the changes, or only determines them. */
function make(
  { conditions, client }: ApiRequest,
  { options, upstreams }: ChangeRequest,
  edits: readonly NamedEdit[],
  pause: (this: void) => void,
): Outcome {
  const named = new LuaSet<string>();
  for (const { name } of upstreams) named.add(name);
  const plan = (): ReturnType<Plan> => {
    const { match } = conditions;
    if (match !== undefined && !includes_tag(match, etag_of_revision(revision())))
      return $multi(undefined, lost());
    if (!options.prune) return $multi(edits, undefined);
    const [pruned, problem] = prune_edits(named, options, client, pause);
    if (pruned === undefined)
      return $multi(undefined, problem === undefined ? undefined : { name: undefined, problem });
    return $multi(edits.concat(pruned), undefined);
  };
  return write_all(plan, { reach: "all", is_dry_run: argument("dry_run") === "true", pause });
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

/** Returns the answer to changes that were made or determined. */
function answer_to(outcome: Outcome, wait: number): Answered {
  const is_dry_run = argument("dry_run") === "true";
  const made = outcome.revision;
  if (!is_dry_run) wait_for_workers(made, wait);
  const changed = outcome.changes.some(({ has_effect }) => has_effect);
  const head = answer_record({ revision: made, changed, dry_run: is_dry_run });
  const start = `${string.sub(encode(head), 1, -2)},"upstreams":`;
  const end = `,"workers":${encode(following_workers(made))}}`;
  const next_piece = pieces_between(start, difference_pieces(outcome, is_dry_run), end);
  return $multi({ status: 200, next_piece, headers: { ETag: etag_of_revision(made) } }, undefined);
}

function post(this: void, request: ApiRequest): Answered {
  const pause = new_pause(SLICE, new_rest());
  const [wait, bad_wait] = read_wait();
  if (wait === undefined) return $multi(undefined, bad_wait);
  const [body, unreadable] = read_change_request(pause);
  if (body === undefined) return $multi(undefined, unreadable);
  request.named_upstreams = body.upstreams.map(({ name }) => name);
  const [edits, found] = edits_of(body, request.client, pause);
  if (found.length > 0) return $multi(undefined, refusal(found));
  const outcome = make(request, body, edits, pause);
  if (outcome.problems.length > 0)
    return $multi(
      undefined,
      refusal(outcome.problems.map(({ name, problem }) => at_upstream(name, problem))),
    );
  return answer_to(outcome, wait);
}

export const routes: Route[] = [{ path: "changes", scope: "filtered", POST: post }];
