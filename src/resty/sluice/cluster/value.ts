import * as clock from "../lib/clock";
import { CLUSTER_DIGITS } from "../store/clustered";
import type { Document } from "../store/document";
import { shared_text } from "../store/shared";

/** What an upstream's key in etcd holds, and how documents note which version of it they are. */

/** Makes what this worker writes unlike anything that anybody else does. */
let count = 0;

/** etcd's revision as documents have it. */
export function cluster_revision(revision: number): string {
  return string.format(`%0${CLUSTER_DIGITS}d`, revision);
}

/** etcd's revision of what a document shares; 0: it shares nothing yet. */
export function revision_in_etcd(document: Document | undefined): number {
  return tonumber(document?.cluster_revision) ?? 0;
}

/** The value for a document: its shared part, and behind it a token that tells this change from any other. */
export function value_of(document: Document): string {
  count += 1;
  const token = string.format("%d %d %.3f %.9f", ngx.worker.pid(), count, clock.now(), math.random());
  return `${shared_text(document)}\n${token}`;
}

/** The shared part in a value. */
export function shared_part(value: string): string {
  return string.match(value, "^[^\n]*")[0];
}
