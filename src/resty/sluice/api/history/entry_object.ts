import { encode, record } from "../../lib/json";
import type { ReadChange } from "../../store/document/saved";
import type { PastChange, Summary } from "../../store/history/lines";
import { compared_object, type Version } from "../changes/difference";

/** A change of the past, as JSON. */

const entry_record = record("revision time author origin comment request_id");

function version_of({ settings, book }: ReadChange): Version | undefined {
  return settings === undefined ? undefined : { settings, hosts: book.hosts };
}

/** Returns what a change has made of an upstream, as the answer to the change said. */
function difference_text({ now, was, kept }: PastChange): string {
  const servers = { added: now.put, removed: was.put, kept };
  const compared = { current: version_of(was), next: version_of(now), servers, has_effect: true };
  return encode(compared_object(compared, false));
}

/** Returns the JSON of a change of the past. */
export function entry_text(
  summary: Summary,
  changes: readonly PastChange[],
  pause: (this: void) => void,
): string {
  const parts: string[] = [];
  for (const change of changes) {
    parts.push(`${encode(change.now.upstream)}:${difference_text(change)}`);
    pause();
  }
  const head = string.sub(encode(entry_record({ ...summary })), 1, -2);
  return `${head},"upstreams":{${table.concat(parts, ",")}}}`;
}
