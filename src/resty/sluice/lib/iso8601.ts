/** A moment as API clients parse it: `2022-06-28T11:09:21.602Z`. `seconds` since 1970, fractions allowed. Any phase. */
export function iso8601(seconds: number): string {
  const whole = math.floor(seconds);
  const milliseconds = math.floor((seconds - whole) * 1000);
  return `${os.date("!%Y-%m-%dT%H:%M:%S", whole)}.${string.format("%03d", milliseconds)}Z`;
}
