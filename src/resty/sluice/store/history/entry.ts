import { have_equal } from "../../config/block";
import { SETTINGS } from "../../config/settings";
import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { is_equal } from "../../lib/json";
import { escape_invalid_utf8 } from "../../lib/utf8";
import { change_text, deletion_text } from "../disk/journal";
import type { Difference } from "../document/difference";
import type { Document } from "../document/document";
import { Header } from "../memory/header_cells";
import { shared_memory } from "../memory/region";
import type { Author } from "./author";
import { summary_line, upstream_line } from "./lines";

/** What the history records of the changes that make a revision. */

interface Change {
  name: string;
  current: Document | undefined;
  next: Document | undefined;
  changed: Difference;
}

/** Tells whether a change concerns the configuration, and not only the bookkeeping. */
function is_of_configuration({ current, next, changed }: Change): boolean {
  if (current === undefined || next === undefined) return true;
  if (changed.added.length > 0 || changed.removed.length > 0) return true;
  if (!is_equal(current.hosts, next.hosts)) return true;
  return !have_equal(SETTINGS, current, next);
}

/** Returns the line of the journal that would undo a change. */
function undoing_text({ name, current, changed }: Change, revision: number): string {
  if (current === undefined) return deletion_text(name, revision, false);
  const { added, removed, removed_lines } = changed;
  return change_text(name, current, { added: removed, removed: added, added_lines: removed_lines });
}

/** How changes are recorded. */
interface Recording {
  revision: number;
  author: Author;
  pause: (this: void) => void;
  /** The number of changes before it in its group, which do not count yet. */
  earlier?: number;
}

/**
 * Returns the lines of changes, and whether any concerns a configuration. There is an entry for each
 * revision, so that a missing one can be recognised.
 *
 * @param texts the lines of the changes in the journal, without their checksums
 */
export function format_entry(
  changes: readonly Change[],
  texts: readonly string[],
  { revision, author, pause, earlier = 0 }: Recording,
): LuaMultiReturn<[entry: string, is_change: boolean]> {
  const parts: string[] = [];
  let bytes = 0;
  for (const [position, change] of ipairs(changes)) {
    if (is_of_configuration(change)) {
      const kept = (change.next?.lines.length ?? 0) - change.changed.added.length;
      const line = upstream_line(kept, texts[position - 1], undoing_text(change, revision));
      bytes += line.length;
      parts.push(line);
    }
    pause();
  }
  const is_change = parts.length > 0;
  const summary = {
    author: escape_invalid_utf8(author.author),
    origin: author.origin,
    comment: author.comment,
    request_id: author.request_id,
    revision,
    time: iso8601(clock.wall_time()),
    bytes,
    changes: shared_memory()[Header.HISTORY_CHANGES] + earlier + (is_change ? 1 : 0),
  };
  parts.push(summary_line(summary));
  return $multi(table.concat(parts), is_change);
}
