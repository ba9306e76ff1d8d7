import * as clock from "../lib/clock";
import { iso8601 } from "../lib/iso8601";
import { encode, record } from "../lib/json";
import { from_prefix } from "../lib/path";
import { escape_invalid_utf8 } from "../lib/utf8";
import { append_line, open_append_log, type AppendLog } from "../store/disk/append_log";
import { note_trouble, trouble_of } from "../store/memory/trouble";
import type { Client } from "./client/client";
import { argument } from "./request";
import { request_id } from "./request_id";

/** `api.audit_log`: one line of JSON for each change and each refusal. It never contains credentials. */

/** What is to be written of a request and its answer. */
export interface Audited {
  method: string;
  /** Undefined: not known. */
  client: Client | undefined;
  /** The upstreams that the request names. */
  upstreams: readonly string[];
  status: number;
  /** The code of the problem; undefined: there was none. */
  code: string | undefined;
}

const line_record = record("time who kind role from peer method path query upstreams status code request_id");
const LONGEST_PATH = 2048;
/** The query arguments that are written. Others could contain anything. */
const ARGUMENTS = ["server", "force", "dry_run", "wait"] as const;
const LONGEST_ARGUMENT = 256;

let log: AppendLog | undefined;

/**
 * Opens the log. Raises a text with field and reason. Phase: init_by_lua.
 *
 * @param path undefined: there is none
 * @param is_worker whether this is the Lua VM of one request with `lua_code_cache off`: a worker may lack the
 *   right to open the log, and then writes none
 */
export function use_audit_log(path: string | undefined, is_worker: boolean): void {
  log = undefined;
  if (path === undefined) return;
  const file = from_prefix(path);
  const [opened, cause] = open_append_log(file);
  log = opened;
  if (opened === undefined && !is_worker)
    error(`invalid "api.audit_log": could not open ${file}: ${cause ?? ""}`, 0);
}

/** Returns the path of the request as it was sent, without the query. */
function path_of_request(): string {
  const [path] = string.match(ngx.var.request_uri ?? "", "^[^?#]*");
  return string.sub(path ?? "", 1, LONGEST_PATH);
}

function query_of_request(): Record<string, string> | undefined {
  const query: Record<string, string> = {};
  let is_empty = true;
  for (const name of ARGUMENTS) {
    const value = argument(name);
    if (value !== undefined) {
      query[name] = string.sub(value, 1, LONGEST_ARGUMENT);
      is_empty = false;
    }
  }
  return is_empty ? undefined : query;
}

/** Escapes the characters U+0080 to U+009F in a text of others than ASCII. */
function escape_controls(text: string): string {
  const parts: string[] = [];
  for (const position of $range(1, text.length)) {
    const byte = string.byte(text, position);
    const before = position === 1 ? 0 : string.byte(text, position - 1);
    const after = position === text.length ? 0 : string.byte(text, position + 1);
    // In UTF-8 the byte 0xc2 always begins a character.
    if (before === 0xc2 && byte < 0xa0) parts.push(string.format("\\u00%02x", byte));
    else if (byte !== 0xc2 || after >= 0xa0) parts.push(string.char(byte));
  }
  return table.concat(parts);
}

/** Returns JSON as UTF-8 without control characters, which terminals obey. */
function plain_text(json: string): string {
  const [text] = string.gsub(escape_invalid_utf8(json), "[^%c -~]+", escape_controls);
  // cjson escapes every slash, which JSON does not require.
  return string.gsub(text, "\\/", "/")[0];
}

function line_of({ method, client, upstreams, status, code }: Audited): string {
  const { remote_addr, realip_remote_addr } = ngx.var;
  const line = {
    time: iso8601(clock.wall_time()),
    who: client?.name,
    kind: client?.kind,
    role: client?.role,
    from: remote_addr,
    peer: realip_remote_addr === remote_addr ? undefined : realip_remote_addr,
    method,
    path: path_of_request(),
    query: query_of_request(),
    upstreams: upstreams.length === 0 ? undefined : upstreams,
    status,
    code,
    request_id: request_id(),
  };
  return `${plain_text(encode(line_record(line)))}\n`;
}

/** Writes a line about a request. Phase: content_by_lua. */
export function audit(request: Audited): void {
  if (log === undefined) return;
  const cause = append_line(log, line_of(request));
  note_trouble("audit_log", cause === undefined ? undefined : `${log.path}: ${cause}`, (news) =>
    news === undefined ? "api.audit_log can be written again" : `api.audit_log cannot be written: ${news}`,
  );
}

/** Returns why lines could not be written lately; undefined: they could, or there is no log. Any phase. */
export function audit_problem(): string | undefined {
  return log === undefined ? undefined : trouble_of("audit_log");
}
