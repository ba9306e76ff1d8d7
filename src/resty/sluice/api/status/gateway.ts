import { list, record } from "../../lib/json";
import { is_clustered } from "../../store/document/clustered";
import { dict_capacity, dict_free_space, recall } from "../../store/memory/dict";
import { revision } from "../../store/memory/region";
import { cluster_problems } from "../../store/source_status";
import { cluster_state } from "../cluster_state";

/** What a person must know of the whole gateway. */

const cluster_record = record("state error problem_count");
const problem_record = record("problem reason");

/** Below this part of its size, the dict is nearly full. */
const LEAST_FREE = 0.1;

/** Returns the state of the cluster; undefined: the gateway is not part of one. Any phase. */
export function cluster_object(): object | undefined {
  if (!is_clustered()) return undefined;
  let problem_count = 0;
  for (const [_] of pairs(cluster_problems())) problem_count += 1;
  const { state, error } = cluster_state(problem_count);
  return cluster_record({ state, error, problem_count });
}

/** Returns the newest event as a cursor of the event stream. Any phase. */
export function event_cursor(): string {
  return string.format("%d.%d", tonumber(recall("last_event")) ?? 0, revision());
}

/** Returns the problems of the gateway. Any phase. */
export function gateway_problems(): object[] {
  const problems: object[] = [];
  const free = dict_free_space() / dict_capacity();
  if (free < LEAST_FREE) {
    const reason = string.format(
      "%d %% of the shared dict are free: changes are refused when it is full; make lua_shared_dict larger",
      math.floor(free * 100),
    );
    problems.push(problem_record({ problem: "dict_nearly_full", reason }));
  }
  return list(problems);
}
