/** Milliseconds as a fraction of seconds are not exact, and may be a little too small. */
const INEXACT = 0.01;

/** Formats seconds since 1970 for API clients: `2022-06-28T11:09:21.602Z`. Any phase. */
export function iso8601(seconds: number): string {
  const all = math.floor(seconds * 1000 + INEXACT);
  const whole = math.floor(all / 1000);
  return `${os.date("!%Y-%m-%dT%H:%M:%S", whole)}.${string.format("%03d", all - whole * 1000)}Z`;
}

/** Returns the number of days from 1970-01-01 to a date. Years begin in March: leap days come last. */
function days_till(year: number, month: number, day: number): number {
  const march_year = month > 2 ? year : year - 1;
  const leap_days = math.floor(march_year / 4) - math.floor(march_year / 100) + math.floor(march_year / 400);
  const days_before_month = math.floor((((month + 9) % 12) * 153 + 2) / 5);
  return march_year * 365 + leap_days + days_before_month + day - 719469;
}

function is_date(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  return day <= days_till(year, month + 1, 1) - days_till(year, month, 1);
}

/** Parses such a time, with any or no fraction of a second; undefined: it is invalid. Pure. */
export function parse_iso8601(text: string): number | undefined {
  const [year, month, day, hour, minute, second, fraction] = string.match(
    text,
    "^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)(%.?%d*)Z$",
  );
  if (year === undefined || fraction === "." || (fraction !== "" && string.sub(fraction, 1, 1) !== "."))
    return undefined;
  const date = [tonumber(year) ?? 0, tonumber(month) ?? 0, tonumber(day) ?? 0] as const;
  const [hours, minutes, seconds] = [tonumber(hour) ?? 0, tonumber(minute) ?? 0, tonumber(second) ?? 0];
  if (!is_date(...date) || hours > 23 || minutes > 59 || seconds > 60) return undefined;
  return ((days_till(...date) * 24 + hours) * 60 + minutes) * 60 + seconds + (tonumber(`0${fraction}`) ?? 0);
}
