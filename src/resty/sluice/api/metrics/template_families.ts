import { source_in } from "../../config/upstream_template";
import { current_template } from "../../discovery/template/current";
import * as clock from "../../lib/clock";
import { template_state } from "../template_state";
import { columns, type Family, type Head } from "./family";
import { label } from "./labels";

/** The families of the registry that feeds many upstreams. */

const NAME = "sluice_template_";

const UP: Head = {
  name: `${NAME}up`,
  type: "gauge",
  help: "1 if the registry that feeds many upstreams has answered, and its last answer was applied.",
};
const LAST_SUCCESS: Head = {
  name: `${NAME}last_success_timestamp_seconds`,
  type: "gauge",
  unit: "seconds",
  help: "When this registry last answered, in seconds since 1970.",
};
const FAILURES: Head = {
  name: `${NAME}failures`,
  type: "counter",
  help: "Failed attempts to follow this registry, since a worker began to follow it.",
};
const UPSTREAMS: Head = { name: `${NAME}upstreams`, type: "gauge", help: "Upstreams that it has made." };
const SKIPPED: Head = {
  name: `${NAME}skipped`,
  type: "gauge",
  help: "Its entries and upstreams that cannot be used.",
};
const PENDING: Head = {
  name: `${NAME}pending`,
  type: "gauge",
  help: "Upstreams that are kept until their deletion is confirmed.",
};

/** Makes the families of the template; without one there are none. Any phase. */
export function template_families(): Family[] {
  const template = current_template();
  if (template === undefined) return [];
  const { state, last_success, failures, report } = template_state();
  const labels = [label("source", source_in(template))];
  const family = (head: Head, value: number) => columns(head, labels, [{ labels: "", values: [value] }]);
  const { upstreams = 0, skipped_count = 0, pending } = report ?? {};
  const waiting = pending === undefined ? 0 : pending.count;
  const families = [
    family(UP, state === "ok" ? 1 : 0),
    family(FAILURES, failures),
    family(UPSTREAMS, upstreams),
    family(SKIPPED, skipped_count),
    family(PENDING, waiting),
  ];
  if (last_success !== undefined) families.push(family(LAST_SUCCESS, clock.wall_time_of(last_success)));
  return families;
}
