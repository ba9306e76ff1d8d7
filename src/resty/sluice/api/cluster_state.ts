import type { Moment } from "../lib/clock";
import { cluster_report } from "../store/source_status";

/** The state of the replication through etcd. */
export interface ClusterState {
  state: "ok" | "starting" | "degraded" | "failing";
  /** When etcd last answered; undefined: never. */
  last_success: Moment | undefined;
  error: string | undefined;
}

/** Returns the state of the replication. `problem_count`: the number of upstreams that differ. Any phase. */
export function cluster_state(problem_count: number): ClusterState {
  const { last_success, error } = cluster_report() ?? {};
  const followed = problem_count === 0 ? "ok" : "degraded";
  const quiet = last_success === undefined ? "starting" : followed;
  return { state: error === undefined ? quiet : "failing", last_success, error };
}
