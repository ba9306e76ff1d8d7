/** Checks whether a client may read and write with the API. */
import assert from "node:assert/strict";
import { assertErrorBody } from "./error_body.mjs";
import { serversOf } from "./upstreams.mjs";

export const bearer = (token) => ({ Authorization: `Bearer ${token}` });
export const basic = (user, token) => `Basic ${Buffer.from(`${user}:${token}`).toString("base64")}`;

/**
 * Sends a read and a write with the given headers, and returns both answers.
 * @param {{ api: import("./api.mjs").Api }} gateway
 * @param {Record<string, string>} headers
 */
export async function tryBoth({ api }, headers) {
  const read = await api.get(serversOf(), headers);
  const before = await api.configuration().catch(() => "");
  const write = await api.patch(`${serversOf()}/0`, { weight: 1 + Math.floor(Math.random() * 1e6) }, headers);
  const after = await api.configuration().catch(() => "");
  if (write.status >= 400) assert.equal(after, before, "a refused write changes nothing");
  for (const answer of [read, write]) {
    if (answer.status >= 400) assertErrorBody(answer, answer.status, answer.body?.error?.code);
  }
  return [read, write].map(({ status, body }) => (status < 400 ? status : `${status} ${body.error.code}`));
}

export const mayBoth = [200, 200];
export const neither = (reason) => [reason, reason];
