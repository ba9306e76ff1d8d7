/**
 * Opens one stream, sends a message every second, and prints the answers, until Ctrl-C:
 * node client.mjs websocket|grpc <port>
 */
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { talk } from "./servers.mjs";

const Client = makeGenericClientConstructor(talk, "Echo");

/**
 * @typedef {object} Stream
 * @property {(message: string) => void} send
 * @property {() => void} close
 */

/**
 * Opens a stream over WebSocket.
 * @param {number} port of 127.0.0.1
 * @param {(message: string) => void} onMessage
 * @param {(problem: string | undefined) => void} onEnd why it ended; undefined: as it should
 * @returns {Stream}
 */
export function openWebSocket(port, onMessage, onEnd) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  const opened = new Promise((resolve) => socket.once("open", resolve));
  socket.on("message", (message) => onMessage(String(message)));
  socket.on("error", ({ message }) => onEnd(message));
  socket.on("close", (code) => onEnd(code === 1005 ? undefined : `closed with ${code}`));
  return {
    send: (message) => opened.then(() => socket.send(message)),
    close: () => opened.then(() => socket.close()),
  };
}

/**
 * Opens a stream over gRPC, on a connection of its own.
 * @param {number} port of 127.0.0.1
 * @param {(message: string) => void} onMessage
 * @param {(problem: string | undefined) => void} onEnd why it ended; undefined: as it should
 * @returns {Stream}
 */
export function openGrpc(port, onMessage, onEnd) {
  const own = { "grpc.use_local_subchannel_pool": 1 };
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), own);
  const call = client.talk();
  call.on("data", (message) => onMessage(String(message)));
  call.on("error", ({ message }) => onEnd(message));
  call.on("status", ({ code }) => {
    if (code === 0) onEnd(undefined);
    client.close();
  });
  return { send: (message) => call.write(Buffer.from(message)), close: () => call.end() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [kind, port] = process.argv.slice(2);
  const open = kind === "grpc" ? openGrpc : openWebSocket;
  const stream = open(Number(port), console.log, (problem) => {
    console.log(problem ?? "ended");
    process.exit();
  });
  let number = 0;
  const timer = setInterval(() => stream.send(`message ${(number += 1)}`), 1000);
  process.once("SIGINT", () => {
    clearInterval(timer);
    stream.close();
  });
}
