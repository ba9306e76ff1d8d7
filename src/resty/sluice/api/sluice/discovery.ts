import { source_of } from "../../config/discovery";
import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { list, record } from "../../lib/json";
import { expires, is_expired, registered_nodes, type NodeRecord } from "../../store/document/nodes";
import { ok } from "../answer";
import { discovery_state } from "../discovery_state";
import { of_upstream } from "../existing";
import type { Route } from "../route";

/** `/sluice/1/upstreams/<name>/discovery`: the source of an upstream's servers, and its state. */

const discovery_record = record(`
  source state last_success error revision servers skipped skipped_count pending expired
`);
const expired_record = record("node server expires");
const skipped_record = record("entry reason");
const pending_record = record("reason count confirmations servers");

/** Returns the expired servers that the guard keeps; undefined: no server has registered itself. */
function expired_objects(nodes: readonly NodeRecord[]): object[] | undefined {
  if (nodes.length === 0) return undefined;
  const objects: object[] = [];
  for (const registered of nodes) {
    const { node, server } = registered;
    const time = iso8601(clock.wall_time_of(expires(registered)));
    if (is_expired(registered)) objects.push(expired_record({ node: node.name, server, expires: time }));
  }
  return list(objects);
}

const get = of_upstream((document, { parameters }) => {
  const { name } = parameters;
  const source = source_of(document.discovery);
  const nodes = registered_nodes(document);
  if (source === undefined && nodes.length === 0) {
    const text = `upstream "${name}" has no registry in "discovery", and no server has registered itself`;
    return $multi(undefined, { status: 404, code: "DiscoveryNotFound", text });
  }
  const { state, error, source: said, feed } = discovery_state(name, source !== undefined);
  const pending = said?.pending;
  if (pending !== undefined) list(pending.servers);
  const skipped = said?.skipped ?? [];
  for (const entry of skipped) skipped_record(entry);
  const object = {
    source: source ?? "register",
    state,
    last_success:
      feed?.last_success === undefined ? undefined : iso8601(clock.wall_time_of(feed.last_success)),
    error,
    revision: said?.revision,
    servers: source === undefined ? nodes.length : (said?.servers ?? 0),
    skipped: list(skipped),
    skipped_count: said?.skipped_count ?? 0,
    pending: pending === undefined ? undefined : pending_record(pending),
    expired: expired_objects(nodes),
  };
  return ok(discovery_record(object), document);
});

export const routes: Route[] = [{ path: "upstreams/{name}/discovery", GET: get }];
