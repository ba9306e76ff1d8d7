import { parse_url } from "../lib/url";
import { block, optional, required, secret, with_default, type ConfigOf } from "./block";
import { invalid_value } from "./problem";
import { refuse, type Read } from "./reader";
import { text_to } from "./texts";
import { number_from, read_flag, time_from, whole_from } from "./values";

const LONGEST_URL = 1024;
const MOST_SERVERS = 100000;

const read_text = text_to(LONGEST_URL);

function read_webhook_url(this: void, path: string, value: unknown): Read<string> {
  const [text, problem] = read_text(path, value);
  if (text === undefined) return $multi(undefined, problem);
  const [place, rest] = string.match(text, "^(https?://[^/?#]+)(.*)$");
  if (place === undefined) return refuse(path, "must begin with http:// or https:// and a host");
  const [url, reason] = parse_url(place);
  if (url === undefined) return refuse(path, reason ?? "");
  if (string.find(rest, "[^!-~]")[0] !== undefined || string.find(rest, "#", 1, true)[0] !== undefined)
    return refuse(path, 'must contain only printable ASCII characters, without spaces and "#"');
  return $multi(text, undefined);
}

/** The HTTP endpoint that is asked to start and stop servers. */
export const WEBHOOK = block({
  /** An `http://` or `https://` URL. */
  url: required(read_webhook_url),
  /** The key that signs the calls. */
  secret: secret(required(text_to(256))),
});
export type WebhookConfig = ConfigOf<typeof WEBHOOK>;

/** When standby servers are brought into service and released. */
export const AUTOSCALE = block(
  {
    /** A mean utilization above it for the time `for` brings a server into service. */
    high: with_default(number_from(0.01, 1), 0.8),
    /** A mean utilization below it for the time `for` releases a server. */
    low: with_default(number_from(0, 1), 0.3),
    /** How long the utilization must be above `high` or below `low`. */
    for: with_default(time_from("0s", "1d"), "30s"),
    /** Time after a decision in which no other is made. */
    cooldown: with_default(time_from("1s", "1d"), "60s"),
    /** Fewest servers in service. */
    min: with_default(whole_from(0, MOST_SERVERS), 1),
    /** Most servers in service. */
    max: required(whole_from(1, MOST_SERVERS)),
    /** Called instead of bringing in and releasing standby servers. Default: none. */
    webhook: optional(WEBHOOK),
    /** Decide and record an event, but change nothing. */
    dry_run: with_default(read_flag, false),
  },
  (path, { low, high, min, max }) => {
    if (low >= high) return invalid_value(`${path}.low`, 'must be less than "high"');
    if (min > max) return invalid_value(`${path}.min`, 'must not be more than "max"');
    return undefined;
  },
);
export type AutoscaleConfig = ConfigOf<typeof AUTOSCALE>;
