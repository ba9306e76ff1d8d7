import { Failure } from "../failure";

/** Times of options, such as `60s`, in nginx's units. */

const MILLISECONDS: Record<string, number> = {
  ms: 1,
  s: 1000,
  "": 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Returns the milliseconds of a time such as `90s` or `1h 30m`. */
export function parseDuration(option: string, text: string): number {
  const parts = [...text.matchAll(/(\d{1,9})(ms|s|m|h|d|)\s*/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text)
    throw new Failure(`invalid value "${text}" of ${option}: must be a time, such as 60s`);
  return parts.reduce((sum, [, digits, unit = ""]) => sum + Number(digits) * (MILLISECONDS[unit] ?? 0), 0);
}
