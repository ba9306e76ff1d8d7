/** LuaJIT's FFI, as far as it is used. */

/** @noResolution @noSelf */
declare module "ffi" {
  /** A C object, opaque to TypeScript. */
  interface CData {
    readonly __cdata: never;
  }
  /** A C array or pointer of numbers: zero-based, unlike a Lua table. */
  interface NumberPointer extends CData {
    [index: number]: number;
  }
  interface PointerPointer extends CData {
    [index: number]: NumberPointer;
  }

  /** The declarations of all `cdef` calls. The importing file casts it to its own type. */
  const C: unknown;
  /** The processor, such as "x64" or "arm64". */
  const arch: string;
  function cdef(declarations: string): void;
  function cast(type: string, value: unknown): CData;
  function create(type: string, ...values: unknown[]): CData;
  function text(pointer: CData, length?: number): string;
  function copy(to: CData, from: CData | string, bytes: number): void;
  function fill(to: CData, bytes: number, byte: number): void;
  function errno(): number;
  function abi(property: string): boolean;
  function gc<T extends CData>(object: T, finalizer: ((this: void, object: CData) => void) | undefined): T;
  export {
    arch,
    C,
    CData,
    NumberPointer,
    PointerPointer,
    abi,
    cast,
    cdef,
    copy,
    fill,
    create as new,
    errno,
    gc,
    text as string,
  };
}
