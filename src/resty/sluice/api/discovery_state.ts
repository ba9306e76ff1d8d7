import type { StoredHost } from "../store/document/host";
import { mark_of_host } from "../store/document/line";
import {
  feed_reports,
  host_report_name,
  source_reports,
  type FeedReport,
  type SourceReport,
} from "../store/source_status";

/** The state of an upstream's registry, or of one of its host names. */
export interface DiscoveryState {
  state: "ok" | "starting" | "failing";
  error: string | undefined;
  /** What is reported of the upstream's source and of its feed; undefined: nothing yet. */
  source: SourceReport | undefined;
  feed: FeedReport | undefined;
}

/** Returns the state of the registry of an upstream. `has_source`: false if it has none. Any phase. */
export function discovery_state(name: string, has_source: boolean): DiscoveryState {
  const source = has_source ? source_reports.get(name) : undefined;
  const feed = source === undefined ? undefined : feed_reports.get(source.feed);
  const error = feed?.error ?? source?.error;
  const is_starting = has_source && feed?.last_success === undefined;
  const quiet = is_starting ? "starting" : "ok";
  return { state: error === undefined ? quiet : "failing", error, source, feed };
}

/** The names of what an upstream follows. */
export interface Followed {
  name: string;
  has_source: boolean;
  hosts: readonly StoredHost[];
}

/** Returns the state of a host name of an upstream. Any phase. */
export function host_state(name: string, id: number): DiscoveryState {
  return discovery_state(host_report_name(name, mark_of_host(id)), true);
}

/**
 * Returns the state of the registry and of the host names of an upstream together: that of the first one that
 * fails, or else of the first one that has not answered yet. Any phase.
 */
export function followed_state({
  name,
  has_source,
  hosts,
}: Followed): Pick<DiscoveryState, "state" | "error"> {
  let { state, error } = discovery_state(name, has_source);
  for (const { id, server } of hosts) {
    if (state === "failing") break;
    const of_host = host_state(name, id);
    if (of_host.state !== "ok") state = of_host.state;
    if (of_host.error !== undefined) error = `host name "${server}": ${of_host.error}`;
  }
  return { state, error };
}
