/** Formats seconds since 1970 for API clients: `2022-06-28T11:09:21.602Z`. Any phase. */
export function iso8601(seconds: number): string {
  const whole = math.floor(seconds);
  const milliseconds = math.floor((seconds - whole) * 1000);
  return `${os.date("!%Y-%m-%dT%H:%M:%S", whole)}.${string.format("%03d", milliseconds)}Z`;
}

const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const DAYS_OF_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const FEBRUARY = 2;
const DAYS_TILL_1970 = 719162;

function is_leap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Returns whether a date exists. */
function is_date(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  return day <= DAYS_OF_MONTH[month - 1] + (month === FEBRUARY && is_leap(year) ? 1 : 0);
}

/** Returns the number of days from 0001-01-01 to a date. */
function days_till(year: number, month: number, day: number): number {
  const past = year - 1;
  const leap_days = math.floor(past / 4) - math.floor(past / 100) + math.floor(past / 400);
  return (
    past * 365 +
    leap_days +
    DAYS_BEFORE_MONTH[month - 1] +
    (is_leap(year) && month > FEBRUARY ? 1 : 0) +
    day -
    1
  );
}

/** Parses such a time, with any or no fraction of a second; undefined: it is invalid. Pure. */
export function parse_iso8601(text: string): number | undefined {
  const [year, month, day, hour, minute, second, fraction] = string.match(
    text,
    "^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)(%.?%d*)Z$",
  );
  if (year === undefined || fraction === "." || (fraction !== "" && string.sub(fraction, 1, 1) !== "."))
    return undefined;
  const numbers = [tonumber(month) ?? 0, tonumber(day) ?? 0, tonumber(hour) ?? 0, tonumber(minute) ?? 0];
  const seconds = tonumber(second) ?? 0;
  if (!is_date(tonumber(year) ?? 0, numbers[0], numbers[1])) return undefined;
  if (numbers[2] > 23 || numbers[3] > 59 || seconds > 60) return undefined;
  const days = days_till(tonumber(year) ?? 0, numbers[0], numbers[1]) - DAYS_TILL_1970;
  const rest = fraction === "" ? 0 : (tonumber(`0${fraction}`) ?? 0);
  return ((days * 24 + numbers[2]) * 60 + numbers[3]) * 60 + seconds + rest;
}
