import type { LeastLoadConfig } from "../../config/least_load";
import { seconds_of } from "../../config/time";
import { VERSION } from "../../lib/version";
import { format_request } from "../../net/request";
import type { LiveUpstream, LoadProbe } from "./model";

/** The probes for the load of servers: how they are made, and the upstreams that have them. */

const probed = new LuaSet<LiveUpstream>();

function load_probe_of(name: string, config: LeastLoadConfig | undefined): LoadProbe | undefined {
  if (config?.probe === undefined || config.report === undefined) return undefined;
  const { uri, host, per_request, timeout } = config.probe;
  const headers = [
    `Host: ${host ?? name}`,
    `User-Agent: sluice/${VERSION} (load)`,
    "Accept: */*",
    "Connection: keep-alive",
  ];
  return {
    text: format_request("GET", uri, headers),
    timeout: seconds_of(timeout),
    per_request,
    sources: config.report,
    due: 0,
    servers: [],
    next: 0,
    revision: 0,
  };
}

/** Sets how the servers of an upstream are asked for their load. */
export function set_load_probe(upstream: LiveUpstream, config: LeastLoadConfig | undefined): void {
  upstream.load_probe = load_probe_of(upstream.name, config);
  if (upstream.load_probe === undefined) probed.delete(upstream);
  else probed.add(upstream);
}

/** Forgets an upstream of which this worker no longer has a view. */
export function forget_load_probe(upstream: LiveUpstream): void {
  probed.delete(upstream);
}

/** Returns the upstreams whose servers this worker asks for their load. */
export function probed_upstreams(): LiveUpstream[] {
  const all: LiveUpstream[] = [];
  for (const upstream of probed) all.push(upstream);
  return all;
}
