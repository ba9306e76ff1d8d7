import * as ffi from "ffi";
import "resty.core.var";

/**
 * Reads a number from an nginx variable. Hot: runs several times in every request. It is what `ngx.var` does, less
 * its copies of the name; and it has no loop, so that LuaJIT compiles it together with its caller.
 */

interface NgxLua {
  ngx_http_lua_ffi_var_get: (
    this: void,
    request: ffi.CData,
    name: string,
    length: number,
    lower_case: ffi.CData,
    capture: number,
    value: ffi.CData,
    value_length: ffi.CData,
    error: ffi.CData,
  ) => number;
}

const C = ffi.C as NgxLua;
const LONGEST_NAME = 64;
const lower_case = ffi.new("char[?]", LONGEST_NAME);
const value = ffi.new("unsigned char *[1]") as ffi.PointerPointer;
const value_length = ffi.new("size_t[1]") as ffi.NumberPointer;
const failure = ffi.new("char *[1]");

/** The value of a variable that is one plain number; undefined: not set, or several values. Phases with a request. */
export function read_number(request: ffi.CData, name: string): number | undefined {
  const code = C.ngx_http_lua_ffi_var_get(
    request,
    name,
    name.length,
    lower_case,
    0,
    value,
    value_length,
    failure,
  );
  if (code !== 0) return undefined;
  return tonumber(ffi.string(value[0], value_length[0]));
}
