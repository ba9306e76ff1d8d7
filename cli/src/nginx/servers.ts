import { isHostName } from "../model/address";
import type { Directive } from "./directives";
import type { Notes } from "./notes";

/** Reads the `server` lines of an `upstream` block. */

export interface ImportedServer {
  server: string;
  resolve?: true;
  service?: string;
  weight?: number;
  max_conns?: number;
  max_fails?: number;
  fail_timeout?: string;
  slow_start?: string;
  route?: string;
  backup?: true;
  down?: true;
  drain?: true;
}

const NUMBERS = new Set(["weight", "max_conns", "max_fails"]);
const TIMES = new Set(["fail_timeout", "slow_start"]);
const FLAGS = new Set(["backup", "down", "drain", "resolve"]);

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}(:\d+)?$/;
const IPV6 = /^\[[^\]]+\](:\d+)?$/;
const LOCALHOST = /^localhost(:\d+)?$/i;
const UNIX = /^unix:\/[^:\s]*$/;

function reasonAgainst(text: string): string {
  if (text.startsWith("unix:")) return "the path of a socket must have no space and no colon";
  if (text.includes("$")) return "variables in addresses are not supported: give its IP addresses";
  return "is neither an IP address nor a host name";
}

/** Returns the address of a server line as Sluice takes it; undefined: it has no such address. */
function addressOf(text: string, line: Directive, notes: Notes): string | undefined {
  if (IPV4.test(text) || IPV6.test(text) || UNIX.test(text)) return text;
  if (LOCALHOST.test(text)) {
    notes.changed(line, `localhost is written as 127.0.0.1, and not as [::1] too`);
    return text.replace(/localhost/i, "127.0.0.1");
  }
  if (isHostName(text)) return text;
  notes.leftOut(line, `server ${text}: ${reasonAgainst(text)}`);
  return undefined;
}

/** Follows the addresses of a host name. nginx without `resolve` looks them up when it starts. */
function follow(server: ImportedServer, line: Directive, notes: Notes): void {
  const isNamed = isHostName(server.server);
  if (isNamed && server.resolve !== true) {
    server.resolve = true;
    notes.changed(line, `server ${server.server}: its addresses are followed, as with "resolve"`);
  }
  // nginx ignores the parameter with an IP address.
  if (!isNamed) delete server.resolve;
}

/** Returns a time with a unit, which `fail_timeout=30` lacks. */
function timeOf(text: string): string {
  return /^\d+$/.test(text) ? `${text}s` : text;
}

function readParameter(server: ImportedServer, text: string, line: Directive, notes: Notes): void {
  const [, name = text, value] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  const members = server as unknown as Record<string, unknown>;
  if (value === undefined && FLAGS.has(name)) members[name] = true;
  else if (value !== undefined && NUMBERS.has(name) && /^\d+$/.test(value)) members[name] = Number(value);
  else if (value !== undefined && TIMES.has(name)) members[name] = timeOf(value);
  else if (value !== undefined && name === "route") members.route = value;
  else if (value !== undefined && name === "service") members.service = value;
  else notes.leftOut(line, `server … ${text}: Sluice has no such parameter`);
}

/** Reads a `server` line. Returns undefined if it cannot be imported. */
export function readServer(line: Directive, notes: Notes): ImportedServer | undefined {
  const [text = "", ...parameters] = line.args;
  const address = addressOf(text, line, notes);
  if (address === undefined) return undefined;
  const server: ImportedServer = { server: address };
  for (const parameter of parameters) readParameter(server, parameter, line, notes);
  follow(server, line, notes);
  return server;
}
