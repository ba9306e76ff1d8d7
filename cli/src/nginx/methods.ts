import type { Directive } from "./directives";
import type { Notes } from "./notes";

/** Reads the directives of an `upstream` block other than its servers. */

/** An upstream as `changes` takes it. */
export type Settings = Record<string, unknown>;

type Reader = (settings: Settings, line: Directive, notes: Notes) => void;

function readLeastTime(settings: Settings, line: Directive, notes: Notes): void {
  const [measure, ...others] = line.args;
  settings.method = "least_time";
  settings.least_time = {
    measure: measure === "last_byte" ? "last_byte" : "header",
    ...(others.includes("inflight") ? { inflight: true } : {}),
  };
  const unknown = others.filter((word) => word !== "inflight");
  if (unknown.length > 0)
    notes.leftOut(line, `least_time ${unknown.join(" ")}: Sluice has no such parameter`);
}

function readRandom(settings: Settings, line: Directive, notes: Notes): void {
  const [two, by = "least_conn"] = line.args;
  settings.method = "random";
  if (two !== "two") return;
  const [method, measure] = by.split("=");
  settings.random = { two: method };
  if (measure === "last_byte") notes.changed(line, "random two least_time compares the time of the header");
}

function readHash(settings: Settings, { args }: Directive): void {
  const [key, consistent] = args;
  settings.method = "hash";
  settings.hash = { key, ...(consistent === "consistent" ? { consistent: true } : {}) };
}

/** The parameters of `sticky cookie` with a value, and those without. */
const COOKIE_VALUES = new Set(["expires", "domain", "path", "samesite"]);
const COOKIE_FLAGS = new Set(["httponly", "secure"]);

function readCookie(
  settings: Settings,
  line: Directive,
  [name, ...parameters]: string[],
  notes: Notes,
): void {
  const cookie: Settings = { name };
  for (const parameter of parameters) {
    const [, key = parameter, value] = /^([^=]*)(?:=(.*))?$/s.exec(parameter) ?? [];
    if (value === undefined && COOKIE_FLAGS.has(key)) cookie[key] = true;
    else if (value !== undefined && COOKIE_VALUES.has(key))
      cookie[key] = key === "expires" ? timeOf(value) : value;
    else notes.leftOut(line, `sticky cookie … ${parameter}: Sluice has no such parameter`);
  }
  if (typeof cookie.samesite === "string" && cookie.samesite.includes("$")) {
    notes.leftOut(line, "sticky cookie … samesite: must not be a variable");
    delete cookie.samesite;
  }
  settings.sticky = { cookie };
}

function timeOf(text: string): string {
  return /^\d+$/.test(text) ? `${text}s` : text;
}

function readSticky(settings: Settings, line: Directive, notes: Notes): void {
  const [kind, ...args] = line.args;
  if (kind === "cookie") readCookie(settings, line, args, notes);
  else if (kind === "route") settings.sticky = { route: { variables: args } };
  else notes.leftOut(line, `sticky ${kind ?? ""}: Sluice has "sticky.cookie" and "sticky.route" only`);
}

function readQueue(settings: Settings, line: Directive, notes: Notes): void {
  const [size, ...parameters] = line.args;
  const [, timeout] = /^timeout=(.*)$/.exec(parameters[0] ?? "") ?? [];
  settings.queue = { size: Number(size), ...(timeout === undefined ? {} : { timeout: timeOf(timeout) }) };
  notes.changed(line, 'a queue needs access_by_lua_block { require("resty.sluice").access() }');
}

function method(name: string): Reader {
  return (settings) => {
    settings.method = name;
  };
}

const READERS: Record<string, Reader> = {
  least_conn: method("least_conn"),
  ip_hash: method("ip_hash"),
  least_time: readLeastTime,
  random: readRandom,
  hash: readHash,
  sticky: readSticky,
  sticky_cookie_insert: (settings, line, notes) => readCookie(settings, line, line.args, notes),
  queue: readQueue,
};

const STAYS = "stays in the upstream block of nginx.conf, below balancer_by_lua_block";
const NOT_NEEDED: Record<string, string> = {
  zone: "is not needed: lua_shared_dict sluice has its place",
  state: "is not needed: state_dir has its place",
  keepalive: STAYS,
  keepalive_requests: STAYS,
  keepalive_time: STAYS,
  keepalive_timeout: STAYS,
};

/** Reads a directive other than `server` into the settings of its upstream. */
export function readSetting(settings: Settings, line: Directive, notes: Notes): void {
  const read = Object.hasOwn(READERS, line.name) ? READERS[line.name] : undefined;
  const why = Object.hasOwn(NOT_NEEDED, line.name) ? NOT_NEEDED[line.name] : undefined;
  if (read !== undefined) read(settings, line, notes);
  else if (why !== undefined) notes.changed(line, `${line.name} ${why}`);
  else notes.leftOut(line, `${line.name}: Sluice has no such directive`);
}
