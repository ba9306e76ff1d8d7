import { C, type CData } from "ffi";
import { get_request } from "resty.core.base";
import "resty.core.misc";

import { read_text, variable_name } from "./view/variable";

/** The request of the current phase. Hot. */

interface NgxLua {
  ngx_http_lua_ffi_is_subrequest: (this: void, request: CData) => number;
}

const Lua = C as NgxLua;
const UPSTREAM = variable_name("sluice_upstream");

/** Returns the request. Phases with a request. */
export function current_request(): CData {
  return get_request() as CData;
}

/** Tells whether a request is a subrequest. Unlike `ngx.is_subrequest`, it looks up no name. */
export function is_subrequest(request: CData): boolean {
  return Lua.ngx_http_lua_ffi_is_subrequest(request) === 1;
}

/** Returns the name of the upstream in `$sluice_upstream`; "": it is not set. Phases with a request. */
export function upstream_in_variable(): string {
  return read_text(current_request(), UPSTREAM) ?? "";
}
