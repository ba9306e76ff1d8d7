import type { LeastLoadConfig } from "../../config/least_load";
import { seconds_of } from "../../config/time";
import { VERSION } from "../../lib/version";
import { format_request } from "../../net/request";
import type { LoadProbe } from "./model";

/** Prepares the probes for the load of an upstream's servers; undefined: there are none. */
export function load_probe_of(name: string, config: LeastLoadConfig | undefined): LoadProbe | undefined {
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
