import { exclusively, opened } from "./dict";

/** The numbers of refused writes, in the shared dict. */

const REFUSAL_PREFIX = "refusals:";
/** Holds the codes of which there are counts, so that nobody needs to look through all keys for them. */
const REFUSAL_CODES = "refusal codes";

/** Counts a refused write by the code of its problem; one that finds no room is not counted. Any phase. */
export function count_refusal(code: string): void {
  const key = REFUSAL_PREFIX + code;
  if (opened().incr(key, 1)[0] !== undefined) return;
  exclusively(() => {
    const [is_first] = opened().safe_add(key, 1);
    if (is_first !== true) {
      opened().incr(key, 1);
      return;
    }
    const codes = (opened().get(REFUSAL_CODES)[0] ?? "") as string;
    if (opened().safe_set(REFUSAL_CODES, `${codes}${code} `)[0] !== true) opened().delete(key);
  });
}

/** Returns the numbers of refused writes by code since nginx started. Any phase. */
export function get_refusals(): LuaTable<string, number | undefined> {
  const refusals = new LuaTable<string, number | undefined>();
  const codes = (opened().get(REFUSAL_CODES)[0] ?? "") as string;
  for (const [code] of string.gmatch(codes, "%S+")) {
    refusals.set(code, (opened().get(REFUSAL_PREFIX + code)[0] ?? 0) as number);
  }
  return refusals;
}
