import { delete_report, get_report, put_report } from "../memory/dict";

/** Why the state could not be saved lately, for the API: texts in the shared dict. */

/** What was to be saved: a change, or the servers' health. */
export type Saved = "change" | "health";

function key_of(what: Saved): string {
  return `unsaved:${what}`;
}

/** Notes how the last attempt to save something ended. `cause`: why it failed; undefined: it did not. */
export function note_saving(what: Saved, cause: string | undefined): void {
  const before = get_report(key_of(what));
  if (cause === before) return;
  if (cause === undefined) delete_report(key_of(what));
  else put_report(key_of(what), cause);
}

/** Returns why the last attempt to save something failed; undefined: it did not. Any phase. */
export function why_unsaved(what: Saved): string | undefined {
  return get_report(key_of(what));
}
