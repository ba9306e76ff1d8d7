import type { EtcdConfig } from "../config/sources/etcd";
import * as clock from "../lib/clock";
import { CLUSTER_DIGITS } from "../store/clustered";
import type { Document } from "../store/document";
import { LOST } from "../store/problems";
import type { Replicate } from "../store/replicate";
import { shared_text } from "../store/shared";
import { change_key, unavailable } from "./transaction";

/** Sends changes of upstreams to the other gateways: each is a transaction on the upstream's key. */

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

/** What stands in etcd for a document: its shared part, and behind it what tells this change from any other. */
function value_of(document: Document): string {
  count += 1;
  const mark = string.format("%d %d %.3f %.9f", ngx.worker.pid(), count, clock.now(), math.random());
  return `${shared_text(document)}\n${mark}`;
}

/** The shared part in a value. */
export function shared_part(value: string): string {
  return string.match(value, "^[^\n]*")[0];
}

/** Makes the function that sends changes. `etcd`: with the prefix below which each upstream has its key. */
export function new_replicate(etcd: EtcdConfig): Replicate {
  return (name, before, after) => {
    const [revision, why, cause] = change_key(etcd, {
      key: etcd.prefix + name,
      value: after === undefined ? undefined : value_of(after),
      from: revision_in_etcd(before),
    });
    if (revision !== undefined) return $multi(cluster_revision(revision), undefined);
    return $multi(undefined, why === "lost" ? LOST : unavailable(cause));
  };
}
