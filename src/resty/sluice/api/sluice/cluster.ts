import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { shape, shaped } from "../../lib/json";
import { is_clustered } from "../../store/clustered";
import { cluster_report } from "../../store/reports";
import { ok, type Answered } from "../answer";
import type { Route } from "../route";

/** `/sluice/1/cluster`: how the etcd is by which gateways share their upstreams. */

const CLUSTER = shape(["state", "last_success", "error"]);

function get(this: void): Answered {
  if (!is_clustered()) {
    const text = 'this gateway is alone: setup has no "cluster"';
    return $multi(undefined, { status: 404, code: "ClusterNotFound", text });
  }
  const { last_success, error } = cluster_report() ?? {};
  const quiet = last_success === undefined ? "starting" : "ok";
  return ok(
    shaped(
      {
        state: error === undefined ? quiet : "failing",
        last_success: last_success === undefined ? undefined : iso8601(clock.wall_time_of(last_success)),
        error,
      },
      CLUSTER,
    ),
  );
}

export const routes: Route[] = [{ path: "cluster", GET: get }];
