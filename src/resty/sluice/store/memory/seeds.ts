import { add_seed, get_seed, get_seeds, put_seed } from "./dict";

/**
 * The upstreams that `setup` names, the seeds, and which of them were deleted: such a one is not created
 * again by the next reload or restart, until somebody creates it over HTTP.
 *
 * Each has a number in the dict from the start on, so that a deletion always finds room. The journals and
 * images have what a restart needs.
 */

/** What the dict has of a seed. */
const enum Seed {
  KEPT,
  DELETED,
}

/** Tells whether `setup` names an upstream, or has named it since nginx started. Any phase. */
export function is_seed(name: string): boolean {
  return get_seed(name) !== undefined;
}

/** Tells whether an upstream is a seed that was deleted. Any phase. */
export function is_deleted_seed(name: string): boolean {
  const seed: Seed | undefined = get_seed(name);
  return seed === Seed.DELETED;
}

/** Notes that an upstream was deleted, or created. Of others than seeds nothing is noted. Under the lock. */
export function note_seed(name: string, is_deleted: boolean): void {
  const seed = is_deleted ? Seed.DELETED : Seed.KEPT;
  const before: Seed | undefined = get_seed(name);
  if (before !== undefined && before !== seed) put_seed(name, seed);
}

/** The seeds that were deleted, sorted. Any phase. */
export function deleted_seeds(): string[] {
  const names: string[] = [];
  for (const name of get_seeds()) {
    if (is_deleted_seed(name)) names.push(name);
  }
  table.sort(names);
  return names;
}

/** Makes an upstream a seed, unless it is one. Phase: init_by_lua. Raises a text when the dict is full. */
export function name_seed(name: string): void {
  if (!add_seed(name, Seed.KEPT)) error("lua_shared_dict is too small", 0);
}

/**
 * Makes an upstream a seed that was deleted, as the saved state says. Phase: init_by_lua, at a start. Raises
 * likewise.
 */
export function restore_deleted_seed(name: string): void {
  if (!add_seed(name, Seed.DELETED)) error("lua_shared_dict is too small", 0);
}
