import { registry_of } from "../../config/discovery";
import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { list, record } from "../../lib/json";
import { hosts_of, type HostRecord } from "../../store/document/host";
import { expires, is_expired, registered_nodes, type NodeRecord } from "../../store/document/nodes";
import { ok } from "../answer";
import { discovery_state, host_state, type DiscoveryState } from "../discovery_state";
import { of_upstream } from "../existing";
import type { Route } from "../route";

/** `/sluice/1/upstreams/<name>/discovery`: the source of an upstream's servers, and its state. */

const discovery_record = record(`
  source state last_success error revision servers down skipped skipped_count pending expired hosts
`);
const host_record = record(`
  id server service state last_success error servers skipped skipped_count pending
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

/** Returns what the sources of both kinds have in common. */
function state_members({ state, error, source: said, feed }: DiscoveryState): Record<string, unknown> {
  const pending = said?.pending;
  if (pending !== undefined) list(pending.servers);
  const skipped = said?.skipped ?? [];
  for (const entry of skipped) skipped_record(entry);
  return {
    state,
    last_success:
      feed?.last_success === undefined ? undefined : iso8601(clock.wall_time_of(feed.last_success)),
    error,
    servers: said?.servers ?? 0,
    down: said?.down,
    skipped: list(skipped),
    skipped_count: said?.skipped_count ?? 0,
    pending: pending === undefined ? undefined : pending_record(pending),
  };
}

/** Returns the states of the host names of an upstream; undefined: it has none. */
function host_objects(name: string, hosts: readonly HostRecord[]): object[] | undefined {
  if (hosts.length === 0) return undefined;
  return list(
    hosts.map(({ id, server, service }) => {
      return host_record({ ...state_members(host_state(name, id)), id, server, service });
    }),
  );
}

function source_name(has_nodes: boolean): string {
  return has_nodes ? "register" : "resolve";
}

const get = of_upstream((document, { parameters }) => {
  const { name } = parameters;
  const source = registry_of(document.discovery);
  const nodes = registered_nodes(document);
  const hosts = hosts_of(document);
  if (source === undefined && nodes.length === 0 && hosts.length === 0) {
    const text = `upstream "${name}" has no registry in "discovery", no host name, and no server that has registered itself`;
    return $multi(undefined, { status: 404, code: "DiscoveryNotFound", text });
  }
  const state = discovery_state(name, source !== undefined);
  const object = {
    ...state_members(state),
    source: source ?? source_name(nodes.length > 0),
    revision: state.source?.revision,
    servers: source === undefined ? nodes.length : (state.source?.servers ?? 0),
    expired: expired_objects(nodes),
    hosts: host_objects(name, hosts),
  };
  return ok(discovery_record(object), document);
});

export const routes: Route[] = [{ path: "upstreams/{name}/discovery", GET: get }];
