/** LuaJIT's operations on 32-bit integers, as far as they are used. */

/** @noResolution @noSelf */
declare module "bit" {
  function band(one: number, other: number): number;
  function rshift(value: number, by: number): number;
  export { band, rshift };
}
