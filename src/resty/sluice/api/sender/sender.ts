import * as ffi from "ffi";
import { get_request } from "resty.core.base";

import { ip_bytes, unmapped_ip } from "../../lib/ip";
import { is_open_in_nginx, runs_nginx } from "./processes";
import { ask_kernel } from "./socket_diag";
import { find_in_tables, type Endpoint, type Socket } from "./tcp_table";

/**
 * Determines which program of this machine has sent a request. Its address does not tell a local client from
 * a gateway that forwards requests of others, but the kernel knows the process at the other end.
 */

/** `nginx`: this gateway, or another nginx of the same user. `other`: another program. */
export type Sender = "nginx" | "other" | "unknown";

interface Libc {
  sluice_getsockopt: (
    this: void,
    fd: number,
    level: number,
    name: number,
    value: ffi.CData,
    bytes: ffi.CData,
  ) => number;
  sluice_geteuid: (this: void) => number;
}

ffi.cdef(`
  struct sluice_ucred { int pid; unsigned int uid; unsigned int gid; };
  int sluice_getsockopt(int, int, int, void *, unsigned int *) __asm__("getsockopt");
  unsigned int sluice_geteuid(void) __asm__("geteuid");
`);
const C = ffi.C as Libc;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const CREDENTIALS_BYTES = 12;
const credentials = ffi.new("struct sluice_ucred") as ffi.CData & { pid: number; uid: number };
const length = ffi.new("unsigned int[1]") as ffi.NumberPointer;

/** The value of `ngx_http_request_t.signature`: "HTTP". */
const REQUEST_SIGNATURE = 0x50545448;
/** Index of `connection` in ngx_http_request_t, in pointers: it follows `signature`, padded to a pointer. */
const CONNECTION_FIELD = 1;
/** Index of `fd` in ngx_connection_t, in ints: it follows the pointers `data`, `read` and `write`. */
const FD_FIELD = 6;

/** Returns the descriptor of the request's connection, which Lua's API does not offer. */
function connection_fd(): number | undefined {
  const request = get_request();
  if (request === undefined) return undefined;
  if ((ffi.cast("int *", request) as ffi.NumberPointer)[0] !== REQUEST_SIGNATURE) return undefined;
  return (ffi.cast("int **", request) as ffi.PointerPointer)[CONNECTION_FIELD][FD_FIELD];
}

function sender_over_unix(): Sender {
  const fd = connection_fd();
  length[0] = CREDENTIALS_BYTES;
  if (fd === undefined || C.sluice_getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length) !== 0)
    return "unknown";
  const { pid, uid } = credentials;
  // The process is in another PID namespace, so it is not of this nginx.
  if (pid === 0) return "other";
  const is_nginx = runs_nginx(string.format("%d", pid));
  if (is_nginx !== undefined) return is_nginx ? "nginx" : "other";
  // A process of another user may be hidden. A process of this worker's user is not hidden, so it has ended.
  return uid === C.sluice_geteuid() ? "unknown" : "other";
}

function endpoint(address: string | undefined, port: string | undefined): Endpoint | undefined {
  const bytes = address === undefined ? undefined : ip_bytes(address);
  const number = tonumber(port);
  return bytes === undefined || number === undefined
    ? undefined
    : { address: unmapped_ip(bytes), port: number };
}

/** Returns the socket at the other end; undefined: no program has it open, or it is not known. */
function client_socket(client: Endpoint, own: Endpoint): Socket | undefined {
  const [is_answered, socket] = ask_kernel(client, own);
  return is_answered ? socket : find_in_tables(client, own);
}

function sender_over_tcp(): Sender {
  const variables = ngx.var;
  const client = endpoint(
    variables.realip_remote_addr ?? variables.remote_addr,
    variables.realip_remote_port ?? variables.remote_port,
  );
  const own = endpoint(variables.server_addr, variables.server_port);
  if (client === undefined || own === undefined) return "unknown";
  const socket = client_socket(client, own);
  if (socket === undefined) return "unknown";
  if (socket.uid !== C.sluice_geteuid()) return "other";
  const is_nginx = is_open_in_nginx(socket.inode, socket.uid);
  if (is_nginx === true) return "nginx";
  // nginx closes its socket as soon as its client disconnects. After that no process has the socket open.
  const is_still_open = client_socket(client, own)?.inode === socket.inode;
  return is_nginx === false && is_still_open ? "other" : "unknown";
}

/** The senders by connection number ($connection), which nginx never reuses. */
let known = new LuaTable<string, Sender | undefined>();
let count = 0;
const MOST_KNOWN = 1000;

/** Returns the sender of a request that has come from this machine. Phase: content_by_lua. */
export function sender(): Sender {
  const connection = ngx.var.connection ?? "";
  const before = known.get(connection);
  if (before !== undefined) return before;
  const peer = ngx.var.realip_remote_addr ?? ngx.var.remote_addr;
  const found = peer === "unix:" ? sender_over_unix() : sender_over_tcp();
  if (found === "unknown") return found;
  if (count >= MOST_KNOWN) {
    known = new LuaTable();
    count = 0;
  }
  count += 1;
  known.set(connection, found);
  return found;
}
