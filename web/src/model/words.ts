/** Numbers and times as text. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Returns a duration in words, with one unit: "8 s", "2 min", "3 h", "9 days". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`;
  if (whole < 2 * DAY) return `${Math.floor(whole / HOUR)} h`;
  return `${Math.floor(whole / DAY)} days`;
}

/** Returns a duration in minutes and seconds, for a countdown: "1:05 min", "42 s". */
export function exactDuration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole >= HOUR) return duration(whole);
  return `${Math.floor(whole / MINUTE)}:${String(whole % MINUTE).padStart(2, "0")} min`;
}

/** Replaces moments in ISO 8601 within a text by the time of day here, with the date if it is another day. */
export function withLocalTimes(text: string): string {
  return text.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (moment) => {
    const time = new Date(moment);
    const isToday = time.toDateString() === new Date().toDateString();
    const clock = time.toLocaleTimeString("en-GB");
    return isToday ? clock : `${time.toLocaleDateString("en-CA")} ${clock}`;
  });
}

/** Returns the seconds from one moment in ISO 8601 to another in milliseconds since 1970. */
export function secondsSince(moment: string, now: number): number {
  return (now - Date.parse(moment)) / 1000;
}

/** Made once, because making one takes much longer than formatting. */
const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** Formats a number of a rate: three significant digits, and grouped thousands. */
export function number(value: number): string {
  if (value === 0) return "0";
  if (value < 0.1) return "<0.1";
  if (value < 10) return value.toFixed(1);
  return WHOLE.format(value);
}

/** Formats a whole number with grouped thousands. */
export function count(value: number): string {
  return WHOLE.format(value);
}

/** Formats a part of a whole, from 0 to 1, in percent. */
export function percent(part: number): string {
  const value = part * 100;
  if (value === 0) return "0 %";
  if (value < 0.01) return "<0.01 %";
  if (value < 1) return `${value.toFixed(2)} %`;
  return value < 10 ? `${value.toFixed(1)} %` : `${Math.round(value)} %`;
}

/** Formats a time in milliseconds. */
export function milliseconds(value: number): string {
  if (value < 10) return `${value.toFixed(1)} ms`;
  if (value < 1000) return `${Math.round(value)} ms`;
  return value < 10_000 ? `${(value / 1000).toFixed(1)} s` : `${Math.round(value / 1000)} s`;
}

/** Formats a number of bytes. */
export function bytes(value: number): string {
  const units = ["B", "KB", "MB", "GB", "TB", "PB"];
  let index = 0;
  let rest = value;
  while (rest >= 1000 && index < units.length - 1) {
    rest /= 1000;
    index += 1;
  }
  return `${rest < 10 && index > 0 ? rest.toFixed(1) : Math.round(rest)} ${units[index]}`;
}

/** Returns a number with its noun in the singular or plural. */
export function plural(value: number, singular: string, many = `${singular}s`): string {
  return `${count(value)} ${value === 1 ? singular : many}`;
}

/** Formats a factor or a weight without needless digits. */
export function factor(value: number): string {
  return String(Math.round(value * 100) / 100);
}
