/** A DNS server that refuses every question. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { atEnd } from "../cleanup.mjs";

/** A response code in the flags of the header. */
export const SERVFAIL = 2;
const IS_ANSWER = 0x80;

/**
 * Starts a server that answers each question with a code. It ends with the test.
 * @param {import("node:test").TestContext} context
 * @param {number | undefined} code undefined: the server does not answer
 * @param {(answer: Buffer) => Buffer} change modifies the answer before it is sent
 */
export async function startRefusing(context, code, change = (answer) => answer) {
  const socket = createSocket("udp4");
  atEnd(context, () => socket.close());
  const server = { address: "", questions: 0 };
  socket.on("message", (question, from) => {
    server.questions += 1;
    if (code === undefined) return;
    const answer = Buffer.from(question);
    answer[2] |= IS_ANSWER;
    answer[3] = code;
    socket.send(change(answer), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  server.address = `127.0.0.1:${socket.address().port}`;
  return server;
}
