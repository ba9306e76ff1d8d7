/** Sends many requests quickly, pipelined on a few kept-alive connections. */
import { connect } from "node:net";

/**
 * @typedef {object} Question
 * @property {string} path
 * @property {Record<string, string>} [headers]
 */

/** @param {Question} question @param {string} connection the value of the header Connection */
function requestOf({ path, headers = {} }, connection) {
  const lines = Object.entries({ Host: "keys", Connection: connection, ...headers });
  return `GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

/**
 * Returns the bodies of consecutive answers.
 * @param {string} stream
 * @returns {string[]}
 */
function bodiesOf(stream) {
  const bodies = [];
  for (let position = 0; position < stream.length;) {
    const start = stream.indexOf("\r\n\r\n", position) + 4;
    const head = stream.slice(position, start);
    const length = /^content-length: (\d+)\r$/im.exec(head)?.[1];
    if (!head.startsWith("HTTP/1.1 200 ") || length === undefined) {
      throw new Error(`expected 200 and a length, got: ${stream.slice(position, position + 500)}`);
    }
    position = start + Number(length);
    bodies.push(stream.slice(start, position));
  }
  return bodies;
}

/**
 * @param {number} port
 * @param {Question[]} questions
 * @returns {Promise<string[]>}
 */
function askInTurn(port, questions) {
  return new Promise((resolve, reject) => {
    let stream = "";
    const socket = connect(port, "127.0.0.1").setEncoding("latin1");
    socket.on("data", (piece) => (stream += piece)).on("error", reject);
    socket.on("end", () => {
      try {
        resolve(bodiesOf(stream));
      } catch (cause) {
        reject(cause);
      }
    });
    const last = questions.length - 1;
    socket.write(
      questions
        .map((question, index) => requestOf(question, index === last ? "close" : "keep-alive"))
        .join(""),
    );
  });
}

/**
 * Sends requests, each of which must be answered with 200.
 * @param {number} port
 * @param {Question[]} questions
 * @param {number} [connections]
 * @returns {Promise<string[]>} the text of each answer, in the order of the questions
 */
export async function askKeys(port, questions, connections = 16) {
  const each = Math.ceil(questions.length / connections);
  const parts = Array.from({ length: connections }, (_, index) =>
    questions.slice(index * each, (index + 1) * each),
  );
  const answers = (
    await Promise.all(parts.filter(({ length }) => length > 0).map((part) => askInTurn(port, part)))
  ).flat();
  if (answers.length !== questions.length)
    throw new Error(`${answers.length} answers to ${questions.length} questions`);
  return answers;
}
