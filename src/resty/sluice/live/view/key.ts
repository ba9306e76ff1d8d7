import type { CData } from "ffi";
import { get_request } from "resty.core.base";
import "resty.core.hash";

import type { BalancingConfig } from "../../config/balancing";
import { parse_template, type TemplatePart } from "../../config/template";
import { read_crc32, read_text, variable_name } from "./variable";

/** Readers of the key by which a method assigns requests. A reader runs in each request. Hot. */

const { crc32_long } = ngx;

/** Returns the key of the current request; undefined or "": it has none. Phase: balancer_by_lua. */
export type KeyReader = (this: void) => string | undefined;

/** Returns the CRC-32 of the key of the current request; undefined: it has none. Phase: balancer_by_lua. */
export type KeyHasher = (this: void) => number | undefined;

/** The key that nginx's `ip_hash` uses for a client at a unix socket. */
const NO_ADDRESS = "\0\0\0";

/** Returns the key of `ip_hash` for an address: three bytes of IPv4, all bytes of IPv6. */
export function address_key(address: string): string {
  if (address.length === 4) return string.sub(address, 1, 3);
  return address.length === 16 ? address : NO_ADDRESS;
}

function read_address(this: void): string {
  return address_key(ngx.var.binary_remote_addr ?? "");
}

function part_reader({ literal, variable }: TemplatePart): KeyReader {
  if (variable === undefined) return () => literal;
  // A number is a capture of the location's regular expression.
  const capture = tonumber(variable) as unknown as string | undefined;
  if (capture !== undefined) return () => ngx.var[capture];
  const name = variable_name(variable);
  return () => read_text(get_request() as CData, name);
}

/** Joins two readers. A chain of them needs no loop. */
function joined(first: KeyReader, second: KeyReader): KeyReader {
  return () => (first() ?? "") + (second() ?? "");
}

/** Makes the reader of a text with variables; undefined: the text is not valid. */
export function template_reader(text: string): KeyReader | undefined {
  let reader: KeyReader | undefined;
  for (const part of parse_template(text)[0] ?? []) {
    const next = part_reader(part);
    reader = reader === undefined ? next : joined(reader, next);
  }
  return reader;
}

function hash_of(read: KeyReader): number | undefined {
  const key = read();
  return key === undefined || key === "" ? undefined : crc32_long(key);
}

/** Makes the reader of the CRC-32 of a text with variables; undefined: the text is not valid. */
export function template_hasher(text: string): KeyHasher | undefined {
  const parts = parse_template(text)[0] ?? [];
  const variable = parts.length === 1 ? parts[0].variable : undefined;
  if (variable !== undefined && tonumber(variable) === undefined) {
    const name = variable_name(variable);
    return () => read_crc32(get_request() as CData, name);
  }
  const read = template_reader(text);
  return read === undefined ? undefined : () => hash_of(read);
}

/** Makes the reader of the key that a method needs; undefined: it needs none. */
export function new_key_reader({ method, hash }: BalancingConfig): KeyReader | undefined {
  if (method === "ip_hash") return read_address;
  return method === "hash" && hash !== undefined ? template_reader(hash.key) : undefined;
}
