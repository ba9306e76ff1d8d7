import type { NamedEdit, Plan } from "../../store/write";
import type { Answered } from "../answer";
import { check_upstream, type Client } from "../client/client";
import { argument, type ApiRequest } from "../request";
import type { Route } from "../route";
import { named_edit, prune_edits } from "./edits";
import { read_given } from "./given";
import {
  answer_to,
  at_upstream,
  make,
  new_change_pause,
  read_wait,
  refusal,
  type Found,
  type How,
} from "./outcome";
import { read_change_request, type ChangeRequest } from "./request";

/** `/sluice/1/changes`: changes of many upstreams, all of them or none. */

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

/** Returns the plan of a request: its edits, and those of the upstreams that it prunes. */
function plan_of(
  { options, upstreams }: ChangeRequest,
  edits: readonly NamedEdit[],
  client: Client,
  pause: (this: void) => void,
): Plan {
  if (!options.prune) return () => $multi(edits, undefined);
  const named = new LuaSet<string>();
  for (const { name } of upstreams) named.add(name);
  return () => {
    const [pruned, problem] = prune_edits(named, options, client, pause);
    if (pruned === undefined)
      return $multi(undefined, problem === undefined ? undefined : { name: undefined, problem });
    return $multi(edits.concat(pruned), undefined);
  };
}

function post(this: void, request: ApiRequest): Answered {
  const pause = new_change_pause();
  const [wait, bad_wait] = read_wait();
  if (wait === undefined) return $multi(undefined, bad_wait);
  const [body, unreadable] = read_change_request(pause);
  if (body === undefined) return $multi(undefined, unreadable);
  request.named_upstreams = body.upstreams.map(({ name }) => name);
  const [edits, found] = edits_of(body, request.client, pause);
  if (found.length > 0) return $multi(undefined, refusal(found));
  const { comment } = body.options;
  const how: How = { is_dry_run: argument("dry_run") === "true", comment, wait, pause };
  return answer_to(make(request, plan_of(body, edits, request.client, pause), how), how);
}

export const routes: Route[] = [{ path: "changes", scope: "filtered", POST: post }];
