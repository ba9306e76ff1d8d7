/** The meaning of the cells of the header and of the slots. `region.ts` computes their offsets. */

export const enum Header {
  GENERATION,
  LOADED,
  REVISION,
  ROWS,
  SLOTS,
  NEXT_ROW,
  FREE_ROW,
  /** 1 while a change is journalled and published, and the revision that it makes. */
  WRITING,
  WRITING_REVISION,
  /** The number of texts that may be staged (`staging.ts`). */
  STAGED,
  LOCK_FD,
  /** The two journals, and how many bytes of each count. */
  JOURNAL_0_FD,
  JOURNAL_1_FD,
  JOURNAL_0_BYTES,
  JOURNAL_1_BYTES,
  /** The two images. */
  IMAGE_0_FD,
  IMAGE_1_FD,
  IMAGE_BYTES,
  /** The last row in the list of free ones. */
  LAST_FREE_ROW,
  /** Rises with each change of any server's health; its saved value; the file saved to; the next file. */
  HEALTH_REVISION,
  SAVED_HEALTH_REVISION,
  HEALTH_FD,
  OTHER_HEALTH_FD,
  /** `LAYOUT` of the module that mapped the memory. Its place is fixed: other versions read it there. */
  LAYOUT = 23,
  /** When the Lua code of the workers that do the background work was loaded. */
  WORKERS_LOADED,
  /** The revision when nginx had started. */
  START_REVISION,
  /** How many bytes of the journal count without the line of the write under way, and with it. */
  WRITING_FROM,
  WRITING_TO,
  /** The folder of the saved state, and the file whose lock keeps a second nginx out of it. */
  STATE_DIR_FD,
  STATE_LOCK_FD,
  /** The journal appended to: 0 or 1. The other one is empty unless an image of it is being written. */
  JOURNAL,
  /** The image that counts: 0 or 1. The other one is written next. */
  IMAGE,
  /** How far the time of day was ahead of the monotonic clock when nginx started, in seconds. */
  WALL_OFFSET,
  /** The totals at the last reset: connections, requests, and workers that were replaced. */
  ACCEPTED_AT_RESET,
  DROPPED_AT_RESET,
  REQUESTS_AT_RESET,
  RESPAWNED_AT_RESET,
  /** The number of published writes since nginx started, and of journals that an image has replaced. */
  WRITES,
  COMPACTIONS,
  /** The sum of the times of writes in seconds, and the first of their numbers by time: `write_times.ts`. */
  WRITE_SECONDS,
  FIRST_WRITE_TIME,
  LAST_WRITE_TIME = FIRST_WRITE_TIME + 12,
  /** When nginx started, in milliseconds since 1970. It tells this run of nginx apart from others. */
  STARTED_AT,
  /** The number of published changes of several upstreams. */
  WRITES_OF_SEVERAL,
  /** The two files of the history, and how many bytes of each count: `store/history/files.ts`. */
  HISTORY_0_FD,
  HISTORY_1_FD,
  HISTORY_0_BYTES,
  HISTORY_1_BYTES,
  /** The file appended to: 0 or 1. The other one holds earlier changes. */
  HISTORY,
  /** Of the file appended to: the number of its changes, the revision that they follow, and the last one. */
  HISTORY_CHANGES,
  HISTORY_FOLLOWS,
  HISTORY_LAST,
  /** The revision that the first change of the whole history follows. */
  HISTORY_START,
  /** How many bytes of the history count, and its changes, after the write under way. */
  WRITING_HISTORY_BYTES,
  WRITING_HISTORY_CHANGES,
  /** The first revision that the write under way makes: several for a group (`store/group/`). */
  WRITING_FIRST,
  /** When a writer last found the write lock taken. */
  LOCK_WANTED,
  /** 1 while a worker holds the write lock. One that dies leaves it: 1 then until what it left is removed. */
  LOCK_HELD,
  WRITER_DIED,
  /** The number of these cells. */
  CELLS,
}

export const enum Slot {
  /** The process that took the slot last; 0: nothing of that process is left to remove. */
  PID,
  WORKER,
  GENERATION,
  /** 1 once this slot or a later one has been taken. */
  USED,
  /** The number of workers that died while they held this slot and were replaced. */
  RESPAWNED,
  /** The number of requests that the worker has logged, and that number at the last reset. */
  REQUESTS,
  REQUESTS_AT_RESET,
  /** The memory that the Lua VM of the worker uses, in bytes, some seconds ago. */
  LUA_BYTES,
  /** The number of clients that follow the event stream in the worker. */
  STREAMS,
  /** The revision of the store that the worker has seen, some tenths of a second ago. */
  SEEN_REVISION,
  /** The number of ended requests that the slot's workers have written to its ring. */
  ENDINGS,
}
