import { cast, type CData } from "ffi";

/** Not looked up in each request. */
const to_number = tonumber;

/** Returns the key of a request: its address. Hot. */
export function key_of(request: CData): number {
  return to_number(cast("uintptr_t", request)) as number;
}
