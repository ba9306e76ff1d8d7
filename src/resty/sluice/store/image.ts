import * as disk from "./disk";
import { format_change, format_image_end, format_image_start } from "./journal";
import { names, read, revision } from "./read";

const NAMES_A_PIECE = 64;

/** Writes an image of the dict. Under the lock. `pause` is called between its pieces. */
export function save_image(
  pause?: (this: void) => void,
): LuaMultiReturn<[true | undefined, string | undefined]> {
  if (!disk.is_open()) return $multi(true, undefined);
  const all = names();
  const at = revision();
  let position = -1;
  return disk.write_image(() => {
    if (position === -1) {
      position = 0;
      return format_image_start(at);
    }
    if (position > all.length) return undefined;
    if (position === all.length) {
      position += 1;
      return format_image_end(at);
    }
    const lines: string[] = [];
    const last = math.min(position + NAMES_A_PIECE, all.length);
    while (position < last) {
      const document = read(all[position]);
      if (document !== undefined) {
        lines.push(format_change(all[position], document, { added: document.lines, removed: [] }));
      }
      position += 1;
    }
    if (pause !== undefined) pause();
    return table.concat(lines);
  });
}
