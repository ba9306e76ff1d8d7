import * as disk from "./disk";
import { format_change, format_image_end, format_image_start } from "./journal";
import { names, read } from "./read";

const NAMES_A_PIECE = 32;

/**
 * Writes an image of the dict. Upstreams may change meanwhile: what the image holds of later changes, and what it
 * does not, is made good by the journal's lines after `revision`. Under the lock of images.
 *
 * @param revision the state's, or one that it had when every later change went to the journal that is appended to
 * @param pause called between the pieces
 * @returns true, or undefined and the cause
 */
export function save_image(
  revision: number,
  pause: (this: void) => void,
): LuaMultiReturn<[true | undefined, string | undefined]> {
  const all = names();
  let position = -1;
  return disk.write_image(() => {
    if (position === -1) {
      position = 0;
      return format_image_start(revision);
    }
    if (position > all.length) return undefined;
    if (position === all.length) {
      position += 1;
      return format_image_end(revision);
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
    pause();
    return table.concat(lines);
  });
}
