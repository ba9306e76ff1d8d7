import * as ffi from "ffi";
import "resty.core.base";
import "resty.core.hash";

/**
 * Reads nginx variables, several times in each request. It asks nginx itself, with names that were hashed
 * before: lua-nginx-module hashes a name at each read, which takes 17 instructions a byte. It makes no Lua
 * string of a number, and needs few constants, which LuaJIT limits. It has no loop, so LuaJIT compiles it
 * together with its caller. Hot.
 *
 * nginx finds a variable faster by its index. A variable has one if nginx.conf uses it, such as in a
 * `log_format`. nginx tells no index, but the values of the variables with an index are an array, so that the
 * place of a value shows it.
 */

/** A pointer to the name of a variable, its hash and its index. LuaJIT takes the pointer for a constant. */
export interface VariableName extends ffi.CData {
  name: NginxString;
  hash: ffi.CData;
  /** From 0, or `UNKNOWN` or `NO_INDEX`. */
  index: number;
  text: ffi.CData;
}

/** The index of a variable that was not read yet, and that of a variable without an index. */
const UNKNOWN = -1;
const NO_INDEX = -2;

interface NginxString extends ffi.CData {
  len: number;
  data: ffi.CData;
}

interface Value extends ffi.CData {
  length: number;
  is_missing: number;
  data: ffi.NumberPointer;
}

interface Nginx {
  sluice_hash: (this: void, lower_case: ffi.CData, name: string, length: number) => ffi.CData;
  sluice_get_variable: (
    this: void,
    request: ffi.CData,
    name: NginxString,
    hash: ffi.CData,
  ) => Value | undefined;
  sluice_get_indexed: (this: void, request: ffi.CData, index: number) => Value | undefined;
  sluice_parse_whole: (this: void, text: ffi.CData, length: number) => ffi.CData;
  sluice_parse_decimal: (this: void, text: ffi.CData, length: number, decimals: number) => ffi.CData;
  ngx_http_lua_ffi_crc32_long: (this: void, bytes: ffi.CData, length: number) => number;
}

// The asm names avoid conflicts with other modules' declarations of the same symbols.
ffi.cdef(`
  typedef struct { ngx_str_t name; uintptr_t hash; int index; unsigned char text[?]; }
    sluice_variable_name;
  typedef struct {
    unsigned length:28; unsigned is_valid:1; unsigned is_not_cacheable:1; unsigned is_missing:1;
    unsigned escape:1;
    const unsigned char *data;
  } sluice_value;
  uintptr_t sluice_hash(unsigned char *, const char *, size_t) __asm__("ngx_hash_strlow");
  sluice_value *sluice_get_variable(void *, const ngx_str_t *, uintptr_t) __asm__("ngx_http_get_variable");
  sluice_value *sluice_get_indexed(void *, uintptr_t) __asm__("ngx_http_get_flushed_variable");
  int64_t sluice_parse_whole(const unsigned char *, size_t) __asm__("ngx_atoof");
  intptr_t sluice_parse_decimal(const unsigned char *, size_t, size_t) __asm__("ngx_atofp");
`);

const C = ffi.C as Nginx;

/** Raises if the program does not export one of nginx's functions. Any phase. */
export function require_functions(): void {
  const readers = [C.sluice_hash, C.sluice_get_variable, C.sluice_get_indexed];
  const parsers = [C.sluice_parse_whole, C.sluice_parse_decimal];
  assert(readers);
  assert(parsers);
}

/** Keeps the names, to which there are only C pointers otherwise. */
const names: ffi.CData[] = [];

/** Returns the name of a variable, to read it. Any phase. */
export function variable_name(text: string): VariableName {
  const variable = ffi.new("sluice_variable_name", text.length) as VariableName;
  variable.name.len = text.length;
  variable.name.data = variable.text;
  variable.hash = C.sluice_hash(variable.text, text, text.length);
  variable.index = UNKNOWN;
  names[names.length] = variable;
  return ffi.cast("sluice_variable_name *", variable) as VariableName;
}

/** Not looked up in each request. */
const to_number = tonumber;

/** nginx's answer to a text that is no number. */
const NO_NUMBER = -1;
const DIGITS_OF_STATUS = 3;
/** What the digits "000" add up to. */
const ZEROS = 48 * 111;
/** The decimals of a time in milliseconds. */
const DECIMALS = 3;

/** The variable from whose place the indexes of others are found; undefined: none has been found yet. */
let known: VariableName | undefined;
let has_read_first = false;

/** Returns the first value of all variables with an index; undefined: not known. */
function find_first(request: ffi.CData): number | undefined {
  if (known !== undefined) {
    const value = C.sluice_get_indexed(request, known.index);
    return value === undefined ? undefined : (value as unknown as number) - known.index;
  }
  // Only once: it may be a variable that is not set yet, about which nginx logs a warning.
  if (has_read_first) return undefined;
  has_read_first = true;
  return C.sluice_get_indexed(request, 0) as unknown as number | undefined;
}

/** Finds the index of a variable with the value `value`, from its place. */
function find_index(request: ffi.CData, variable: VariableName, value: Value): void {
  variable.index = NO_INDEX;
  // Without an index, each read makes another value.
  if (C.sluice_get_variable(request, variable.name, variable.hash) !== value) return;
  const first = find_first(request);
  if (first === undefined) return;
  const index = (value as unknown as number) - first;
  if (index < 0 || C.sluice_get_indexed(request, index) !== value) return;
  variable.index = index;
  known = variable;
}

function find_by_name(request: ffi.CData, variable: VariableName): Value | undefined {
  const value = C.sluice_get_variable(request, variable.name, variable.hash);
  if (variable.index === UNKNOWN && value !== undefined) find_index(request, variable, value);
  return value;
}

/** Returns the value of a variable; undefined: not set. */
function find_value(request: ffi.CData, variable: VariableName): Value | undefined {
  const { index } = variable;
  const value = index >= 0 ? C.sluice_get_indexed(request, index) : find_by_name(request, variable);
  // A pointer to nothing is equal to nil, but true.
  return value === undefined || value.is_missing === 1 ? undefined : value;
}

/** Returns a variable that is one whole number; undefined: not set, or several. Phases with a request. */
export function read_number(request: ffi.CData, name: VariableName): number | undefined {
  const value = find_value(request, name);
  if (value === undefined) return undefined;
  const number = to_number(C.sluice_parse_whole(value.data, value.length)) as number;
  return number === NO_NUMBER ? undefined : number;
}

/** Returns `$upstream_status`; undefined: not the status of one attempt. Phases with a request. */
export function read_status(request: ffi.CData, name: VariableName): number | undefined {
  const value = find_value(request, name);
  if (value === undefined || value.length !== DIGITS_OF_STATUS) return undefined;
  const { data } = value;
  return data[0] * 100 + data[1] * 10 + data[2] - ZEROS;
}

/** Returns a time in milliseconds; undefined: not set, or several. Phases with a request. */
export function read_milliseconds(request: ffi.CData, name: VariableName): number | undefined {
  const value = find_value(request, name);
  if (value === undefined) return undefined;
  const time = to_number(C.sluice_parse_decimal(value.data, value.length, DECIMALS)) as number;
  return time === NO_NUMBER ? undefined : time;
}

/** Returns a variable; undefined: not set. Phases with a request. */
export function read_text(request: ffi.CData, name: VariableName): string | undefined {
  const value = find_value(request, name);
  return value === undefined ? undefined : ffi.string(value.data, value.length);
}

/** Returns the CRC-32 of a variable; undefined: not set, or empty. Phases with a request. */
export function read_crc32(request: ffi.CData, name: VariableName): number | undefined {
  const value = find_value(request, name);
  if (value === undefined) return undefined;
  const { length, data } = value;
  return length > 0 ? C.ngx_http_lua_ffi_crc32_long(data, length) : undefined;
}
