import { shape, shaped } from "../lib/json";
import { parse_url } from "../lib/url";
import { read_block, read_flag, type Read, type ReadersOf } from "./fields";
import { invalid_value, missing_argument } from "./problem";
import { text_to } from "./texts";
import { number_from, time_from, whole_from } from "./values";

/** Whom to tell that servers are to be started or stopped. */
export interface WebhookConfig {
  /** `http://` or `https://`, with a path or without. */
  url: string;
  /** What calls are signed with. */
  secret: string;
}

/** When servers are brought in, and let go. Times are nginx times, as they were spelled. */
export interface AutoscaleConfig {
  /** Of the mean utilization: above the one servers are brought in, below the other they are let go. */
  high: number;
  low: number;
  /** For how long it must be so. */
  for: string;
  /** How long nothing more is done after that. */
  cooldown: string;
  /** Of the servers in service: at least and at most so many. */
  min: number;
  max: number;
  /** Absent: standby servers are brought in and let go. */
  webhook?: WebhookConfig;
  /** Decides, and says so, but does nothing. */
  dry_run: boolean;
}

const LONGEST_URL = 1024;
const MOST_SERVERS = 100000;

const read_text = text_to(LONGEST_URL);

function read_webhook_url(this: void, path: string, value: unknown): Read<string> {
  const [text, problem] = read_text(path, value);
  if (text === undefined) return $multi(undefined, problem);
  const [place, rest] = string.match(text, "^(https?://[^/?#]+)(.*)$");
  if (place === undefined)
    return $multi(undefined, invalid_value(path, "not http:// or https:// and a host"));
  const [url, reason] = parse_url(place);
  if (url === undefined) return $multi(undefined, invalid_value(path, reason ?? ""));
  if (string.find(rest, "[^!-~]")[0] !== undefined || string.find(rest, "#", 1, true)[0] !== undefined)
    return $multi(undefined, invalid_value(path, 'only printable ASCII without spaces and "#" can be'));
  return $multi(text, undefined);
}

const WEBHOOK_READERS = { url: read_webhook_url, secret: text_to(256) } satisfies ReadersOf<WebhookConfig>;

function read_webhook(this: void, path: string, value: unknown): Read {
  const [webhook, problem] = read_block(path, value, WEBHOOK_READERS, {});
  if (webhook === undefined) return $multi(undefined, problem);
  for (const name of ["url", "secret"]) {
    if (webhook[name] === undefined) return $multi(undefined, missing_argument(`${path}.${name}`));
  }
  return $multi(webhook, undefined);
}

const READERS = {
  high: number_from(0.01, 1),
  low: number_from(0, 1),
  for: time_from("0s", "1d"),
  cooldown: time_from("1s", "1d"),
  min: whole_from(0, MOST_SERVERS),
  max: whole_from(1, MOST_SERVERS),
  webhook: read_webhook,
  dry_run: read_flag,
} satisfies ReadersOf<AutoscaleConfig>;

const DEFAULTS = { high: 0.8, low: 0.3, for: "30s", cooldown: "60s", min: 1, dry_run: false };

const SHAPE = shape(["high", "low", "for", "cooldown", "min", "max", "webhook", "dry_run"]);
const WEBHOOK_SHAPE = shape(["url", "secret"]);

/** Reads when servers are brought in and let go, with defaults. Any phase. */
export function read_autoscale(this: void, path: string, value: unknown): Read {
  const [given, problem] = read_block(path, value, READERS, DEFAULTS);
  if (given === undefined) return $multi(undefined, problem);
  const { high, low, min, max } = given as unknown as AutoscaleConfig;
  if (given.max === undefined) return $multi(undefined, missing_argument(`${path}.max`));
  if (low >= high) return $multi(undefined, invalid_value(`${path}.low`, 'not less than "high"'));
  if (min > max) return $multi(undefined, invalid_value(`${path}.min`, 'more than "max"'));
  return $multi(given, undefined);
}

/** Has its members written in their order. Returns it. */
export function shaped_autoscale(autoscale: AutoscaleConfig): AutoscaleConfig {
  if (autoscale.webhook !== undefined) shaped(autoscale.webhook, WEBHOOK_SHAPE);
  return shaped(autoscale, SHAPE);
}
