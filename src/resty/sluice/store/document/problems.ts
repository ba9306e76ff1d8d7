import type { Problem } from "../../config/problem";

/** The problems for which the store refuses a change. */

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

/** Another gateway was faster, and its change has not arrived. */
export const LATE: Problem = {
  status: 503,
  code: "ClusterUnavailable",
  text: "another gateway has changed the upstream meanwhile, and its change has not come from etcd yet: try again",
};

/** Returns the problem of an upstream that does not exist. */
export function upstream_not_found(name: string): Problem {
  return { status: 404, code: "UpstreamNotFound", text: `upstream "${string.sub(name, 1, 128)}" not found` };
}

/** Returns the problem of a server that does not exist. `what`: how the request named it. */
export function server_not_found(what: string): Problem {
  return { status: 404, code: "UpstreamServerNotFound", text: `server with ${what} does not exist` };
}

/** The problem of a change for which the write lock could not be taken. */
export function busy(cause: string | undefined): Problem {
  return { status: 503, code: "StoreBusy", text: cause ?? "could not lock the store" };
}
