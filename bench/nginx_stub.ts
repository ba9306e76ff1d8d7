/** The parts of nginx that live/ needs when it is loaded, for plain LuaJIT. Import this file first. */
import * as ffi from "ffi";

interface Zlib {
  crc32: (this: void, start: number, text: string, length: number) => number;
}

ffi.cdef("unsigned long crc32(unsigned long crc, const char *text, unsigned int length);");
// As fast as nginx's own function.
const zlib = (ffi as unknown as { load: (this: void, name: string) => Zlib }).load("libz.so.1");

interface Globals {
  ngx: {
    crc32_long: (this: void, text: string) => number;
    config: { ngx_lua_version: number };
    worker: { id: (this: void) => number; count: (this: void) => number };
  };
  package: { preload: Record<string, (this: void) => object> };
}

const globals = _G as unknown as Globals;
globals.ngx = {
  crc32_long: (text) => tonumber(zlib.crc32(0, text, text.length)) as number,
  config: { ngx_lua_version: 10023 },
  worker: { id: () => 0, count: () => 1 },
};
/** Modules of which nothing is called. */
for (const name of ["resty.core.hash", "ngx.balancer", "ngx.semaphore"]) {
  globals.package.preload[name] = () => ({});
}
