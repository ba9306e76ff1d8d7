import { encode } from "../lib/json";
import { put_cluster_problems, type ClusterProblem } from "../store/source_status";

/** The upstreams that differ between this gateway and etcd, without an effect on the others. */

const problems = new LuaTable<string, ClusterProblem | undefined>();
let is_changed = false;

/** Records that an upstream differs. `junk`: etcd's revision of a value that is not an upstream. */
export function note_problem(name: string, error: string, junk?: number): void {
  const known = problems.get(name);
  if (known?.error === error && known.junk === junk) return;
  if (known?.error !== error) ngx.log(ngx.WARN, `sluice: the cluster's upstream ${name}: ${error}`);
  problems.set(name, { error, junk });
  is_changed = true;
}

/** Forgets the problem of an upstream. */
export function forget_problem(name: string): void {
  if (!problems.has(name)) return;
  problems.delete(name);
  is_changed = true;
  ngx.log(ngx.NOTICE, `sluice: the cluster's upstream ${name} is the same here and in etcd again`);
}

/** Forgets the problems of all upstreams except those in `kept`. */
export function forget_others(kept: LuaSet<string>): void {
  for (const [name] of pairs(problems)) {
    if (!kept.has(name)) forget_problem(name);
  }
}

/** Returns up to `most` names of upstreams that another try may share or apply. */
export function names_to_retry(most: number): string[] {
  const names: string[] = [];
  for (const [name, { junk }] of pairs(problems)) {
    if (junk === undefined && names.length < most) names.push(name);
  }
  return names;
}

/** Publishes the problems if they have changed, or `always`, to replace those of an earlier worker. */
export function publish_problems(always = false): void {
  if (!is_changed && !always) return;
  is_changed = false;
  const all: Record<string, ClusterProblem> = {};
  for (const [name, problem] of pairs(problems)) all[name] = problem;
  put_cluster_problems(next(all)[0] === undefined ? undefined : encode(all));
}
