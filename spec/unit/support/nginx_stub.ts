/** A stub of nginx for live/ under plain LuaJIT. Import it before any file of live/. */
import * as ffi from "ffi";

interface Zlib {
  crc32: (this: void, start: number, text: string, length: number) => number;
}

/** The present request, as far as live/ reads it, and the calls of live/ to nginx. */
interface FakeNginx {
  request: ffi.CData;
  /** The values of nginx's variables. */
  variables: Record<string, string | undefined>;
  /** The result of `get_last_failure`. */
  failure: string | undefined;
  status: number | undefined;
  /** The last peer that was set: `host:port`. */
  peer: string | undefined;
  /** The sum of `set_more_tries`. */
  more_tries: number;
  /** The status of the last `ngx.exit`. */
  exit: number | undefined;
  /** The lines of the log. */
  log: string[];
}

interface Globals {
  ngx: object;
  package: { preload: Record<string, (this: void) => object> };
}

ffi.cdef("unsigned long crc32(unsigned long crc, const char *text, unsigned int length);");
// zlib's CRC-32 is about as fast as nginx's, which ngx.crc32_long calls.
const zlib = (ffi as unknown as { load: (this: void, name: string) => Zlib }).load("libz.so.1");

export const nginx: FakeNginx = {
  request: ffi.new("char[1]"),
  variables: {},
  failure: undefined,
  status: undefined,
  peer: undefined,
  more_tries: 0,
  exit: undefined,
  log: [],
};

/** Begins another request, at another address. */
export function begin_request(): void {
  nginx.request = ffi.new("char[1]");
  for (const [name] of pairs(nginx.variables)) nginx.variables[name] = undefined;
  nginx.failure = undefined;
  nginx.status = undefined;
  nginx.peer = undefined;
  nginx.more_tries = 0;
  nginx.exit = undefined;
}

const globals = _G as unknown as Globals;
globals.ngx = {
  WARN: 5,
  ERR: 4,
  NOTICE: 6,
  crc32_long: (text: string) => tonumber(zlib.crc32(0, text, text.length)) as number,
  config: { ngx_lua_version: 10023 },
  worker: { id: () => 0, count: () => 1, pid: () => 1 },
  now: () => os.time(),
  var: nginx.variables,
  header: {},
  ctx: {},
  log: (_level: number, text: string) => {
    nginx.log.push(text);
  },
  exit: (status: number) => {
    nginx.exit = status;
  },
};

const modules: Record<string, object> = {
  "resty.core.hash": {},
  "resty.core.base": { get_request: () => nginx.request },
  "ngx.semaphore": {},
  "ngx.balancer": {
    get_last_failure: () => $multi(nginx.failure, nginx.status),
    set_current_peer: (host: string, port: number) => {
      nginx.peer = `${host}:${port}`;
      return true;
    },
    set_more_tries: (count: number) => {
      nginx.more_tries += count;
    },
  },
  // These modules call C functions of nginx.
  "src.resty.sluice.live.request": {
    current_request: () => nginx.request,
    is_subrequest: () => false,
  },
  "src.resty.sluice.live.view.variable": {
    variable_name: (name: string) => name,
    read_number: (_request: ffi.CData, name: string) => tonumber(nginx.variables[name]),
    read_status: (_request: ffi.CData, name: string) => tonumber(nginx.variables[name]),
    read_milliseconds: (_request: ffi.CData, name: string) => {
      const seconds = tonumber(nginx.variables[name]);
      return seconds === undefined ? undefined : seconds * 1000;
    },
    read_text: (_request: ffi.CData, name: string) => nginx.variables[name],
    read_crc32: (_request: ffi.CData, name: string) => {
      const value = nginx.variables[name] ?? "";
      return value === "" ? undefined : tonumber(zlib.crc32(0, value, value.length));
    },
  },
};
for (const [name, module] of pairs(modules)) globals.package.preload[name] = () => module;
