import type { KeyValue } from "../net/etcd/keys";
import type { Document } from "../store/document/document";
import { apply_shared, parse_shared, type Shared } from "../store/document/replica";
import { CLUSTER } from "../store/history/author";
import { write_own } from "../store/write";
import { forget_problem, note_problem } from "./problems";
import { origin_of, shared_part } from "./value";
import { format_version, revision_in, type Version } from "./version";

/** Makes an upstream equal to its version in etcd, and records problems. Phases that can sleep. */

/** Returns whether etcd's version replaces this gateway's document; undefined: this gateway has none. */
export type Condition = (this: void, current: Document | undefined) => boolean;

/** The versions of a document as it keeps them. */
type Versions = Pick<Document, "cluster_revision" | "cluster_origin">;

/** `content`: the version of the content; undefined: that of the revision. */
function versions_of(revision: number, history: string, content: Version | undefined): Versions {
  const is_older = content !== undefined && content.history !== history;
  return {
    cluster_revision: format_version({ history, revision }),
    cluster_origin: is_older ? format_version(content) : undefined,
  };
}

function take_over(name: string, taken: [Shared, Versions] | undefined, is_wanted: Condition): void {
  const [, problem] = write_own(name, CLUSTER, (current, next_revision) => {
    if (!is_wanted(current)) return $multi(current, undefined);
    if (taken === undefined) return $multi(undefined, undefined);
    return apply_shared(current, taken[0], taken[1], next_revision);
  });
  if (problem === undefined) forget_problem(name);
  else note_problem(name, `what etcd has could not be applied: ${problem.text}`);
}

/** Takes over the value of a key, unless it is not an upstream. `content`: the version of its content. */
export function apply_value(
  name: string,
  { value, revision }: KeyValue,
  history: string,
  content: Version | undefined,
  is_wanted: Condition,
): void {
  const [shared, problem] = parse_shared(shared_part(value));
  if (shared !== undefined) take_over(name, [shared, versions_of(revision, history, content)], is_wanted);
  else note_problem(name, `what etcd has is no upstream and is left out: ${problem?.text ?? ""}`, revision);
}

/** Takes over the deletion of a key. */
export function apply_deletion(name: string, is_wanted: Condition): void {
  take_over(name, undefined, is_wanted);
}

/** Takes over a value before the watch brings it. A missing upstream may have been deleted since. */
export function apply_newer(name: string, { value, revision }: KeyValue, history: string): void {
  const [shared] = parse_shared(shared_part(value));
  if (shared === undefined) return;
  write_own(name, CLUSTER, (current, next_revision) => {
    const known = revision_in(history, current);
    if (known === 0 || known >= revision) return $multi(current, undefined);
    return apply_shared(current, shared, versions_of(revision, history, origin_of(value)), next_revision);
  });
}
