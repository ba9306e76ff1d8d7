/**
 * The shared dict, used so that a write that finds no room changes nothing. Two traps of lua-nginx-module are why
 * `safe_set` alone is not enough: when it replaces a value by one of another size it frees the old one first, so a
 * failure would lose it; and a smaller value may need a piece of memory that a full dict has none of.
 */

const PREFIX = "upstream:";

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

/** What an earlier `setup` of this nginx has noted. */
export function recall(note: "region" | "state_dir"): string | number | undefined {
  return opened().get(note)[0];
}

/** Notes something for the `setup` of the next reload. Returns false when the dict is full. */
export function remember(note: "region" | "state_dir", value: string | number): boolean {
  return opened().safe_set(note, value)[0] === true;
}

/** The text of an upstream. */
export function get_text(name: string): string | undefined {
  return opened().get(PREFIX + name)[0] as string | undefined;
}

/** The names of all upstreams, in no order. */
export function get_names(): string[] {
  const names: string[] = [];
  for (const key of opened().get_keys(0)) {
    if (string.sub(key, 1, PREFIX.length) === PREFIX) names.push(string.sub(key, PREFIX.length + 1));
  }
  return names;
}

/** A key as long as that of an upstream, so that a trial takes as much room. */
function trial_key(name: string): string {
  return `trial:${string.rep("-", PREFIX.length + name.length - 6)}`;
}

/**
 * Tells whether a text can take the place of that of `name`, so that `put_text` will not fail. Under the lock.
 *
 * @returns the text to put: itself, or padded to the size of that before when only that fits; undefined: no room
 */
export function find_room(name: string, text: string): string | undefined {
  const before = get_text(name);
  if (before !== undefined && before.length === text.length) return text;
  const trial = trial_key(name);
  const [fits] = opened().safe_set(trial, text);
  opened().delete(trial);
  if (fits === true) return text;
  if (before !== undefined && before.length > text.length) {
    return text + string.rep("\n", before.length - text.length);
  }
  return undefined;
}

/** Puts a text that `find_room` gave. Under the lock. */
export function put_text(name: string, text: string): void {
  const [done, cause] = opened().safe_set(PREFIX + name, text);
  if (done !== true) ngx.log(ngx.ERR, `sluice: could not store upstream ${name}: ${cause ?? ""}`);
}

export function delete_text(name: string): void {
  opened().delete(PREFIX + name);
}
