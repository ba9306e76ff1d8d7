import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { list, record } from "../../lib/json";
import { is_clustered } from "../../store/document/clustered";
import { cluster_problems } from "../../store/source_status";
import { ok, type Answered } from "../answer";
import { cluster_state } from "../cluster_state";
import type { Route } from "../route";

/** `/sluice/1/cluster`: the state of the replication through etcd. */

const cluster_record = record("state last_success error problems problem_count");
const problem_record = record("upstream error");
const MOST_PROBLEMS = 20;

/** Returns the first upstreams that differ between this gateway and etcd, and their number. */
function problem_list(): LuaMultiReturn<[object[], number]> {
  const problems = cluster_problems();
  const upstreams: string[] = [];
  for (const [upstream] of pairs(problems)) upstreams.push(upstream);
  table.sort(upstreams);
  const shown: object[] = [];
  for (const [number, upstream] of ipairs(upstreams)) {
    if (number <= MOST_PROBLEMS) shown.push(problem_record({ upstream, error: problems[upstream].error }));
  }
  return $multi(list(shown), upstreams.length);
}

function get(this: void): Answered {
  if (!is_clustered()) {
    const text = 'this gateway is not part of a cluster: setup has no "cluster"';
    return $multi(undefined, { status: 404, code: "ClusterNotFound", text });
  }
  const [problems, problem_count] = problem_list();
  const { state, last_success, error } = cluster_state(problem_count);
  const cluster = {
    state,
    last_success: last_success === undefined ? undefined : iso8601(clock.wall_time_of(last_success)),
    error,
    problems,
    problem_count,
  };
  return ok(cluster_record(cluster));
}

export const routes: Route[] = [{ path: "cluster", roles: { GET: ["admin"] }, GET: get }];
