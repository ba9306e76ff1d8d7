import * as hashed from "./hashed_variable";
import * as named from "./named_variable";

/**
 * Reads nginx variables in each request: the fast way, or the way of lua-nginx-module where a linker has left
 * out the functions that the fast way needs. Hot.
 */

const reader = pcall(hashed.require_functions)[0] ? hashed : named;

export const { variable_name, read_status, read_number, read_milliseconds, read_text, read_crc32 } = reader;
