import { registry_of } from "../../config/discovery";
import * as clock from "../../lib/clock";
import { is_clustered } from "../../store/document/clustered";
import { cluster_problems, cluster_report, why_cut_off } from "../../store/source_status";
import { discovery_state, host_state, type DiscoveryState } from "../discovery_state";
import { ABSENT, columns, single, type Column, type Family, type Head } from "./family";
import { further_label } from "./labels";
import type { Upstreams } from "./snapshot";

/**
 * The families of what a gateway follows: the registries and host names of upstreams, and other gateways of a
 * cluster.
 */

const NAME = "sluice_discovery_";

const HEADS: Head[] = [
  {
    name: `${NAME}up`,
    type: "gauge",
    help: "1 if the registry or the DNS has answered, and its last answer was applied.",
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

/** Returns the values of a registry or of a host name in the order of `HEADS`. */
function values_of({ source: said, feed, error }: DiscoveryState): number[] {
  const last_success = feed?.last_success;
  const is_up = last_success !== undefined && error === undefined;
  const answered_at = last_success === undefined ? ABSENT : clock.wall_time_of(last_success);
  const failures = feed?.failures ?? 0;
  const servers = said?.servers ?? 0;
  const skipped = said?.skipped_count ?? 0;
  const pending = said?.pending?.count ?? 0;
  return [is_up ? 1 : 0, answered_at, failures, servers, skipped, pending];
}

/** Makes the families of the upstreams that follow a registry or host names. Phases that can sleep. */
export function discovery_families(
  { names, labels, heads }: Upstreams,
  pause: (this: void) => void,
): Family[] {
  const its_labels: string[] = [];
  const all_values: number[][] = [];
  for (const _ of HEADS) all_values.push([]);
  const add = (its_label: string, state: DiscoveryState) => {
    const place = its_labels.length;
    its_labels[place] = its_label;
    for (const [number, value] of ipairs(values_of(state))) all_values[number - 1][place] = value;
    pause();
  };
  for (const index of $range(0, names.length - 1)) {
    const name = names[index];
    const { discovery, hosts } = heads[index];
    const source = registry_of(discovery);
    if (source !== undefined)
      add(labels[index] + further_label("source", source), discovery_state(name, true));
    for (const { id, server } of hosts ?? []) {
      const its_label = `${further_label("source", "resolve")}${further_label("host", server)}`;
      add(`${labels[index]}${its_label},id="${string.format("%d", id)}"`, host_state(name, id));
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
