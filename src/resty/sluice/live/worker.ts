import { remove_idle_servers } from "../health/drain";
import { compact_when_due } from "../store/compaction";
import { map_private, shared_memory } from "../store/region";
import { use_sums } from "./begun";
import { use_slot } from "./counters";
import { use_loads } from "./loads";
import { take_slot } from "./slots";
import { refresh_all, use_memory } from "./view";

/** What a worker does beside requests. Each job is done by one worker, or concerns only its own memory. */

const COMPACTION_SECONDS = 1;
const REFRESH_SECONDS = 10;
const DRAIN_SECONDS = 1;

function every(seconds: number, job: (this: void) => void): void {
  const [timer, cause] = ngx.timer.every(seconds, (premature) => {
    if (!premature && !ngx.worker.exiting()) job();
  });
  if (timer === undefined) ngx.log(ngx.WARN, `sluice: could not start a timer: ${cause ?? ""}`);
}

/** Makes this worker ready to balance. Phase: init_worker_by_lua. Raises when `setup` was not called. */
export function start_worker(): void {
  const memory = shared_memory();
  use_memory(memory);
  const slot = take_slot();
  if (slot === undefined) {
    ngx.log(
      ngx.WARN,
      "sluice: more workers than at the last start: restart nginx, or this one's requests are not counted",
    );
  }
  const counted = slot === undefined ? map_private() : memory;
  use_slot(counted, slot ?? 1);
  use_loads(counted);
  use_sums(counted);
  // Else all workers would begin their rotations with the same server.
  math.randomseed(ngx.worker.pid() * 1000 + ((ngx.now() * 1000) % 1000));
  // The cache manager and the privileged agent run init_worker too, and have no worker id.
  if (ngx.worker.id() === 0) every(COMPACTION_SECONDS, compact_when_due);
  if (ngx.worker.id() === 0) every(DRAIN_SECONDS, remove_idle_servers);
  every(REFRESH_SECONDS, refresh_all);
}
