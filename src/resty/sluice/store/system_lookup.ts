import * as ffi from "ffi";

import { is_host_name, parts_of_name } from "../config/host_name";
import type { ServerConfig } from "../config/server";
import { ip_text } from "../lib/ip";
import type { Result } from "../lib/result";

/**
 * Looks up the host names of seeds as nginx looks up those of nginx.conf: by the C library, while it starts.
 */

interface AddressInfo {
  length: number;
  address: ffi.CData;
  /** For C a null pointer at the end, which equals nil. */
  next: AddressInfo | undefined;
}

interface AddressInfoPointer extends ffi.CData {
  [index: number]: AddressInfo | undefined;
}

interface Libc {
  sluice_getaddrinfo: (
    this: void,
    name: string,
    service: undefined,
    hints: ffi.CData,
    result: ffi.CData,
  ) => number;
  sluice_freeaddrinfo: (this: void, info: AddressInfo) => void;
  sluice_gai_strerror: (this: void, code: number) => ffi.CData;
}

ffi.cdef(`
  struct sluice_addrinfo {
    int flags; int family; int type; int protocol; unsigned int length;
    unsigned char *address; char *name; struct sluice_addrinfo *next;
  };
  int sluice_getaddrinfo(const char *, const char *, const struct sluice_addrinfo *, struct sluice_addrinfo **)
    __asm__("getaddrinfo");
  void sluice_freeaddrinfo(struct sluice_addrinfo *) __asm__("freeaddrinfo");
  const char *sluice_gai_strerror(int) __asm__("gai_strerror");
`);
const C = ffi.C as Libc;
const SOCK_STREAM = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const LONGEST_ADDRESS = 28;
const MOST_ADDRESSES = 1000;

/** Returns the address in a `struct sockaddr` in the notation of nginx; undefined: it is of another kind. */
function host_in(bytes: string): string | undefined {
  const family = string.byte(bytes, 1);
  if (family === AF_INET) return ip_text(string.sub(bytes, 5, 8));
  return family === AF_INET6 ? `[${ip_text(string.sub(bytes, 9, 24))}]` : undefined;
}

/** Returns the addresses of a name. It waits without other work, so it is only for the start of nginx. */
function addresses_of(name: string): Result<string[]> {
  const hints = ffi.new("struct sluice_addrinfo") as ffi.CData & { type: number };
  hints.type = SOCK_STREAM;
  const result = ffi.new("struct sluice_addrinfo *[1]") as AddressInfoPointer;
  const code = C.sluice_getaddrinfo(name, undefined, hints, result);
  if (code !== 0) return $multi(undefined, ffi.string(C.sluice_gai_strerror(code)));
  const first = result[0];
  const hosts: string[] = [];
  let info = first;
  while (info !== undefined && hosts.length < MOST_ADDRESSES) {
    const host = host_in(ffi.string(info.address, math.min(info.length, LONGEST_ADDRESS)));
    if (host !== undefined && !hosts.includes(host)) hosts.push(host);
    info = info.next;
  }
  if (first !== undefined) C.sluice_freeaddrinfo(first);
  return $multi(hosts, undefined);
}

/** Returns servers with the addresses of their host names, or undefined and why one has none. */
export function looked_up(servers: readonly ServerConfig[]): Result<ServerConfig[]> {
  const all: ServerConfig[] = [];
  for (const server of servers) {
    const is_named = server.resolve !== true && is_host_name(server.server);
    if (is_named) {
      const [name, port] = parts_of_name(server.server);
      const [hosts, cause] = addresses_of(name);
      if (hosts === undefined || hosts.length === 0)
        return $multi(undefined, `could not look up "${server.server}": ${cause ?? "it has no address"}`);
      for (const host of hosts) all.push({ ...server, server: `${host}:${port ?? 80}` });
    } else {
      all.push(server);
    }
  }
  return $multi(all, undefined);
}
