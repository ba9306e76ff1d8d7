/** A client of the API that reads no more: its request ends soon, whatever the length of its answer. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { atEnd } from "./support/cleanup.mjs";
import { startGateway } from "./support/gateway.mjs";
import { sluice, someAddress } from "./support/upstreams.mjs";
import { waitFor } from "./support/wait.mjs";

/** Their answer is longer than what the kernel takes of it, by far more pieces than seconds may pass. */
const SERVERS = 60_000;
const MOST_SECONDS = 20;

test("a request whose client reads no more ends after send_timeout, and not after one for each piece", async (context) => {
  const servers = Array.from({ length: SERVERS }, (_, number) => ({ server: someAddress(number) }));
  const gateway = await startGateway(context, {
    dict: "64m",
    upstreams: { large: { servers } },
    api: "send_timeout 1s; access_log ended.log;",
  });
  const socket = connect(gateway.apiPort, "127.0.0.1").on("error", () => {});
  atEnd(context, () => socket.destroy());
  socket.write(`GET ${sluice("large")} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const ended = () => readFileSync(join(gateway.folder, "ended.log"), "utf8");
  const began = performance.now();
  await waitFor("the end of the request", () => ended().includes("large"), 60_000);
  assert.ok(performance.now() - began < MOST_SECONDS * 1000, "the request has waited for each piece");
});
