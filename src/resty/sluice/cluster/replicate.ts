import type { EtcdConfig } from "../config/sources/etcd";
import { get_key } from "../net/etcd/keys";
import type { Replicator } from "../store/replicate";
import { junk_revision } from "../store/reports";
import { apply_newer } from "./apply";
import { change_key, preferred_client } from "./transaction";
import { cluster_revision, revision_in_etcd, value_of } from "./value";

/** Sends changes of upstreams to the other gateways: each is a transaction on the upstream's key. */

/** Makes what sends changes. `etcd`: with the prefix below which each upstream has its key. */
export function new_replicator(etcd: EtcdConfig): Replicator {
  return {
    replicate: (name, before, after) => {
      const [revision, problem] = change_key(etcd, {
        key: etcd.prefix + name,
        value: after === undefined ? undefined : value_of(after),
        // A value that is no upstream is replaced, once the watch has brought all changes before it.
        from: math.max(revision_in_etcd(before), junk_revision(name)),
      });
      if (revision === undefined) return $multi(undefined, problem);
      return $multi(cluster_revision(revision), undefined);
    },
    catch_up: (name) => {
      const [client] = preferred_client(etcd);
      if (client === undefined) return;
      const [found] = get_key(client, etcd.prefix + name);
      if (found?.entry !== undefined) apply_newer(name, found.entry);
    },
  };
}
