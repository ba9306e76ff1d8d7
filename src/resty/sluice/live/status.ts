import { acquire, Lock, release } from "../store/lock";
import {
  CODE_STEP,
  Counter,
  counters_of,
  counter_at,
  Header,
  LAST_CODE,
  Row,
  row_at,
  shared_memory,
  Slot,
  slot_at,
  stamp_at,
  stamp_of,
} from "../store/region";
import { active_requests } from "../store/rows";

/** What a server did, over all workers, since it was added or its statistics were reset. */
export interface ServerStatus {
  active: number;
  requests: number;
  sent: number;
  received: number;
  fails: number;
  /** Responses by status code. */
  codes: LuaTable<number, number>;
  /** Moving averages in milliseconds; undefined until there is a first. */
  header_time: number | undefined;
  response_time: number | undefined;
  /** Seconds since 1970; undefined: never chosen. */
  selected: number | undefined;
}

const RESET_SLOT = 0;
const NO_AVERAGE = -1;

function add_codes(codes: LuaTable<number, number>, at: number): void {
  const memory = shared_memory();
  for (const cell of $range(at + Counter.FIRST_CODE, at + LAST_CODE)) {
    const value = memory[cell];
    if (value !== 0) {
      const code = value % CODE_STEP;
      codes.set(code, ((codes.get(code) as number | undefined) ?? 0) + math.floor(value / CODE_STEP));
    }
  }
}

/** Sums up a server's counters. Any phase. */
export function status_of(row: number, incarnation: number): ServerStatus {
  const memory = shared_memory();
  const codes = new LuaTable<number, number>();
  const status: ServerStatus = {
    active: active_requests(row),
    requests: 0,
    sent: 0,
    received: 0,
    fails: 0,
    codes,
    header_time: undefined,
    response_time: undefined,
    selected: undefined,
  };
  for (const at of counters_of(row, incarnation)) {
    status.requests += memory[at + Counter.REQUESTS];
    status.sent += memory[at + Counter.SENT];
    status.received += memory[at + Counter.RECEIVED];
    status.fails += memory[at + Counter.FAILS];
    add_codes(codes, at);
  }
  const shared = row_at(row);
  if (memory[shared + Row.HEADER_TIME] >= 0) {
    status.header_time = memory[shared + Row.HEADER_TIME];
    status.response_time = memory[shared + Row.RESPONSE_TIME];
  }
  if (memory[shared + Row.SELECTED] > 0) status.selected = memory[shared + Row.SELECTED];
  return status;
}

function write_reset(row: number, incarnation: number, status: ServerStatus): void {
  const memory = shared_memory();
  const at = counter_at(RESET_SLOT, row);
  const known = memory[stamp_at(RESET_SLOT, row)] === incarnation;
  if (!known) {
    for (const cell of $range(at, at + LAST_CODE)) memory[cell] = 0;
  }
  memory[at + Counter.REQUESTS] = memory[at + Counter.REQUESTS] - status.requests;
  memory[at + Counter.SENT] = memory[at + Counter.SENT] - status.sent;
  memory[at + Counter.RECEIVED] = memory[at + Counter.RECEIVED] - status.received;
  memory[at + Counter.FAILS] = memory[at + Counter.FAILS] - status.fails;
  for (const [code, count] of pairs(status.codes)) {
    let cell = at + Counter.FIRST_CODE;
    while (memory[cell] !== 0 && memory[cell] % CODE_STEP !== code && cell < at + LAST_CODE) cell += 1;
    if (memory[cell] === 0) memory[cell] = code;
    if (memory[cell] % CODE_STEP === code) memory[cell] = memory[cell] - count * CODE_STEP;
  }
  memory[slot_at(RESET_SLOT) + Slot.USED] = 1;
  memory[stamp_at(RESET_SLOT, row)] = incarnation;
  memory[row_at(row) + Row.HEADER_TIME] = NO_AVERAGE;
  memory[row_at(row) + Row.RESPONSE_TIME] = NO_AVERAGE;
}

/**
 * Sets a server's statistics, but not its requests under way, to 0. A worker's counters are its own, so what they
 * hold is noted in a slot that counts against them. Phases that can sleep.
 *
 * @returns true, or undefined and the cause
 */
export function reset_status(
  row: number,
  incarnation: number,
): LuaMultiReturn<[true | undefined, string | undefined]> {
  const [locked, cause] = acquire();
  if (locked === undefined) return $multi(undefined, cause);
  write_reset(row, incarnation, status_of(row, incarnation));
  release(Lock.WRITE);
  return $multi(true, undefined);
}

/** How many requests to the upstream at a row had no value for the key of its `hash`. Any phase. */
export function requests_without_key(row: number): number {
  return status_of(row, stamp_of(row)).requests;
}

/** Sets that number to 0, as `reset_status`. */
export function reset_without_key(row: number): LuaMultiReturn<[true | undefined, string | undefined]> {
  return reset_status(row, stamp_of(row));
}

/** How often `setup` has run in this nginx, when it ran last, and how many workers died and were replaced. */
export interface ProcessStatus {
  generation: number;
  loaded: number;
  respawned: number;
}

export function process_status(): ProcessStatus {
  const memory = shared_memory();
  return {
    generation: memory[Header.GENERATION],
    loaded: memory[Header.LOADED],
    respawned: memory[Header.RESPAWNED],
  };
}
