import { registry_of } from "../../config/discovery";
import * as clock from "../../lib/clock";
import { is_clustered } from "../../store/document/clustered";
import {
  cluster_problems,
  cluster_report,
  feed_reports,
  source_reports,
  why_cut_off,
} from "../../store/source_status";
import { ABSENT, columns, single, type Column, type Family, type Head } from "./family";
import { further_label } from "./labels";
import type { Upstreams } from "./snapshot";

/** The families of what a gateway follows: the registries of upstreams, and other gateways of a cluster. */

const NAME = "sluice_discovery_";

const HEADS: Head[] = [
  {
    name: `${NAME}up`,
    type: "gauge",
    help: "1 if the registry has answered, and its last answer was applied.",
  },
  {
    name: `${NAME}last_success_timestamp_seconds`,
    type: "gauge",
    unit: "seconds",
    help: "When the registry last answered, in seconds since 1970.",
  },
  {
    name: `${NAME}failures`,
    type: "counter",
    help: "Failed attempts to follow the registry, since a worker began to follow it.",
  },
  { name: `${NAME}servers`, type: "gauge", help: "Servers in the last answer of the registry." },
  { name: `${NAME}skipped`, type: "gauge", help: "Entries of the last answer that cannot be used." },
  {
    name: `${NAME}pending`,
    type: "gauge",
    help: "Servers that the guard keeps until their removal is confirmed.",
  },
];

/** Returns the values of an upstream in the order of `HEADS`. */
function values_of(name: string): number[] {
  const said = source_reports.get(name);
  const feed = said === undefined ? undefined : feed_reports.get(said.feed);
  const last_success = feed?.last_success;
  const is_up = last_success !== undefined && (feed?.error ?? said?.error) === undefined;
  const answered_at = last_success === undefined ? ABSENT : clock.wall_time_of(last_success);
  const failures = feed?.failures ?? 0;
  const servers = said?.servers ?? 0;
  const skipped = said?.skipped_count ?? 0;
  const pending = said?.pending?.count ?? 0;
  return [is_up ? 1 : 0, answered_at, failures, servers, skipped, pending];
}

/** Makes the families of the upstreams that follow a registry. Phases that can sleep. */
export function discovery_families(
  { names, labels, heads }: Upstreams,
  pause: (this: void) => void,
): Family[] {
  const its_labels: string[] = [];
  const all_values: number[][] = [];
  for (const _ of HEADS) all_values.push([]);
  for (const index of $range(0, names.length - 1)) {
    const source = registry_of(heads[index].discovery);
    if (source !== undefined) {
      const place = its_labels.length;
      its_labels[place] = labels[index] + further_label("source", source);
      for (const [number, value] of ipairs(values_of(names[index]))) all_values[number - 1][place] = value;
      pause();
    }
  }
  const families: Family[] = [];
  for (const [number, head] of ipairs(HEADS)) {
    const column: Column = { labels: "", values: all_values[number - 1] };
    families.push(columns(head, its_labels, [column]));
  }
  return families;
}

/** Makes the families of the cluster; without one there are none. Any phase. */
export function cluster_families(): Family[] {
  if (!is_clustered()) return [];
  let problems = 0;
  for (const [_] of pairs(cluster_problems())) problems += 1;
  const last_success = cluster_report()?.last_success;
  const families = [
    single(
      { name: "sluice_cluster_connected", type: "gauge", help: "1 if the shared etcd answers." },
      why_cut_off(clock.now()) === undefined ? 1 : 0,
    ),
    single(
      {
        name: "sluice_cluster_conflicts",
        type: "gauge",
        help: "Upstreams that differ between this gateway and etcd.",
      },
      problems,
    ),
  ];
  if (last_success !== undefined) {
    const head: Head = {
      name: "sluice_cluster_last_success_timestamp_seconds",
      type: "gauge",
      unit: "seconds",
      help: "When etcd last answered, in seconds since 1970.",
    };
    families.push(single(head, clock.wall_time_of(last_success)));
  }
  return families;
}
