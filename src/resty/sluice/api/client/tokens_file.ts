import { TOKEN } from "../../config/token";
import { read_file } from "../../lib/file";
import * as clock from "../../lib/clock";
import { decode, is_table } from "../../lib/json";
import { from_prefix } from "../../lib/path";
import type { Result } from "../../lib/result";
import { sha256 } from "../../lib/sha256";
import { state_of } from "../../store/disk/stat";
import { note_trouble, trouble_of } from "../../store/memory/trouble";
import type { Grant } from "./grants";

/** The named tokens of `api.tokens_file`. Each worker reads the file again when it has changed. */

const MOST_BYTES = 1048576;
const MOST_TOKENS = 1000;
/** The shortest time from one look at the file to the next, in seconds. */
const LOOK_SECONDS = 1;
/** Some editors write it at the start of a file. It is not part of the text. */
const BYTE_ORDER_MARK = "\uFEFF";

function read_grant(path: string, entry: unknown): Result<Grant> {
  const [token, problem] = TOKEN.read(path, entry);
  if (token === undefined) return $multi(undefined, problem?.text);
  const { name, role, upstreams, expires } = token;
  const digest = token.sha256 ?? sha256(token.token ?? "");
  return $multi({ digest, name, role, upstreams, expires }, undefined);
}

/** Reads the tokens of a file's text. The reason of a failure quotes neither tokens nor digests. Pure. */
export function parse_tokens(text: string): Result<Grant[]> {
  const has_mark = string.sub(text, 1, BYTE_ORDER_MARK.length) === BYTE_ORDER_MARK;
  const json = has_mark ? string.sub(text, BYTE_ORDER_MARK.length + 1) : text;
  const [value, cause] = decode(json);
  const [first] = string.match(json, "^%s*(.)");
  if (!is_table(value) || first !== "[")
    return $multi(undefined, `it is not a JSON list: ${cause ?? "not a list"}`);
  const entries = value as unknown as unknown[];
  if (entries.length > MOST_TOKENS) return $multi(undefined, `it has more than ${MOST_TOKENS} tokens`);
  const grants: Grant[] = [];
  const places = new LuaTable<string, string | undefined>();
  for (const index of $range(0, entries.length - 1)) {
    const place = `tokens[${index}]`;
    const [grant, problem] = read_grant(place, entries[index]);
    if (grant === undefined) return $multi(undefined, problem);
    for (const [member, key] of pairs({ name: `name ${grant.name}`, token: `token ${grant.digest}` })) {
      const before = places.get(key);
      if (before !== undefined) return $multi(undefined, `${place} has the same ${member} as ${before}`);
      places.set(key, place);
    }
    grants.push(grant);
  }
  return $multi(grants, undefined);
}

/** Reads the file of a path. Returns its tokens and its version, or the cause of a failure. */
function read_tokens(
  path: string,
  known_version: string | undefined,
): LuaMultiReturn<[Grant[] | undefined, string | undefined, string | undefined]> {
  const [state, gone] = state_of(path);
  if (state === undefined) return $multi(undefined, undefined, `could not read it: ${gone ?? ""}`);
  const { version, is_regular, size } = state;
  if (version !== undefined && version === known_version) return $multi(undefined, version, undefined);
  if (!is_regular) return $multi(undefined, version, "it is not a regular file");
  if (size > MOST_BYTES) return $multi(undefined, version, `it has more than ${MOST_BYTES} bytes`);
  const [text, unreadable] = read_file(path, MOST_BYTES + 1);
  if (text === undefined) return $multi(undefined, undefined, `could not read it: ${unreadable ?? ""}`);
  if (text.length > MOST_BYTES) return $multi(undefined, version, `it has more than ${MOST_BYTES} bytes`);
  const [grants, invalid] = parse_tokens(text);
  return $multi(grants, version, invalid);
}

let path: string | undefined;
let named: readonly Grant[] = [];
/** The version of the file that was read last, and why that was of no use. */
let version: string | undefined;
let problem: string | undefined;
let next_look: clock.Moment = 0;

/**
 * Uses the tokens of a file. Raises a text with field and reason if it is invalid. Phase: init_by_lua.
 *
 * @param file undefined: there is none
 * @param is_worker whether this is the Lua VM of one request with `lua_code_cache off`: the request reads the
 *   file
 */
export function use_tokens_file(file: string | undefined, is_worker = false): void {
  path = file === undefined ? undefined : from_prefix(file);
  named = [];
  // A worker reads the file once more: it may lack the right to read what root has read.
  version = undefined;
  problem = undefined;
  next_look = 0;
  if (path === undefined || is_worker) return;
  const [grants, , cause] = read_tokens(path, undefined);
  if (grants === undefined) return error(`invalid "api.tokens_file": ${path}: ${cause ?? ""}`, 0);
  named = grants;
}

function look(from: string): void {
  const [grants, seen, cause] = read_tokens(from, version);
  const is_unchanged = grants === undefined && cause === undefined;
  version = seen;
  if (grants !== undefined) named = grants;
  if (!is_unchanged) problem = cause;
  note_trouble("tokens_file", problem === undefined ? undefined : `${from}: ${problem}`, (news) =>
    news === undefined
      ? "api.tokens_file is valid again"
      : `api.tokens_file is invalid, so the last valid tokens stay in use: ${news}`,
  );
}

/** Returns the named tokens, as the file has them now or had them when it was last valid. Any phase. */
export function named_grants(): readonly Grant[] {
  const now = clock.now();
  if (path === undefined || now < next_look) return named;
  next_look = now + LOOK_SECONDS;
  look(path);
  return named;
}

/** Returns why the file of the last valid tokens is of no use now; undefined: it is valid. Any phase. */
export function tokens_file_problem(): string | undefined {
  return path === undefined ? undefined : trouble_of("tokens_file");
}
