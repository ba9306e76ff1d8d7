/** What the live side wants of nginx, for plain LuaJIT. To be imported before anything of it. */
import * as ffi from "ffi";

interface Zlib {
  crc32: (this: void, start: number, text: string, length: number) => number;
}

ffi.cdef("unsigned long crc32(unsigned long crc, const char *text, unsigned int length);");
// nginx's own, which ngx.crc32_long calls, is as little work.
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
/** Of these nothing is called, or it is above. */
for (const name of ["resty.core.hash", "ngx.balancer", "ngx.semaphore"]) {
  globals.package.preload[name] = () => ({});
}
