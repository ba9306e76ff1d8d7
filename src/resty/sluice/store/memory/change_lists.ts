import type { RowNumber } from "./cells";
import { Header } from "./header_cells";
import { opened } from "./dict";
import { shared_memory } from "./region";
import type { ChangeKind, UpstreamChange } from "./upstream_change";

/**
 * The lists of the upstreams that the last changes of several upstreams have changed. A reader that has
 * fallen behind more of these changes looks at all upstreams.
 */

const LISTS = 16;
const PREFIX = "changes:";
export const NO_LIST = -1;

const LINE = "%d %d %d %d %d %s\n";
const LINE_PATTERN = "^(%d+) (%d+) (%d+) (%d+) (%d+) (.+)$";

function key_of(list: number): string {
  return string.format("%s%d", PREFIX, list);
}

/**
 * Keeps the list of the upstreams that a revision changes. Returns its number; undefined: the dict is full.
 * The caller holds the write lock.
 */
export function keep_list(made: number, changes: readonly UpstreamChange[]): number | undefined {
  const list = shared_memory()[Header.WRITES_OF_SEVERAL] % LISTS;
  const lines = [string.format("%d\n", made)];
  for (const { name, row, kind, counts } of changes) {
    lines.push(string.format(LINE, kind, row, counts.added, counts.removed, counts.changed, name));
  }
  const [is_kept] = opened().safe_set(key_of(list), table.concat(lines));
  return is_kept === true ? list : undefined;
}

/** Returns the list of a revision; undefined: it was replaced by a later one. Any phase. */
export function list_of_changes(made: number, list: number): UpstreamChange[] | undefined {
  const text = opened().get(key_of(list))[0] as string | undefined;
  const [digits, lines] = string.match(text ?? "", "^(%d+)\n(.*)$");
  if (tonumber(digits) !== made) return undefined;
  const changes: UpstreamChange[] = [];
  for (const [line] of string.gmatch(lines, "[^\n]+")) {
    const [kind, row, added, removed, changed, name] = string.match(line, LINE_PATTERN);
    changes.push({
      name,
      row: tonumber(row) as RowNumber,
      kind: tonumber(kind) as ChangeKind,
      counts: {
        added: tonumber(added) ?? 0,
        removed: tonumber(removed) ?? 0,
        changed: tonumber(changed) ?? 0,
      },
    });
  }
  return changes;
}
