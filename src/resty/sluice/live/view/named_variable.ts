import type { VariableName } from "./hashed_variable";

/** Reads nginx variables as lua-nginx-module does, for programs that do not export nginx's own functions. */

function text_of(name: VariableName): string | undefined {
  return ngx.var[name as unknown as string];
}

/** Returns the name of a variable, to read it. Any phase. */
export function variable_name(text: string): VariableName {
  return text as unknown as VariableName;
}

/** Returns a variable that is one whole number; undefined: not set, or several. Phases with a request. */
export function read_number(_: unknown, name: VariableName): number | undefined {
  return tonumber(text_of(name));
}

/** Returns `$upstream_status`; undefined: not the status of one attempt. Phases with a request. */
export function read_status(_: unknown, name: VariableName): number | undefined {
  const text = text_of(name) ?? "";
  return text.length === 3 ? tonumber(text) : undefined;
}

/** Returns a time in milliseconds; undefined: not set, or several. Phases with a request. */
export function read_milliseconds(_: unknown, name: VariableName): number | undefined {
  const seconds = tonumber(text_of(name));
  return seconds === undefined ? undefined : math.floor(seconds * 1000 + 0.5);
}

/** Returns a variable; undefined: not set. Phases with a request. */
export function read_text(_: unknown, name: VariableName): string | undefined {
  return text_of(name);
}

/** Returns the CRC-32 of a variable; undefined: not set, or empty. Phases with a request. */
export function read_crc32(_: unknown, name: VariableName): number | undefined {
  const text = text_of(name) ?? "";
  return text === "" ? undefined : ngx.crc32_long(text);
}
