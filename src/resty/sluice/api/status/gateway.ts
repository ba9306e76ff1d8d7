import { current_template, describe_template } from "../../discovery/template/current";
import { list, record } from "../../lib/json";
import { escape_invalid_utf8 } from "../../lib/utf8";
import { own_generation } from "../../live/unlogged";
import { why_unsaved } from "../../store/disk/failures";
import { displaced } from "../../store/disk/files";
import { is_open } from "../../store/disk/writer";
import { is_clustered } from "../../store/document/clustered";
import { dict_capacity, dict_free_space } from "../../store/memory/dict";
import { count_workers_with_slot } from "../../store/memory/slots";
import { cluster_problems } from "../../store/source_status";
import { audit_problem } from "../audit";
import { tokens_file_problem } from "../client/tokens_file";
import { cluster_state } from "../cluster_state";
import { template_state } from "../template_state";

/** What a person must know of the whole gateway. */

const cluster_record = record("state error problem_count");
const problem_record = record("problem reason");

/** Below this part of its size, the dict is nearly full. */
const LEAST_FREE = 0.1;

/** Returns the state of the cluster; undefined: the gateway is not part of one. Any phase. */
export function cluster_object(): object | undefined {
  if (!is_clustered()) return undefined;
  let problem_count = 0;
  for (const [_] of pairs(cluster_problems())) problem_count += 1;
  const { state, error } = cluster_state(problem_count);
  return cluster_record({ state, error, problem_count });
}

/** Returns why changes or the servers' health are not saved; undefined: they are. */
function why_not_saved(): string | undefined {
  if (!is_open()) return undefined;
  const moved = displaced();
  if (moved !== undefined) return `changes are refused: ${moved}`;
  const change = why_unsaved("change");
  return change === undefined ? why_unsaved("health") : `the last change was refused: ${change}`;
}

/** Returns that the shared dict is nearly full; undefined: it is not. */
function why_nearly_full(): string | undefined {
  const free = dict_free_space() / dict_capacity();
  if (free >= LEAST_FREE) return undefined;
  const percent = math.floor(free * 100);
  return `${percent} % of the shared dict is free, and changes are refused when it is full: make lua_shared_dict larger`;
}

/** Returns that workers serve no requests; undefined: all do. */
function why_not_serving(): string | undefined {
  const count = ngx.worker.count() - count_workers_with_slot(own_generation());
  if (count <= 0) return undefined;
  const who = count === 1 ? "1 worker has" : `${count} workers have`;
  return `${who} no slot for counters and answers 502 until workers of an earlier reload have ended`;
}

/** Returns why the registry that feeds many upstreams fails; undefined: it does not, or there is none. */
function why_discovery_fails(): string | undefined {
  if (current_template() === undefined) return undefined;
  const { error } = template_state();
  return error === undefined ? undefined : `${describe_template()} fails: ${error}`;
}

/** Returns that upstreams are kept of which their registry has no entries; undefined: none is kept. */
function why_discovery_waits(): string | undefined {
  const pending = current_template() === undefined ? undefined : template_state().report?.pending;
  if (pending === undefined) return undefined;
  const { count, reason } = pending;
  return `${describe_template()} has no entries of ${string.format("%d", count)} upstreams: ${reason}`;
}

/** Returns the problems of the gateway. Any phase. */
export function gateway_problems(): object[] {
  const problems: object[] = [];
  const add = (problem: string, reason: string | undefined) => {
    if (reason !== undefined) problems.push(problem_record({ problem, reason: escape_invalid_utf8(reason) }));
  };
  add("state_not_saved", why_not_saved());
  add("dict_nearly_full", why_nearly_full());
  add("workers_without_slot", why_not_serving());
  add("tokens_file_invalid", tokens_file_problem());
  add("audit_log_failing", audit_problem());
  add("discovery_failing", why_discovery_fails());
  add("discovery_pending", why_discovery_waits());
  return list(problems);
}
