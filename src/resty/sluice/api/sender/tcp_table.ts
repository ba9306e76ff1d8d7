/** Reads the kernel's tables of TCP connections, for systems without netlink (`RestrictAddressFamilies`). */

import { MAPPING } from "../../lib/ip";
import { pause } from "../../lib/pause";

/** The socket of a program. */
export interface Socket {
  /** Decimal. */
  inode: string;
  /** The user of the program that has opened it. */
  uid: number;
}

/** An address and a port. */
export interface Endpoint {
  /** Four bytes of IPv4 or 16 of IPv6. */
  address: string;
  port: number;
}

const IPV4_BYTES = 4;
const WORD_BYTES = 4;

/** About 400 lines. The kernel takes about 0.3 ms to write them. */
const PIECE_BYTES = 65536;
const PIECES_AT_ONCE = 8;

/** Formats an endpoint as the table does: 32-bit words in this processor's little-endian order. */
function in_table({ address, port }: Endpoint): string {
  let text = "";
  for (const word of $range(0, address.length / WORD_BYTES - 1)) {
    const [a, b, c, d] = string.byte(address, word * WORD_BYTES + 1, word * WORD_BYTES + WORD_BYTES);
    text += string.format("%02X%02X%02X%02X", d, c, b, a);
  }
  return `${text}:${string.format("%04X", port)}`;
}

/** Finds the line of a connection. Serves other requests meanwhile. Phases that can sleep. */
function find_in(path: string, near: Endpoint, far: Endpoint): Socket | undefined {
  const [file] = io.open(path, "r");
  if (file === undefined) return undefined;
  const ends = ` ${in_table(near)} ${in_table(far)} `;
  let found: Socket | undefined;
  let pieces = 0;
  let [piece, rest] = file.read(PIECE_BYTES, "*l");
  while (piece !== undefined && found === undefined) {
    const text = piece + (rest ?? "");
    const [, last] = string.find(text, ends, 1, true);
    if (last !== undefined) {
      const [uid, inode] = string.match(text, "^%x+ %S+ %S+ %S+ +(%d+) +%d+ (%d+)", last + 1);
      // The inode is 0, and the user root, if no program has the socket open.
      if (inode !== undefined && inode !== "0") found = { inode, uid: tonumber(uid) ?? -1 };
    }
    pieces += 1;
    if (pieces % PIECES_AT_ONCE === 0) pause();
    [piece, rest] = file.read(PIECE_BYTES, "*l");
  }
  file.close();
  return found;
}

function mapped({ address, port }: Endpoint): Endpoint {
  return { address: MAPPING + address, port };
}

/**
 * Finds the socket of the program at the end `client` of a connection to `own`. Phases that can sleep.
 *
 * @returns undefined: no program has it open, or the tables cannot be read
 */
export function find_in_tables(
  client: Endpoint,
  own: Endpoint,
  folder = "/proc/self/net",
): Socket | undefined {
  const is_ipv6 = client.address.length !== IPV4_BYTES;
  // A line of a long table can be missed while other connections open and close.
  for (const _ of $range(1, 2)) {
    let found: Socket | undefined;
    if (is_ipv6) found = find_in(`${folder}/tcp6`, client, own);
    // A program can use IPv4 over an IPv6 socket, as Java does.
    else
      found = find_in(`${folder}/tcp`, client, own) ?? find_in(`${folder}/tcp6`, mapped(client), mapped(own));
    if (found !== undefined) return found;
  }
  return undefined;
}
