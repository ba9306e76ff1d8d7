import type { Problem } from "../config/problem";
import type { Refusal } from "../net/etcd/client";

/** The problems of changes that cannot be shared with the other gateways. */

/** Returns the problem of a change that was not made, as far as is known. */
export function unavailable(cause: string): Problem {
  return {
    status: 503,
    code: "ClusterUnavailable",
    text: `could not share the change with the other gateways through etcd: ${cause}`,
  };
}

/** Returns the problem of a change that may have been made. */
export function unknown_outcome(cause: string): Problem {
  return unavailable(`outcome unknown, so read the upstream before you try again: ${cause}`);
}

/** Returns the problem of a change that no member of etcd would accept. */
export function refused_change(refusal: Refusal, cause: string | undefined): Problem {
  if (refusal === "not permitted") {
    const text = `etcd does not permit the user of "cluster.etcd" to make the change: ${cause ?? ""}`;
    return { status: 403, code: "ClusterForbidden", text };
  }
  const text = `the upstream is too large for etcd (--max-request-bytes, 1.5 MiB by default): ${cause ?? ""}`;
  return { status: 413, code: "UpstreamTooLarge", text };
}
