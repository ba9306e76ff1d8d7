/**
 * Sends prompts through the gateway at a given rate, whether or not earlier ones are answered, and prints the
 * time to the first token and the part of the prompts that was cached.
 * node traffic.mjs <port of the gateway> <upstream> ... [--seconds <time for each>]
 */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export const DEFAULTS = {
  /** Time that is measured, after some time that is not, in seconds. */
  seconds: 10,
  warmUp: 4,
  /** Requests per second. Their prompts begin with one of some long texts, of which few are popular. */
  rate: 48,
  beginnings: 40,
  beginningTokens: 2000,
  maxTokens: 32,
  /** For a seventh of the time, so many more requests per second, all with one more beginning. */
  burstRate: 80,
};

/** @typedef {{ at: number, beginning: number, number: number }} Planned */
/** @typedef {{ at: number, firstToken: number, promptTokens: number, cachedTokens: number }} Answered */

/** Returns a generator of numbers from 0 to 1 that is the same every time (mulberry32). */
function newRandom(seed = 1) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns the times and the beginnings of all requests, in milliseconds. @returns {Planned[]} */
export function plan({ seconds, warmUp, rate, beginnings, burstRate }) {
  const random = newRandom();
  /** Zipf's law: the n-th beginning is 1/n times as popular as the first. */
  const shares = Array.from({ length: beginnings }, (_, index) => 1 / (index + 1));
  const sum = shares.reduce((total, share) => total + share);
  const draw = () => {
    let left = random() * sum;
    return shares.findIndex((share) => (left -= share) < 0);
  };
  const arrivals = (from, to, perSecond, beginning) => {
    const times = [];
    for (let at = from; at < to; at += -Math.log(1 - random()) / perSecond)
      times.push({ at: at * 1000, beginning: beginning() });
    return times;
  };
  const end = warmUp + seconds;
  const burst = warmUp + seconds * 0.5;
  const all = [
    ...arrivals(0, end, rate, draw),
    ...(burstRate > 0 ? arrivals(burst, burst + seconds / 7, burstRate, () => beginnings) : []),
  ];
  return all.sort((one, other) => one.at - other.at).map((planned, number) => ({ ...planned, number }));
}

/** The prompts differ between `name`s, so that nothing is cached of an earlier one. */
function bodyOf(name, { beginning, number }, { beginningTokens, maxTokens }) {
  const head = `You are the assistant ${beginning} of ${name}. `;
  const system =
    head + "Answer in plain words. ".repeat(beginningTokens).slice(0, beginningTokens * 4 - head.length);
  const messages = [
    { role: "system", content: system },
    { role: "user", content: `Question ${number}: ${"how is it today? ".repeat(6)}` },
  ];
  return JSON.stringify({ model: "fake", messages, max_tokens: maxTokens, stream: true });
}

/**
 * Sends a request. Returns its times and numbers of tokens.
 * @returns {Promise<Answered>}
 */
function send(agent, port, upstream, body, at) {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const path = `/${upstream}/v1/chat/completions`;
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const outgoing = request(
      { agent, host: "127.0.0.1", port, path, method: "POST", headers },
      (response) => {
        let firstToken = 0;
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (piece) => {
          if (firstToken === 0) firstToken = performance.now() - began;
          text = (text + piece).slice(-1000);
        });
        response.on("error", reject);
        response.on("end", () => {
          const [, usage] = /"usage":(.*)}\n\ndata: \[DONE]/.exec(text) ?? [];
          if (usage === undefined) return reject(new Error(`${response.statusCode}: ${text}`));
          const { prompt_tokens: promptTokens, prompt_tokens_details: details } = JSON.parse(usage);
          resolve({ at, firstToken, promptTokens, cachedTokens: details.cached_tokens });
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** @param {number[]} sorted @param {number} part */
const quantile = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];

/**
 * Sends the planned requests to an upstream of the gateway.
 * @param {number} port
 * @param {string} upstream
 * @param {Partial<typeof DEFAULTS>} [changes]
 */
export async function measure(port, upstream, changes = {}) {
  const options = { ...DEFAULTS, ...changes };
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  const began = performance.now();
  /** @type {Promise<Answered | undefined>[]} */
  const sent = [];
  for (const planned of plan(options)) {
    const pause = began + planned.at - performance.now();
    if (pause > 1) await sleep(pause);
    const body = bodyOf(upstream, planned, options);
    sent.push(send(agent, port, upstream, body, planned.at).catch(() => undefined));
  }
  const answers = await Promise.all(sent);
  agent.destroy();
  const good = answers.filter((one) => one !== undefined && one.at >= options.warmUp * 1000);
  const times = good.map(({ firstToken }) => firstToken).sort((one, other) => one - other);
  const total = (/** @type {"promptTokens" | "cachedTokens"} */ name) =>
    good.reduce((sum, one) => sum + one[name], 0);
  return {
    upstream,
    requests: good.length,
    failed: answers.filter((one) => one === undefined).length,
    times,
    p50: quantile(times, 0.5),
    p90: quantile(times, 0.9),
    p99: quantile(times, 0.99),
    cached: total("cachedTokens") / total("promptTokens"),
  };
}

/** @param {Awaited<ReturnType<typeof measure>>} measured */
export function line({ upstream, requests, failed, p50, p99, cached }) {
  const columns = [
    requests,
    failed,
    `${p50.toFixed(0)} ms`,
    `${p99.toFixed(0)} ms`,
    `${(cached * 100).toFixed(0)} %`,
  ];
  return [upstream.padEnd(12), ...columns.map((column) => String(column).padStart(9))].join("");
}

export const HEAD = [
  "upstream".padEnd(12),
  ..."requests,failed,p50,p99,cached".split(",").map((one) => one.padStart(9)),
].join("");

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    options: { seconds: { type: "string" } },
    allowPositionals: true,
  });
  const [port, ...upstreams] = positionals;
  const seconds = Number(values.seconds ?? DEFAULTS.seconds);
  console.log(HEAD);
  for (const upstream of upstreams) console.log(line(await measure(Number(port), upstream, { seconds })));
}
