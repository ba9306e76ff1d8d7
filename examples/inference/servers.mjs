/**
 * Fakes of inference servers with a part of OpenAI's API, as vLLM serves it: `/v1/completions` and
 * `/v1/chat/completions`. Each response has a report of load in ORCA's header.
 * node servers.mjs <port> ... [--blocks <size of the cache of each>]
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Engine } from "./engine.mjs";

const LARGEST_BODY = 4_000_000;
const REPORT = "endpoint-load-metrics";

/**
 * Returns the JSON object in a body; undefined: there is none.
 * @param {import("node:http").IncomingMessage} incoming
 */
async function readBody(incoming) {
  const pieces = [];
  let length = 0;
  for await (const piece of incoming) {
    length += piece.length;
    if (length > LARGEST_BODY) return undefined;
    pieces.push(piece);
  }
  try {
    const body = JSON.parse(Buffer.concat(pieces).toString());
    return typeof body === "object" && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the text that a model would read; undefined: there is none. */
function promptOf({ prompt, messages }) {
  if (typeof prompt === "string") return prompt;
  if (!Array.isArray(messages)) return undefined;
  return messages.map((message) => `<${message?.role}>${message?.content}`).join("");
}

/** @param {Engine} engine */
function reportOf({ report }) {
  const metrics = Object.entries(report).map(([name, value]) => `named_metrics.${name}=${value}`);
  return `TEXT ${metrics.join(", ")}`;
}

/** @param {import("node:http").ServerResponse} response @param {number} status @param {object} body */
function answer(response, status, body, headers = {}) {
  response
    .writeHead(status, { "content-type": "application/json", ...headers })
    .end(`${JSON.stringify(body)}\n`);
}

/**
 * Answers with a stream of events, one for each token, or with one object at the end.
 * @param {Engine} engine
 * @param {import("node:http").ServerResponse} response
 */
function complete(engine, response, prompt, maxTokens, isStream) {
  const request = engine.submit(prompt, maxTokens, ({ tokens, promptTokens, cachedTokens }) => {
    const isLast = tokens === maxTokens;
    const usage = {
      prompt_tokens: promptTokens,
      completion_tokens: tokens,
      prompt_tokens_details: { cached_tokens: cachedTokens },
    };
    const report = { [REPORT]: reportOf(engine) };
    if (!isStream) {
      if (isLast) answer(response, 200, { choices: [{ text: "token ".repeat(tokens) }], usage }, report);
      return;
    }
    // The head of the response comes with the first token.
    if (tokens === 1) response.writeHead(200, { "content-type": "text/event-stream", ...report });
    const event = { choices: [{ text: "token " }], ...(isLast ? { usage } : {}) };
    response.write(`data: ${JSON.stringify(event)}\n\n`);
    if (isLast) response.end("data: [DONE]\n\n");
  });
  response.on("close", () => engine.cancel(request));
}

/**
 * @param {number} port on 127.0.0.1
 * @param {Partial<typeof import("./engine.mjs").DEFAULTS>} [options]
 * @returns {Promise<import("node:http").Server & { engine: Engine }>} once it listens
 */
export async function startServer(port, options) {
  const engine = new Engine(options);
  const server = createServer(async (incoming, response) => {
    if (incoming.method === "GET")
      return answer(response, 200, engine.report, { [REPORT]: reportOf(engine) });
    const body = await readBody(incoming);
    const prompt = body === undefined ? undefined : promptOf(body);
    const { max_tokens: maxTokens = 16, stream = false } = body ?? {};
    if (
      prompt === undefined ||
      !Number.isInteger(maxTokens) ||
      maxTokens < 1 ||
      !engine.canRun(prompt, maxTokens)
    )
      return answer(response, 400, { error: { message: "no prompt, or too many tokens" } });
    complete(engine, response, prompt, maxTokens, stream === true);
  });
  server.keepAliveTimeout = 600_000;
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(server, { engine });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    options: { blocks: { type: "string" } },
    allowPositionals: true,
  });
  const options = values.blocks === undefined ? {} : { blocks: Number(values.blocks) };
  for (const port of positionals) await startServer(Number(port), options);
  console.log(`listening on 127.0.0.1: ${positionals.join(", ")}`);
}
