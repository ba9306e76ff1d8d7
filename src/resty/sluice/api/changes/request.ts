import { block, optional, with_default, type ConfigOf } from "../../config/block";
import { read_owner } from "../../config/owner";
import { format_problem, invalid_value, type Problem } from "../../config/problem";
import { refuse, type Read } from "../../config/reader";
import { check_name } from "../../config/name";
import { read_flag, whole_from } from "../../config/values";
import { decode } from "../../lib/json";
import {
  byte_at,
  end_of_value,
  new_scan,
  no_value,
  read_object,
  read_whole_object,
} from "../../lib/json_scan";
import type { Result } from "../../lib/result";
import { is_utf8 } from "../../lib/utf8";
import { not_json, read_text } from "../request";

/** Reads the body of a change of several upstreams, upstream by upstream, so that it blocks no worker. */

const LARGEST_BODY = 4194304;
const LONGEST_COMMENT = 500;

/** Reads why a change is made. */
export function read_comment(this: void, path: string, value: unknown): Read<string> {
  if (typeof value !== "string" || value.length > LONGEST_COMMENT)
    return refuse(path, `must be a string of at most ${LONGEST_COMMENT} bytes`);
  if (string.find(value, "%c")[0] !== undefined) return refuse(path, "must not contain control characters");
  return $multi(value, undefined);
}

/** The members of the body, except `upstreams`. */
const OPTIONS = block({
  /** Delete the upstreams of the same owner that the change does not name. */
  prune: with_default(read_flag, false),
  /** The owner of the upstreams. Default: none. */
  owner: optional(read_owner),
  /** Why the change is made; the history shows it. Default: none. */
  comment: optional(read_comment),
  /** Largest part of an upstream's servers that the change may remove. Default: any. */
  max_removal_percent: optional(whole_from(0, 100)),
});
export type ChangeOptions = ConfigOf<typeof OPTIONS>;

/** An upstream of the body, as JSON text. */
export interface GivenUpstream {
  name: string;
  text: string;
}

/** The body. */
export interface ChangeRequest {
  options: ChangeOptions;
  upstreams: readonly GivenUpstream[];
}

/** Reads the members of the body. Returns the error of a text that is not a JSON object. */
function read_members(
  text: string,
  pause: (this: void) => void,
  members: Record<string, unknown>,
  upstreams: GivenUpstream[],
): string | undefined {
  const scan = new_scan(text, pause);
  const skip = (from: number): Result<number> => {
    const end = end_of_value(scan, from);
    return $multi(end, end === undefined ? no_value(from) : undefined);
  };
  const take_upstream = (name: string, from: number): Result<number> => {
    const [end, cause] = skip(from);
    if (end === undefined) return $multi(undefined, cause);
    upstreams.push({ name, text: string.sub(text, from, end) });
    return $multi(end, undefined);
  };
  return read_whole_object(scan, (name, from) => {
    if (name === "upstreams" && byte_at(scan, from) === "{") {
      members.upstreams = upstreams;
      return read_object(scan, from, take_upstream);
    }
    const [end, cause] = skip(from);
    if (end === undefined) return $multi(undefined, cause);
    const [values, bad] = decode(`[${string.sub(text, from, end)}]`);
    if (values === undefined) return $multi(undefined, bad);
    members[name] = (values as unknown[])[0];
    return $multi(end, undefined);
  });
}

function check_names(upstreams: readonly GivenUpstream[]): Problem | undefined {
  const known = new LuaSet<string>();
  for (const { name } of upstreams) {
    const bad_name = check_name(name);
    if (bad_name !== undefined) return bad_name;
    if (known.has(name)) return format_problem(`duplicate upstream "${name}"`);
    known.add(name);
  }
  return undefined;
}

/** Reads the body of a request. Phase: content_by_lua. */
export function read_change_request(pause: (this: void) => void): Read<ChangeRequest> {
  const [text, unreadable] = read_text(LARGEST_BODY);
  if (text === undefined || unreadable !== undefined) return $multi(undefined, unreadable);
  const members: Record<string, unknown> = {};
  const upstreams: GivenUpstream[] = [];
  const flaw = read_members(text, pause, members, upstreams);
  if (flaw !== undefined) return $multi(undefined, not_json(flaw));
  // Any other value was decoded.
  if (members.upstreams !== upstreams)
    return $multi(undefined, invalid_value("upstreams", "must be an object of upstreams by name"));
  members.upstreams = undefined;
  const [options, invalid] = OPTIONS.read("", members);
  if (options === undefined) return $multi(undefined, invalid);
  if (!is_utf8(options.comment ?? "")) return $multi(undefined, not_json("not UTF-8"));
  const bad_names = check_names(upstreams);
  return $multi(bad_names === undefined ? { options, upstreams } : undefined, bad_names);
}
