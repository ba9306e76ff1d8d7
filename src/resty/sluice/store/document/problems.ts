import type { Problem } from "../../config/problem";

/** Why the store refuses a change. */

export const OUT_OF_MEMORY: Problem = {
  status: 500,
  code: "UpstreamOutOfMemory",
  text: "upstream memory exhausted: lua_shared_dict is full",
};

/** Another gateway was faster. */
export const LOST: Problem = {
  status: 412,
  code: "PreconditionFailed",
  text: "another gateway has changed the upstream meanwhile",
};

/** Another gateway was faster, and its change has not come. */
export const LATE: Problem = {
  status: 503,
  code: "ClusterUnavailable",
  text: "another gateway has changed the upstream meanwhile, and its change has not come from etcd yet: try again",
};
