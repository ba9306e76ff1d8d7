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

/** The problem of an upstream that is not there. */
export function upstream_not_found(name: string): Problem {
  return { status: 404, code: "UpstreamNotFound", text: `upstream "${string.sub(name, 1, 128)}" not found` };
}

/** The problem of a server that is not there. `what`: how it was named. */
export function server_not_found(what: string): Problem {
  return { status: 404, code: "UpstreamServerNotFound", text: `server with ${what} does not exist` };
}
