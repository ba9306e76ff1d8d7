import * as ffi from "ffi";
import "resty.core.hash";
import "resty.core.var";

/**
 * Reads nginx variables, several times in each request. Unlike `ngx.var`, it makes no Lua string of a short
 * number, and needs few constants, which LuaJIT limits. It has no loop, so LuaJIT compiles it together with
 * its caller. Hot.
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
  ngx_http_lua_ffi_crc32_long: (this: void, bytes: ffi.CData, length: number) => number;
}

const C = ffi.C as NgxLua;
/** The longest name of a variable that can be read. */
export const LONGEST_NAME = 64;
const lower_case = ffi.new("char[?]", LONGEST_NAME);
const value = ffi.new("unsigned char *[1]") as ffi.PointerPointer;
const value_length = ffi.new("size_t[1]") as ffi.NumberPointer;
const failure = ffi.new("char *[1]");

const DIGIT_ZERO = 48;
const DOT = 46;

/** Returns the value of a digit, or NaN, which makes each sum NaN, for any other byte. */
function digit(byte: number): number {
  return byte >= DIGIT_ZERO && byte <= DIGIT_ZERO + 9 ? byte - DIGIT_ZERO : 0 / 0;
}

/** Parses a number of up to seven digits; undefined: another character occurs. */
function parse_short(bytes: ffi.NumberPointer, length: number): number | undefined {
  let number = digit(bytes[0]);
  if (length > 1) number = number * 10 + digit(bytes[1]);
  if (length > 2) number = number * 10 + digit(bytes[2]);
  if (length > 3) number = number * 10 + digit(bytes[3]);
  if (length > 4) number = number * 10 + digit(bytes[4]);
  if (length > 5) number = number * 10 + digit(bytes[5]);
  if (length > 6) number = number * 10 + digit(bytes[6]);
  return number === number ? number : undefined;
}

/**
 * Parses seconds with three decimals, as nginx writes times; undefined: another text. LuaJIT's own parser
 * takes about 1,400 instructions for a number with decimals.
 */
function parse_milliseconds(bytes: ffi.NumberPointer, length: number): number | undefined {
  if (length < 5 || length > 11 || bytes[length - 4] !== DOT) return undefined;
  const seconds = parse_short(bytes, length - 4);
  const decimals = digit(bytes[length - 3]) * 100 + digit(bytes[length - 2]) * 10 + digit(bytes[length - 1]);
  return seconds === undefined || decimals !== decimals ? undefined : seconds * 1000 + decimals;
}

/** Returns whether a variable has a value, which is then in `value` and `value_length`. */
function find_value(request: ffi.CData, name: string): boolean {
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
  return code === 0;
}

/** Returns a variable that is one number; undefined: not set, or several. Phases with a request. */
export function read_number(request: ffi.CData, name: string): number | undefined {
  if (!find_value(request, name)) return undefined;
  const length = tonumber(value_length[0]) as number;
  const short = length > 0 && length < 8 ? parse_short(value[0], length) : undefined;
  // The library parses longer numbers.
  return short ?? tonumber(ffi.string(value[0], length));
}

/** Returns a time in milliseconds; undefined: not set, or several. Phases with a request. */
export function read_milliseconds(request: ffi.CData, name: string): number | undefined {
  if (!find_value(request, name)) return undefined;
  const length = tonumber(value_length[0]) as number;
  const time = parse_milliseconds(value[0], length);
  if (time !== undefined) return time;
  const seconds = tonumber(ffi.string(value[0], length));
  return seconds === undefined ? undefined : seconds * 1000;
}

/** Returns a variable; undefined: not set. `name`: at most `LONGEST_NAME` bytes. Phases with a request. */
export function read_text(request: ffi.CData, name: string): string | undefined {
  return find_value(request, name) ? ffi.string(value[0], value_length[0]) : undefined;
}

/**
 * Returns the CRC-32 of a variable, of which it makes no Lua string; undefined: not set, or empty. `name`: at
 * most `LONGEST_NAME` bytes. Phases with a request.
 */
export function read_crc32(request: ffi.CData, name: string): number | undefined {
  if (!find_value(request, name)) return undefined;
  const length = tonumber(value_length[0]) as number;
  return length > 0 ? C.ngx_http_lua_ffi_crc32_long(value[0], length) : undefined;
}
