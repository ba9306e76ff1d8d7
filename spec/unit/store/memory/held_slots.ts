/** A stub of the locks of slots, which real workers hold. Import it before any file of store/memory/. */

interface Globals {
  package: { preload: Record<string, (this: void) => object> };
}

/** The slots whose locks running workers hold. */
export const held_slots = new LuaSet<number>();

(_G as unknown as Globals).package.preload["src.resty.sluice.store.memory.slots"] = () => ({
  is_held: (slot: number) => held_slots.has(slot),
});
