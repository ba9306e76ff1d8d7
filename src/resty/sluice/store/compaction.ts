import { new_job } from "../lib/job";
import { new_pause } from "../lib/pause";
import { without_rest } from "../lib/rest";
import type { Result } from "../lib/result";
import { in_slices } from "../lib/slices";
import { save_image } from "./disk/image";
import * as disk from "./disk/writer";
import { Header } from "./memory/header_cells";
import { acquire, Lock, release, release_after, try_acquire } from "./memory/lock";
import { revision, shared_memory } from "./memory/region";
import { repair } from "./unfinished";

/** Replaces a long journal by an image, while requests and writes continue. */

/** The journals must be longer than this, and longer than the image. */
const LEAST_JOURNAL_BYTES = 1048576;
const REST_SECONDS = 60;
/** Time that the work may take before requests are served, in seconds. */
const SLICE = 0.002;

function is_due(): boolean {
  if (!disk.is_open()) return false;
  const [journal_bytes, image_bytes] = disk.sizes();
  return journal_bytes > math.max(LEAST_JOURNAL_BYTES, image_bytes) || disk.is_cut();
}

/**
 * Finishes the write of a killed writer. Returns the state's revision then. The caller holds the write lock.
 */
function settled_revision(): Result<number> {
  const [repaired, failure] = pcall(() => {
    without_rest(repair);
  });
  return $multi(repaired ? revision() : undefined, repaired ? undefined : tostring(failure));
}

/** Returns a revision of the state up to which the disk holds the journal. */
function synced_revision(this: void): Result<number> {
  const [locked, busy] = acquire();
  if (locked === undefined) return $multi(undefined, busy);
  const [at, cause] = settled_revision();
  release(Lock.WRITE);
  if (at === undefined) return $multi(undefined, cause);
  const [synced, unsynced] = disk.sync_journal();
  return $multi(synced === undefined ? undefined : at, unsynced);
}

/**
 * Continues with the other journal. Returns the revision that it follows. The caller holds the write lock.
 */
function begin_journal(): Result<number> {
  const [at, cause] = settled_revision();
  if (at === undefined) return $multi(undefined, cause);
  const [changed, unchanged] = disk.change_journal(at);
  return $multi(changed === undefined ? undefined : at, unchanged);
}

/** Compacts the journal. The caller holds the lock of images. Returns the cause when it fails. */
function compact(this: void): string | undefined {
  const [locked, busy] = acquire();
  if (locked === undefined) return busy;
  const [at, unchanged] = begin_journal();
  release(Lock.WRITE);
  if (at === undefined) return unchanged;

  let cause: string | undefined;
  // An upstream with many servers rests on its way too.
  const saved = in_slices(() => {
    const [is_saved, failure] = save_image(at, new_pause(SLICE), synced_revision);
    cause = failure;
    return is_saved;
  });
  if (saved === undefined) return cause;

  const [locked_again, busy_again] = acquire();
  if (locked_again === undefined) return busy_again;
  const [cut, cut_cause] = disk.cut_other_journal();
  const memory = shared_memory();
  if (cut !== undefined) memory[Header.COMPACTIONS] = memory[Header.COMPACTIONS] + 1;
  release(Lock.WRITE);
  return cut === undefined ? cut_cause : undefined;
}

function compact_if_due(this: void): string | undefined {
  if (!is_due() || !try_acquire(Lock.IMAGE)) return undefined;
  let cause: string | undefined;
  release_after(Lock.IMAGE, () => {
    cause = compact();
  });
  return cause;
}

/** Compacts the journal when it has grown long. Phase: timer. */
export const compact_when_due = new_job({
  verb: "compact the journal",
  rest: REST_SECONDS,
  run: compact_if_due,
});
