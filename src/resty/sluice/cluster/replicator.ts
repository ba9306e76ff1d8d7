import type { EtcdConfig } from "../config/sources/etcd";
import * as clock from "../lib/clock";
import { get_key } from "../net/etcd/keys";
import { is_grace, known_history } from "../store/document/clustered";
import type { Document } from "../store/document/document";
import type { Reach, Replicator } from "../store/replicate";
import { junk_revision } from "../store/source_status";
import { unavailable } from "./refusals";
import { apply_newer } from "./take_over";
import { make_changes, preferred_client } from "./transaction";
import { unique_token, value_of } from "./value";
import { format_version, parse_version, revision_in, type Version } from "./version";

/** Sends changes of upstreams to the other gateways, in one transaction on the upstreams' keys. */

const RESTORING = unavailable(
  "etcd has lost its data, and the gateways put it back. Try again in some seconds",
);
const NOT_JOINED = unavailable("this gateway has not read what etcd has yet. Try again");

/** Returns the version that is put back; undefined: it is of an etcd without histories, or a change. */
function put_back({ cluster_origin }: Document): Version | undefined {
  const version = parse_version(cluster_origin);
  return version?.history === "" ? undefined : version;
}

/** Returns etcd's revision of what a change replaces; 0: nothing. */
function replaced(name: string, history: string, before: Document | undefined, reach: Reach): number {
  if (typeof reach === "number") return reach;
  // A value that is not an upstream is replaced once the watch has brought all earlier changes.
  return math.max(revision_in(history, before), junk_revision(name));
}

/** Returns a replicator. `etcd`: its prefix is that of the upstreams' keys. */
export function new_replicator(etcd: EtcdConfig): Replicator {
  return {
    share: (changes, reach) => {
      const history = known_history();
      if (history === undefined) return $multi(undefined, NOT_JOINED);
      if (reach === "all" && is_grace(clock.now())) return $multi(undefined, RESTORING);
      const puts = changes.map(({ name, current, next }) => ({
        name,
        value: next === undefined ? unique_token() : value_of(next, put_back(next)),
        is_deletion: next === undefined,
        from: replaced(name, history, current, reach),
      }));
      const [revision, problem] = make_changes(etcd, puts, history);
      if (revision === undefined) return $multi(undefined, problem);
      return $multi(format_version({ history, revision }), undefined);
    },
    catch_up: (name) => {
      const history = known_history();
      const [client] = preferred_client(etcd);
      if (client === undefined || history === undefined) return;
      const [found] = get_key(client, etcd.prefix + name);
      if (found?.entry !== undefined) apply_newer(name, found.entry, history);
    },
  };
}
