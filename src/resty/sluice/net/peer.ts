import * as ffi from "ffi";

import type { Result } from "../lib/result";

/** The other end of a TCP connection, which cosockets do not tell. */

interface Libc {
  sluice_socket_fd: (
    this: void,
    socket: unknown,
    new_fd: number,
    error: ffi.CData,
    error_bytes: ffi.NumberPointer,
  ) => number;
  sluice_getpeername: (this: void, fd: number, address: ffi.CData, bytes: ffi.NumberPointer) => number;
}

// lua-nginx-module has the first function since version 0.10.18. With -1 it only returns the descriptor.
ffi.cdef(`
  int sluice_socket_fd(void *, int, unsigned char *, size_t *) __asm__("ngx_http_lua_ffi_socket_tcp_hack_fd");
  int sluice_getpeername(int, void *, unsigned int *) __asm__("getpeername");
`);
const C = ffi.C as Libc;

const AF_INET = 2;
const AF_INET6 = 10;
const LONGEST_ADDRESS = 128;
const LONGEST_ERROR = 256;

const address = ffi.new(`unsigned char[${LONGEST_ADDRESS}]`);
const address_bytes = ffi.new("unsigned int[1]") as ffi.NumberPointer;
const problem = ffi.new(`unsigned char[${LONGEST_ERROR}]`);
const problem_bytes = ffi.new("size_t[1]") as ffi.NumberPointer;

/** Returns the four or 16 bytes of an address in the form of `struct sockaddr`. */
function ip_in(text: string): string | undefined {
  const family = string.byte(text, 1);
  if (family === AF_INET) return string.sub(text, 5, 8);
  return family === AF_INET6 ? string.sub(text, 9, 24) : undefined;
}

/** Returns the four or 16 bytes of the IP address to which a cosocket is connected, or the cause. */
export function peer_ip(socket: TcpSocket): Result<string> {
  // lua-nginx-module keeps the connection of a cosocket in its first element.
  const connection = (socket as unknown as unknown[])[0];
  problem_bytes[0] = LONGEST_ERROR;
  let fd = -1;
  const [is_there] = pcall(() => {
    fd = C.sluice_socket_fd(connection, -1, problem, problem_bytes);
  });
  if (!is_there) return $multi(undefined, "lua-nginx-module is older than 0.10.18");
  address_bytes[0] = LONGEST_ADDRESS;
  if (fd < 0 || C.sluice_getpeername(fd, address, address_bytes) !== 0)
    return $multi(undefined, "the connection has ended");
  const bytes = ip_in(ffi.string(address, address_bytes[0]));
  return $multi(bytes, bytes === undefined ? "it is no IP address" : undefined);
}
