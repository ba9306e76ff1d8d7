import * as ffi from "ffi";

import type { Endpoint, Socket } from "./tcp_table";

/** Asks the kernel for a connection by its two ends, over netlink (sock_diag(7)), in some microseconds. */

interface Libc {
  sluice_socket: (this: void, family: number, type: number, protocol: number) => number;
  sluice_send: (this: void, fd: number, message: ffi.CData, bytes: number, flags: number) => number;
  sluice_recv: (this: void, fd: number, message: ffi.CData, bytes: number, flags: number) => number;
  sluice_close: (this: void, fd: number) => number;
}

interface Question extends ffi.CData {
  family: number;
  client_port: number;
  own_port: number;
  client: ffi.CData;
  own: ffi.CData;
}

interface Reply extends ffi.CData {
  type: number;
  /** Negative. Only in a reply of the type NLMSG_ERROR. */
  error: number;
  uid: number;
  inode: number;
}

// A netlink header, followed by `struct inet_diag_req_v2` in a question, and by `struct inet_diag_msg` or an
// error in a reply.
ffi.cdef(`
  struct sluice_question {
    uint32_t length; uint16_t type; uint16_t flags; uint32_t sequence; uint32_t port;
    uint8_t family; uint8_t protocol; uint8_t extensions; uint8_t pad; uint32_t states;
    uint16_t client_port; uint16_t own_port; uint8_t client[16]; uint8_t own[16]; uint32_t device; uint32_t cookie[2];
  };
  struct sluice_reply {
    uint32_t length; uint16_t type; uint16_t flags; uint32_t sequence; uint32_t port;
    union { int32_t error; uint32_t kind; };
    uint8_t ends[48]; uint32_t expires; uint32_t read; uint32_t written; uint32_t uid; uint32_t inode;
    uint8_t rest[512];
  };
  int sluice_socket(int, int, int) __asm__("socket");
  ssize_t sluice_send(int, const void *, size_t, int) __asm__("send");
  ssize_t sluice_recv(int, void *, size_t, int) __asm__("recv");
  int sluice_close(int) __asm__("close");
`);
const C = ffi.C as Libc;
const QUESTION_BYTES = 72;
const LEAST_REPLY_BYTES = 20;
const WHOLE_REPLY_BYTES = 88;
const REPLY_BYTES = 600;

const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 0x80003;
const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const NLM_F_REQUEST = 1;
const NLMSG_ERROR = 2;
const IPPROTO_TCP = 6;
const ALL_STATES = 0xffffffff;
const NO_COOKIE = 0xffffffff;
const MSG_DONTWAIT = 0x40;
const ENOENT = 2;
const IPV4_BYTES = 4;

const question = ffi.new("struct sluice_question", {
  length: QUESTION_BYTES,
  type: SOCK_DIAG_BY_FAMILY,
  flags: NLM_F_REQUEST,
  protocol: IPPROTO_TCP,
  states: ALL_STATES,
  cookie: [NO_COOKIE, NO_COOKIE],
}) as Question;
const reply = ffi.new("struct sluice_reply") as Reply;

/** Converts a port to network byte order. This processor is little-endian. */
function in_network_order(port: number): number {
  return (port % 256) * 256 + math.floor(port / 256);
}

function exchange(): boolean {
  const fd = C.sluice_socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd === -1) return false;
  let bytes = tonumber(C.sluice_send(fd, question, QUESTION_BYTES, 0)) as number;
  // The kernel answers before `send` returns.
  if (bytes === QUESTION_BYTES)
    bytes = tonumber(C.sluice_recv(fd, reply, REPLY_BYTES, MSG_DONTWAIT)) as number;
  C.sluice_close(fd);
  return bytes >= (reply.type === SOCK_DIAG_BY_FAMILY ? WHOLE_REPLY_BYTES : LEAST_REPLY_BYTES);
}

/**
 * Asks for the socket of the program at the end `client` of a connection to `own`. Any phase.
 *
 * @returns true and the socket; true: no program has it open; false: the kernel does not answer
 */
export function ask_kernel(client: Endpoint, own: Endpoint): LuaMultiReturn<[boolean, Socket | undefined]> {
  question.family = client.address.length === IPV4_BYTES ? AF_INET : AF_INET6;
  question.client_port = in_network_order(client.port);
  question.own_port = in_network_order(own.port);
  ffi.copy(question.client, client.address, client.address.length);
  ffi.copy(question.own, own.address, own.address.length);
  if (!exchange()) return $multi(false, undefined);
  if (reply.type === NLMSG_ERROR) return $multi(reply.error === -ENOENT, undefined);
  if (reply.type !== SOCK_DIAG_BY_FAMILY) return $multi(false, undefined);
  // The inode is 0 if no program has the socket open.
  if (reply.inode === 0) return $multi(true, undefined);
  return $multi(true, { inode: string.format("%d", reply.inode), uid: reply.uid });
}
