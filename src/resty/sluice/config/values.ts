import type { Reader } from "./fields";
import { invalid_value } from "./problem";
import { parse_time } from "./time";

/** Makes the reader of a whole number from `smallest` to `largest`. */
export function whole_from(smallest: number, largest: number): Reader<number> {
  const reason = `not a whole number from ${smallest} to ${largest}`;
  return (path, value) => {
    const is_whole = typeof value === "number" && value === math.floor(value);
    if (!is_whole || value < smallest || value > largest)
      return $multi(undefined, invalid_value(path, reason));
    return $multi(value, undefined);
  };
}

/** Makes the reader of a number from `smallest` to `largest`. */
export function number_from(smallest: number, largest: number): Reader<number> {
  const reason = `not a number from ${smallest} to ${largest}`;
  return (path, value) => {
    // Also not a number is what is not equal to itself.
    if (typeof value !== "number" || !(value >= smallest && value <= largest))
      return $multi(undefined, invalid_value(path, reason));
    return $multi(value, undefined);
  };
}

/** What a number without a unit was probably meant to be. */
function with_unit(value: number): string {
  const is_whole = value >= 0 && value < 1e9 && value === math.floor(value);
  return string.format("%ds", is_whole ? value : 5);
}

/** Makes the reader of an nginx time from `smallest` to `largest`, times themselves; it stays as it is spelled. */
export function time_from(smallest: string, largest: string): Reader<string> {
  const from = parse_time(smallest) as number;
  const to = parse_time(largest) as number;
  const reason = `not a time from ${smallest} to ${largest}`;
  return (path, value) => {
    if (typeof value === "number")
      return $multi(undefined, invalid_value(path, `${reason}; give a time such as "${with_unit(value)}"`));
    const milliseconds = typeof value === "string" ? parse_time(value) : undefined;
    if (milliseconds === undefined || milliseconds < from || milliseconds > to) {
      return $multi(undefined, invalid_value(path, reason));
    }
    return $multi(value as string, undefined);
  };
}
