import { add_seed, get_seed, get_seeds, put_seed } from "./dict";

/**
 * The seeds, which `setup` names, and which of them were deleted: those are not created again by a reload or
 * restart. Each has a number in the dict from the start, so that recording a deletion always finds room.
 */

const enum Seed {
  KEPT,
  DELETED,
}

/** Returns whether `setup` names an upstream, or has named it since nginx started. Any phase. */
export function is_seed(name: string): boolean {
  return get_seed(name) !== undefined;
}

/** Returns whether an upstream is a deleted seed. Any phase. */
export function is_deleted_seed(name: string): boolean {
  const seed: Seed | undefined = get_seed(name);
  return seed === Seed.DELETED;
}

/** Records that a seed, if it is one, was deleted or created. The caller holds the write lock. */
export function note_seed(name: string, is_deleted: boolean): void {
  const seed = is_deleted ? Seed.DELETED : Seed.KEPT;
  const before: Seed | undefined = get_seed(name);
  if (before !== undefined && before !== seed) put_seed(name, seed);
}

/** Returns the names of the deleted seeds, sorted. Any phase. */
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

/** Makes a deleted seed of the saved state known. Phase: init_by_lua. Raises a text when the dict is full. */
export function restore_deleted_seed(name: string): void {
  if (!add_seed(name, Seed.DELETED)) error("lua_shared_dict is too small", 0);
}
