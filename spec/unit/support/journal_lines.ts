import { change_text, deletion_text } from "../../../src/resty/sluice/store/disk/journal";
import { seal } from "../../../src/resty/sluice/store/disk/sealed";
import type { Difference } from "../../../src/resty/sluice/store/document/difference";
import type { Document } from "../../../src/resty/sluice/store/document/document";

/** Returns the line of a journal with the change of one upstream. */
export function format_change(name: string, document: Document, changed: Difference): string {
  return seal(change_text(name, document, changed));
}

/** Returns the line of a journal with the deletion of one upstream. */
export function format_deletion(name: string, revision: number, is_seed: boolean): string {
  return seal(deletion_text(name, revision, is_seed));
}
