import { delete_report, exclusively, get_report, put_report } from "./dict";

/** Failures that last, as texts in the shared dict: one worker logs them, and the API shows them. */

/** What may fail. */
export type Trouble = "tokens_file" | "audit_log";

function key_of(what: Trouble): string {
  return `trouble:${what}`;
}

/** What this worker has logged although the dict had no room for it, so that others do not know it. */
const unshared = new LuaTable<Trouble, string | undefined>();

/**
 * Notes whether something fails, and logs it if that is news to all workers: a failure as a warning, its end
 * as a notice. Any phase.
 *
 * @param cause undefined: it does not fail
 * @param message makes the text for the log
 */
export function note_trouble(
  what: Trouble,
  cause: string | undefined,
  message: (this: void, cause: string | undefined) => string,
): void {
  const key = key_of(what);
  if (get_report(key) === cause) return;
  let is_news = false;
  let is_shared = true;
  exclusively(() => {
    is_news = get_report(key) !== cause;
    if (cause === undefined) delete_report(key);
    else put_report(key, cause);
    is_shared = get_report(key) === cause;
  });
  is_news &&= is_shared || unshared.get(what) !== cause;
  unshared.set(what, is_shared ? undefined : cause);
  if (is_news) ngx.log(cause === undefined ? ngx.NOTICE : ngx.WARN, `sluice: ${message(cause)}`);
}

/** Returns why something fails; undefined: it does not. Any phase. */
export function trouble_of(what: Trouble): string | undefined {
  return get_report(key_of(what));
}
