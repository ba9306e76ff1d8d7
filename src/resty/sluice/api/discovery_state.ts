import { feed_reports, source_reports, type FeedReport, type SourceReport } from "../store/source_status";

/** The state of an upstream's registry. */
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
