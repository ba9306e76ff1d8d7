/** Access to the shared dict. `staging.ts` replaces texts of upstreams safely. */

const PREFIX = "upstream:";

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
 * of the last change of a drain job, the path of nginx.conf, the history of the cluster's etcd, the end of
 * the grace period that follows its beginning, and the splits with their members.
 */
type Note = "region" | "state_dir" | "drain" | "last_event" | "conf" | "history" | "grace" | "splits";

/** Returns a kept value. */
export function recall(note: Note): string | number | undefined {
  return opened().get(note)[0];
}

/** Keeps a value. Returns false when the dict is full; a number that replaces a number always fits. */
export function remember(note: Note, value: string | number): boolean {
  return opened().safe_set(note, value)[0] === true;
}

/** Returns the key of the text of an upstream. */
export function upstream_key(name: string): string {
  return PREFIX + name;
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

/** Stores the text of an upstream. Returns false when the dict is full; the old text may be lost then. */
export function put_text(name: string, text: string): boolean {
  return opened().safe_set(upstream_key(name), text)[0] === true;
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
