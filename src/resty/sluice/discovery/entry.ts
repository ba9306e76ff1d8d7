import { parse_address } from "../config/address";
import { check_server_place } from "../config/address_rules";
import { check_server_address } from "../config/address_class";
import { read_server } from "../config/server";
import { decode, is_table } from "../lib/json";
import { trim } from "../lib/text";
import { address_rules } from "../net/allowed";
import type { Entry } from "./source";

/** The entries of registries that store a text for each server. All sources read them in the same way. */

const LARGEST_VALUE = 65536;

function refused(key: string, problem: string): Entry {
  return { key, problem };
}

/** Makes an entry from a server's parameters. */
export function entry_of(key: string, parameters: unknown): Entry {
  const [server, problem] = read_server(parameters);
  if (server === undefined) return refused(key, problem?.text ?? "");
  const unfit = check_server_address(server.server) ?? check_server_place(address_rules(), server.server);
  if (unfit !== undefined) return refused(key, unfit.text);
  server.source = "discovery";
  return { key, server };
}

/** Makes an entry from a host, which gets brackets if it is an IPv6 address, a port, and other parameters. */
export function entry_at(
  key: string,
  host: string | undefined,
  port: number | undefined,
  more: Record<string, unknown>,
): Entry {
  if (host === undefined || host === "") return refused(key, "the entry has no address");
  if (port === undefined) return refused(key, "the entry has no port");
  const is_bare = string.find(host, ":", 1, true)[0] !== undefined && string.sub(host, 1, 1) !== "[";
  return entry_of(key, { ...more, server: `${is_bare ? `[${host}]` : host}:${tostring(port)}` });
}

/** nginx-upsync-module writes flags as 0 and 1. */
function as_flag(value: unknown): unknown {
  if (value === 0) return false;
  return value === 1 ? true : value;
}

/** Returns the parameters of a server whose address is in its key, with flags as booleans. */
function with_address(key: string, value: Record<string, unknown>): Record<string, unknown> {
  const [address] = string.match(key, "^.*/(.*)$");
  return { ...value, server: address ?? key, backup: as_flag(value.backup), down: as_flag(value.down) };
}

/**
 * Reads a key and its value. The value is a JSON object, a bare address, or empty. When it does not contain
 * an address, the address is the last part of the key, as with nginx-upsync-module.
 */
export function read_entry(key: string, value: string): Entry {
  if (value.length > LARGEST_VALUE) return refused(key, `the value is larger than ${LARGEST_VALUE} bytes`);
  if (value === "") return entry_of(key, with_address(key, {}));
  const [first] = string.match(value, "^%s*(.)");
  if (first !== "{") {
    // Editors and `echo` append a line end.
    const server = trim(value);
    const [address, problem] = parse_address(server);
    return address === undefined ? refused(key, problem?.text ?? "") : entry_of(key, { server });
  }
  const [parameters, cause] = decode(value);
  if (!is_table(parameters)) return refused(key, `the value is not JSON: ${cause ?? ""}`);
  return entry_of(key, parameters.server === undefined ? with_address(key, parameters) : parameters);
}
