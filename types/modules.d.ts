/** Lua modules of OpenResty or Debian, as far as they are used. */

/** @noResolution @noSelf */
declare module "ngx.balancer" {
  export function set_current_peer(
    host: string,
    port: number,
  ): LuaMultiReturn<[true | undefined, string | undefined]>;
  export function set_more_tries(count: number): LuaMultiReturn<[true | undefined, string | undefined]>;
  export function get_last_failure(): LuaMultiReturn<[string | undefined, number | undefined]>;
}

/** @noResolution @noSelf */
declare module "ngx.process" {
  /** Returns `single` at a start, `master` at a reload, `worker`, or another type. */
  export function type(): string;
}

/** @noResolution @noSelf */
declare module "ngx.semaphore" {
  /** The functions are methods. */
  export interface Semaphore {
    wait(this: Semaphore, seconds: number): LuaMultiReturn<[true | undefined, string | undefined]>;
    post(this: Semaphore): void;
    count(this: Semaphore): number;
  }
  function create(count: number): Semaphore;
  export { create as new };
}

/** @noResolution @noSelf */
declare module "string.buffer" {
  /** The functions are methods. */
  export interface StringBuffer {
    put(this: StringBuffer, ...parts: (string | number)[]): void;
    /** Returns the whole content and empties the buffer. */
    get(this: StringBuffer): string;
    length: LuaLengthMethod<number>;
  }
  function create(): StringBuffer;
  export { create as new };
}

/** @noResolution @noSelf */
declare module "resty.core.base" {
  import type { CData } from "ffi";
  export function get_request(): CData | undefined;
}

/** The module is the function. @noResolution */
declare module "table.new" {}

/** @noResolution */
declare module "resty.core.hash" {}

/** @noResolution */
declare module "resty.core.misc" {}

/** @noResolution @noSelf */
declare module "cjson.safe" {
  /** @noSelf */
  interface Cjson {
    encode(value: unknown): LuaMultiReturn<[string | undefined, string | undefined]>;
    decode(text: string): LuaMultiReturn<[unknown, string | undefined]>;
    decode_invalid_numbers(allow: boolean): void;
    decode_max_depth(depth: number): void;
  }
  const cjson: { new: (this: void) => Cjson; null: unknown };
  export = cjson;
}
