/**
 * The shared dict, used so that a write that finds no room changes nothing. Three traps of lua-nginx-module are why
 * `safe_set` alone is not enough: when it replaces a value by one of another size it frees the old one first, so a
 * failure would lose it, and so would the death of the worker right then; and a smaller value may need a piece of
 * memory that a full dict has none of.
 */

const PREFIX = "upstream:";
const STAGED = "staged";

let dict: SharedDict | undefined;
let opened_name = "";

/** Chooses the dict. Phase: init_by_lua. Returns false when nginx.conf declares none of that name. */
export function open_dict(name: string): boolean {
  dict = ngx.shared[name];
  opened_name = name;
  return dict !== undefined;
}

function opened(): SharedDict {
  return dict ?? error("resty.sluice: setup() was not called in init_by_lua", 0);
}

/** The name of the dict. */
export function dict_name(): string {
  return opened_name;
}

/** How large the dict is, in bytes. */
export function dict_capacity(): number {
  return opened().capacity();
}

/** Makes what this worker has written to shared memory before visible to others before it reads on: as a lock does. */
export function fence(): void {
  opened().get("region");
}

/**
 * What is noted for other processes of this nginx: where the shared memory is and what `state_dir` is, by an earlier
 * `setup`; the revision of the last change of a drain job; the path of nginx.conf; the history of the cluster's
 * etcd, and until when changes wait for the other gateways after it has begun.
 */
type Note = "region" | "state_dir" | "drain" | "last_event" | "conf" | "history" | "grace";

/** What has been noted last. */
export function recall(note: Note): string | number | undefined {
  return opened().get(note)[0];
}

/** Notes something. Returns false when the dict is full; a number in the place of a number always fits. */
export function remember(note: Note, value: string | number): boolean {
  return opened().safe_set(note, value)[0] === true;
}

/** The text of an upstream. */
export function get_text(name: string): string | undefined {
  return opened().get(PREFIX + name)[0] as string | undefined;
}

/** The rests of all keys that begin with a prefix, in no order. */
function names_after(prefix: string): string[] {
  const names: string[] = [];
  for (const key of opened().get_keys(0)) {
    if (string.sub(key, 1, prefix.length) === prefix) names.push(string.sub(key, prefix.length + 1));
  }
  return names;
}

/** The names of all upstreams, in no order. */
export function get_names(): string[] {
  return names_after(PREFIX);
}

const SEED_PREFIX = "seed:";

/** The number of a seed; undefined: it is none. */
export function get_seed(name: string): number | undefined {
  return opened().get(SEED_PREFIX + name)[0] as number | undefined;
}

/** Replaces the number of a seed. */
export function put_seed(name: string, seed: number): void {
  opened().safe_set(SEED_PREFIX + name, seed);
}

/** Adds a seed unless it is there. Returns false when the dict is full. */
export function add_seed(name: string, seed: number): boolean {
  const [is_added, cause] = opened().safe_add(SEED_PREFIX + name, seed);
  return is_added === true || cause === "exists";
}

/** The names of all seeds, in no order. */
export function get_seeds(): string[] {
  return names_after(SEED_PREFIX);
}

/** A key as long as that of an upstream, so that a trial takes as much room. */
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
 * Keeps a copy of a text that is about to be put, for a writer that dies while it puts it, and makes sure that it
 * will find room. Under the lock.
 *
 * @returns the text to put: itself, or, when only that fits, padded to the size of that before (and then there is no
 * copy); undefined: no room
 */
export function stage_text(name: string, text: string): string | undefined {
  const before = get_text(name);
  const [is_staged] = opened().safe_set(STAGED, `${name}\n${text}`);
  if (is_staged === true && (before?.length === text.length || has_room(name, text))) return text;
  opened().delete(STAGED);
  if (before === undefined || before.length < text.length) return undefined;
  return text + string.rep("\n", before.length - text.length);
}

/** Forgets the copy. Under the lock. */
export function unstage_text(): void {
  opened().delete(STAGED);
}

/** Puts the text of which there is a copy, if there is one. Under the lock. */
export function put_staged_text(): void {
  const staged = opened().get(STAGED)[0] as string | undefined;
  if (staged === undefined) return;
  const [name, text] = string.match(staged, "^([^\n]*)\n(.*)$");
  put_text(name, text);
}

/** Puts a text that `stage_text` gave. Under the lock. */
export function put_text(name: string, text: string): void {
  const [done, cause] = opened().safe_set(PREFIX + name, text);
  if (done !== true) ngx.log(ngx.ERR, `sluice: could not store upstream ${name}: ${cause ?? ""}`);
}

export function delete_text(name: string): void {
  opened().delete(PREFIX + name);
}

const TURN = "health";
/**
 * How often a worker tries to get the turn, which takes some 20 ms in all: this phase cannot sleep. A turn lasts some
 * microseconds, so whoever has it after that has died in it or was stopped.
 */
const MOST_TRIES = 100_000;

/**
 * Runs `action` while no other worker runs one so: of what takes a few steps in shared memory. It must not raise. Any
 * phase.
 */
export function in_turn(action: (this: void) => void): void {
  let tries = 1;
  let [is_mine, cause] = opened().safe_add(TURN, 1);
  while (is_mine !== true && cause === "exists" && tries < MOST_TRIES) {
    tries += 1;
    [is_mine, cause] = opened().safe_add(TURN, 1);
  }
  action();
  // A turn that was not to be had is ended too, so that the next worker need not wait for it.
  if (is_mine === true || cause === "exists") opened().delete(TURN);
}

const EVENT_PREFIX = "event:";
const LAST_EVENT = "last_event";
/** So many are kept. */
const MOST_EVENTS = 1000;

let has_warned_report = false;

/** Keeps a text for the API; if there is no room the one before stays, and the log says so once. Any phase. */
export function put_report(key: string, text: string): void {
  const [done, cause] = opened().safe_set(key, text);
  if (done === true || has_warned_report) return;
  has_warned_report = true;
  ngx.log(ngx.WARN, `sluice: could not keep a report of a source: ${cause ?? ""}`);
}

export function get_report(key: string): string | undefined {
  return opened().get(key)[0] as string | undefined;
}

export function delete_report(key: string): void {
  opened().delete(key);
}

let has_warned = false;

/** Puts an event in the place of the oldest. `make`: gives the text for its number. Any phase. */
export function put_event(make: (this: void, number: number) => string): void {
  // Without a first value: to make the key could evict others. `setup` has made it.
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

/** The texts of the last events, the oldest first. Any phase. */
export function get_events(): string[] {
  const last = (opened().get(LAST_EVENT)[0] ?? 0) as number;
  const texts: string[] = [];
  for (const number of $range(math.max(1, last - MOST_EVENTS + 1), last)) {
    const text = opened().get(`${EVENT_PREFIX}${number % MOST_EVENTS}`)[0];
    if (text !== undefined) texts.push(text as string);
  }
  return texts;
}
