import { no_pause } from "../../lib/pause";
import { Header } from "./header_cells";
import { get_text, opened, put_text, upstream_key } from "./dict";
import { shared_memory } from "./region";

/**
 * Replaces texts of upstreams in the shared dict. The caller holds the write lock.
 *
 * A write that finds no room must change nothing, and `safe_set` alone does not guarantee that. When a value
 * is replaced by one of a different size, lua-nginx-module frees the old value first. If the new value then
 * does not fit, or the worker dies at that moment, the old value is lost. A smaller value can fail as well,
 * because it may need memory of a size class that a full dict no longer has.
 *
 * So each text of a change is staged first. Staging keeps a copy, from which another worker completes the
 * change if the writer dies, and reserves the memory that the text will need.
 */

const STAGED = "staged:";

function staged_key(number: number): string {
  return string.format("%s%d", STAGED, number);
}

/** Returns a key of the same length as the upstream's key, so that it needs the same amount of memory. */
function reserved_key(number: number, name: string): string {
  const digits = string.format("%d", number);
  return `r${string.rep("0", upstream_key(name).length - 1 - digits.length)}${digits}`;
}

/** Returns the name of the upstream and the text that a change has staged under a number. */
export function staged_text(number: number): LuaMultiReturn<[name: string | undefined, text: string]> {
  const staged = opened().get(staged_key(number))[0] as string | undefined;
  if (staged === undefined) return $multi(undefined, "");
  const [name, text] = string.match(staged, "^([^\n]*)\n(.*)$");
  return $multi(name, text);
}

function forget(number: number, name: string): void {
  opened().delete(reserved_key(number, name));
  opened().delete(staged_key(number));
}

/**
 * Stages a text that is about to replace the current one, or stages it again.
 *
 * @param number the number of the text in its change, from 0
 * @param may_pad a text that does not fit may be padded to the length of the current one, without a copy
 * @returns the text to put; undefined: there is no room
 */
export function stage_text(number: number, name: string, text: string, may_pad: boolean): string | undefined {
  const memory = shared_memory();
  memory[Header.STAGED] = math.max(memory[Header.STAGED], number + 1);
  const before = get_text(name);
  const replaces_in_place = before !== undefined && before.length === text.length;
  const [is_staged] = opened().safe_set(staged_key(number), `${name}\n${text}`);
  if (is_staged === true) {
    if (replaces_in_place) return text;
    const [is_reserved] = opened().safe_set(reserved_key(number, name), text);
    if (is_reserved === true) return text;
  }
  forget(number, name);
  if (!may_pad || before === undefined || before.length < text.length) return undefined;
  return text + string.rep("\n", before.length - text.length);
}

/** Stores a text that `stage_text` has returned. */
export function put_staged(number: number, name: string, text: string): void {
  opened().delete(reserved_key(number, name));
  if (put_text(name, text)) return;
  // Events that were recorded meanwhile may have taken the room. The staged copy has as much.
  opened().delete(staged_key(number));
  if (!put_text(name, text)) ngx.log(ngx.ERR, `sluice: could not store upstream ${name}: the dict is full`);
}

/** Returns the name of the upstream whose text is staged under a number, without the text. */
function staged_name(number: number): string | undefined {
  const staged = opened().get(staged_key(number))[0] as string | undefined;
  return staged === undefined ? undefined : string.match(staged, "^[^\n]*")[0];
}

/** Removes everything that is staged, even by a writer that has died. `pause` is called between texts. */
export function unstage(pause: (this: void) => void = no_pause): void {
  const memory = shared_memory();
  for (const number of $range(0, memory[Header.STAGED] - 1)) {
    const name = staged_name(number);
    if (name !== undefined) forget(number, name);
    pause();
  }
  memory[Header.STAGED] = 0;
}
