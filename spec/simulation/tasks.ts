import type * as ClusterFollow from "../../src/resty/sluice/cluster/follow";
import type * as Etcd from "../../src/resty/sluice/config/sources/etcd";
import type * as Job from "../../src/resty/sluice/lib/job";
import type * as Compaction from "../../src/resty/sluice/store/compaction";
import type * as Files from "../../src/resty/sluice/store/disk/files";
import type * as LostRows from "../../src/resty/sluice/store/lost_rows";
import type * as Generation from "../../src/resty/sluice/store/memory/generation";
import type * as Slots from "../../src/resty/sluice/store/memory/slots";
import type * as Unfinished from "../../src/resty/sluice/store/unfinished";
import type { Worker } from "./gateway";

/** Starts the tasks of a worker that concern the store and the cluster, as `worker.ts` does. */
export function start_tasks({ load, id }: Worker, etcd: Etcd.EtcdConfig | undefined): void {
  const { every } = load("lib/job") as typeof Job;
  const slots = load("store/memory/slots") as typeof Slots;
  const { finish_write } = load("store/unfinished") as typeof Unfinished;
  slots.take_slot();
  const is_background = (load("store/memory/generation") as typeof Generation).take_over_background_work();
  if (is_background && etcd !== undefined) {
    const cluster = load("cluster/follow") as typeof ClusterFollow;
    cluster.join_cluster(etcd);
    if (id === 0) cluster.follow_cluster();
  }
  if (id === 0) {
    every(1, (load("store/compaction") as typeof Compaction).compact_when_due);
    every(1, (load("store/lost_rows") as typeof LostRows).free_lost_rows);
    every(0.5, (load("store/disk/files") as typeof Files).watch_files);
  }
  finish_write();
  every(0.25, finish_write);
  every(2, slots.release_dead_slots);
}
