import type { Problem } from "../config/problem";
import type { Document } from "../store/document/document";
import { upstream_not_found } from "../store/document/problems";
import { write, type Edit } from "../store/write";
import { check_conditions, type Conditions } from "./precondition";

/** Reads the server id of a path. Returns the id, or undefined and the problem. */
export function parse_id(text: string): LuaMultiReturn<[number | undefined, Problem | undefined]> {
  if (string.find(text, "^%d+$")[0] === undefined || text.length > 15) {
    return $multi(undefined, {
      status: 400,
      code: "UpstreamBadServerId",
      text: `"${string.sub(text, 1, 40)}" is not a server ID`,
    });
  }
  return $multi(tonumber(text), undefined);
}

/** Changes an upstream that must exist and meet the request's conditions. Phase: content_by_lua. */
export function write_existing(
  name: string,
  conditions: Conditions,
  edit: (this: void, document: Document, revision: number) => ReturnType<Edit>,
): LuaMultiReturn<[Document | undefined, Problem | undefined]> {
  return write(name, (current, revision) => {
    if (current === undefined) return $multi(undefined, upstream_not_found(name));
    const lost = check_conditions(conditions, current);
    if (lost !== undefined) return $multi(undefined, lost);
    return edit(current, revision);
  });
}
