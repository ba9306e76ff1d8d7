/**
 * Access to the shared dict.
 *
 * A write that finds no room must change nothing, and `safe_set` alone does not guarantee that. When a value
 * is replaced by one of a different size, lua-nginx-module frees the old value first. If the new value then
 * does not fit, or the worker dies at that moment, the old value is lost. A smaller value can fail as well,
 * because it may need memory of a size class that a full dict no longer has.
 */

const PREFIX = "upstream:";
const STAGED = "staged";

let dict: SharedDict | undefined;
let opened_name = "";

/** Opens the dict. Returns false when nginx.conf declares none of that name. Phase: init_by_lua. */
export function open_dict(name: string): boolean {
  dict = ngx.shared[name];
  opened_name = name;
  return dict !== undefined;
}

/** Returns the dict. Raises before `open_dict` has run. */
export function opened(): SharedDict {
  return dict ?? error("resty.sluice: setup() was not called in init_by_lua", 0);
}

/** Returns the name of the dict. */
export function dict_name(): string {
  return opened_name;
}

/** Returns the size of the dict, in bytes. */
export function dict_capacity(): number {
  return opened().capacity();
}

/** Returns the size of the free pages of the dict, in bytes. Values may fit into other pages as well. */
export function dict_free_space(): number {
  return opened().free_space();
}

/**
 * Orders memory accesses: what this worker wrote before becomes visible to other workers before it reads on.
 */
export function fence(): void {
  opened().get("region");
}

/**
 * Values kept for later processes of this nginx: the address of the shared memory, `state_dir`, the revision
 * of the last change of a drain job, the path of nginx.conf, the history of the cluster's etcd, and the end
 * of the grace period that follows its beginning.
 */
type Note = "region" | "state_dir" | "drain" | "last_event" | "conf" | "history" | "grace";

/** Returns a kept value. */
export function recall(note: Note): string | number | undefined {
  return opened().get(note)[0];
}

/** Keeps a value. Returns false when the dict is full; a number that replaces a number always fits. */
export function remember(note: Note, value: string | number): boolean {
  return opened().safe_set(note, value)[0] === true;
}

/** Returns the text of an upstream. */
export function get_text(name: string): string | undefined {
  return opened().get(PREFIX + name)[0] as string | undefined;
}

/** Returns what follows a prefix in all keys that begin with it, in no order. */
function names_after(prefix: string): string[] {
  const names: string[] = [];
  for (const key of opened().get_keys(0)) {
    if (string.sub(key, 1, prefix.length) === prefix) names.push(string.sub(key, prefix.length + 1));
  }
  return names;
}

/** Returns the names of all upstreams, in no order. */
export function get_names(): string[] {
  return names_after(PREFIX);
}

const SEED_PREFIX = "seed:";

/** Returns the number of a seed; undefined: the upstream is not a seed. */
export function get_seed(name: string): number | undefined {
  return opened().get(SEED_PREFIX + name)[0] as number | undefined;
}

/** Replaces the number of a seed. */
export function put_seed(name: string, seed: number): void {
  opened().safe_set(SEED_PREFIX + name, seed);
}

/** Adds a seed unless it exists. Returns false when the dict is full. */
export function add_seed(name: string, seed: number): boolean {
  const [is_added, cause] = opened().safe_add(SEED_PREFIX + name, seed);
  return is_added === true || cause === "exists";
}

/** Returns the names of all seeds, in no order. */
export function get_seeds(): string[] {
  return names_after(SEED_PREFIX);
}

/**
 * Returns a key of the same length as the upstream's key, so that storing it needs the same amount of memory.
 */
function trial_key(name: string): string {
  return `trial:${string.rep("-", PREFIX.length + name.length - 6)}`;
}

function has_room(name: string, text: string): boolean {
  const trial = trial_key(name);
  const [fits] = opened().safe_set(trial, text);
  opened().delete(trial);
  return fits === true;
}

/**
 * Stages a text that is about to replace the current one. If the writer dies meanwhile, `put_staged_text`
 * completes the write. Returns the text to store, padded to the old length if only that fits (no copy is
 * staged then); undefined: there is no room. The caller holds the write lock.
 */
export function stage_text(name: string, text: string): string | undefined {
  const before = get_text(name);
  const [is_staged] = opened().safe_set(STAGED, `${name}\n${text}`);
  if (is_staged === true && ((before !== undefined && before.length === text.length) || has_room(name, text)))
    return text;
  opened().delete(STAGED);
  if (before === undefined || before.length < text.length) return undefined;
  return text + string.rep("\n", before.length - text.length);
}

/** Removes the staged copy. The caller holds the write lock. */
export function unstage_text(): void {
  opened().delete(STAGED);
}

/** Stores the staged text, if there is one. The caller holds the write lock. */
export function put_staged_text(): void {
  const staged = opened().get(STAGED)[0] as string | undefined;
  if (staged === undefined) return;
  const [name, text] = string.match(staged, "^([^\n]*)\n(.*)$");
  put_text(name, text);
}

/** Stores a text that `stage_text` has returned. The caller holds the write lock. */
export function put_text(name: string, text: string): void {
  let [done, cause] = opened().safe_set(PREFIX + name, text);
  if (done !== true) {
    // Events that were recorded meanwhile may have taken the room. The staged copy has as much.
    opened().delete(STAGED);
    [done, cause] = opened().safe_set(PREFIX + name, text);
  }
  if (done !== true) ngx.log(ngx.ERR, `sluice: could not store upstream ${name}: ${cause ?? ""}`);
}

/** Removes the text of an upstream. */
export function delete_text(name: string): void {
  opened().delete(PREFIX + name);
}

const SPIN_LOCK = "health";
/**
 * Attempts to take the spin lock, about 20 ms: its holder needs microseconds, unless it has died. Then the
 * action runs without the lock.
 */
const MOST_ATTEMPTS = 100_000;

/** Runs `action` while no other worker runs one. It is short and must not raise. Any phase. */
export function exclusively(action: (this: void) => void): void {
  let attempts = 1;
  let [is_locked, cause] = opened().safe_add(SPIN_LOCK, 1);
  while (is_locked !== true && cause === "exists" && attempts < MOST_ATTEMPTS) {
    attempts += 1;
    [is_locked, cause] = opened().safe_add(SPIN_LOCK, 1);
  }
  action();
  // A lock that could not be taken is removed too, so that the next worker does not wait for it.
  if (is_locked === true || cause === "exists") opened().delete(SPIN_LOCK);
}

const EVENT_PREFIX = "event:";
const LAST_EVENT = "last_event";
/** The number of events that are kept. */
export const MOST_EVENTS = 1000;

let has_warned_report = false;

/**
 * Keeps a text for the API. If there is no room, the old text stays and a warning is logged once. Any phase.
 */
export function put_report(key: string, text: string): void {
  const [done, cause] = opened().safe_set(key, text);
  if (done === true || has_warned_report) return;
  has_warned_report = true;
  ngx.log(ngx.WARN, `sluice: could not keep a report for the API: ${cause ?? ""}`);
}

/** Returns a text that `put_report` has kept. Any phase. */
export function get_report(key: string): string | undefined {
  return opened().get(key)[0] as string | undefined;
}

/** Removes a text that `put_report` has kept. Any phase. */
export function delete_report(key: string): void {
  opened().delete(key);
}

let has_warned = false;

/** Replaces the oldest event. `make` returns the text of the event with a number. Any phase. */
export function put_event(make: (this: void, number: number) => string): void {
  // No initial value: creating the key could evict other keys, so `setup` creates it.
  const [number, uncounted] = opened().incr(LAST_EVENT, 1);
  let cause = uncounted;
  if (number !== undefined) {
    const [done, refused] = opened().safe_set(`${EVENT_PREFIX}${number % MOST_EVENTS}`, make(number));
    if (done === true) return;
    cause = refused;
  }
  if (has_warned) return;
  has_warned = true;
  ngx.log(ngx.WARN, `sluice: could not keep an event: ${cause ?? ""}`);
}

/** Returns the number of the last event; 0: there was none. Any phase. */
export function last_event(): number {
  return (opened().get(LAST_EVENT)[0] ?? 0) as number;
}

/** Returns the text at the place of an event, which may be that of an older or newer event. Any phase. */
export function get_event(number: number): string | undefined {
  return opened().get(`${EVENT_PREFIX}${number % MOST_EVENTS}`)[0] as string | undefined;
}

/** Returns the texts of the last events, oldest first. Any phase. */
export function get_events(): string[] {
  const last = last_event();
  const texts: string[] = [];
  for (const number of $range(math.max(1, last - MOST_EVENTS + 1), last)) {
    const text = get_event(number);
    if (text !== undefined) texts.push(text);
  }
  return texts;
}
