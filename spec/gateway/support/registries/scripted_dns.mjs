/** A DNS server with answers from a test. They may be answers that no real server sends. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { atEnd } from "../cleanup.mjs";

/** Response codes. */
export const SERVFAIL = 2;
export const NXDOMAIN = 3;
export const NOTIMP = 4;

const TYPES = { A: 1, CNAME: 5, AAAA: 28, SRV: 33 };
const HEADER_BYTES = 12;

/**
 * A record: `["A", owner, address]`, `["AAAA", owner, eight groups]`, `["CNAME", owner, name]` or
 * `["SRV", owner, target, port, priority, weight]`.
 *
 * @typedef {[type: keyof typeof TYPES, owner: string, value: string, ...numbers: number[]]} DnsRecord
 */

/**
 * An answer: its records, a response code, or "silent" for no answer.
 *
 * @typedef {DnsRecord[] | number | "silent" | { answers: DnsRecord[], additional: DnsRecord[] }} Answer
 */

/** @param {string} name in bytes of latin1 */
function encodeName(name) {
  const labels = name.split(".").filter((label) => label !== "");
  const parts = labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, "latin1")]);
  return Buffer.concat([...parts, Buffer.from([0])]);
}

const encodeNumbers = (/** @type {number[]} */ ...numbers) =>
  Buffer.concat(numbers.map((number) => Buffer.from([number >> 8, number & 0xff])));

/** @param {DnsRecord} record */
function encodeData([type, , value, port = 0, priority = 0, weight = 0]) {
  if (type === "A") return Buffer.from(value.split(".").map(Number));
  if (type === "AAAA") return encodeNumbers(...value.split(":").map((group) => parseInt(group, 16)));
  const name = encodeName(value);
  return type === "SRV" ? Buffer.concat([encodeNumbers(priority, weight, port), name]) : name;
}

/** @param {DnsRecord} record */
function encodeRecord(record) {
  const [type, owner] = record;
  const data = encodeData(record);
  return Buffer.concat([encodeName(owner), encodeNumbers(TYPES[type], 1, 0, 1, data.length), data]);
}

/** @param {Buffer} message */
function readQuestion(message) {
  const labels = [];
  let position = HEADER_BYTES;
  while (message[position] > 0) {
    labels.push(message.toString("latin1", position + 1, position + 1 + message[position]));
    position += 1 + message[position];
  }
  const number = message.readUInt16BE(position + 1);
  const type = Object.entries(TYPES).find(([, known]) => known === number)?.[0];
  return { text: `${type} ${labels.join(".")}`, end: position + 5 };
}

/** @param {Buffer} question @param {number} end @param {Exclude<Answer, "silent">} answer */
function encodeAnswer(question, end, answer) {
  const code = typeof answer === "number" ? answer : 0;
  const { answers, additional } =
    typeof answer === "number" || Array.isArray(answer)
      ? { answers: typeof answer === "number" ? [] : answer, additional: [] }
      : answer;
  const header = Buffer.from(question.subarray(0, HEADER_BYTES));
  header[2] = 0x81;
  header[3] = 0x80 | code;
  encodeNumbers(1, answers.length, 0, additional.length).copy(header, 4);
  const records = [...answers, ...additional].map(encodeRecord);
  return Buffer.concat([header, question.subarray(HEADER_BYTES, end), ...records]);
}

/** A server of one test, which ends with the test. */
class ScriptedDns {
  address = "";
  /** The questions so far, such as "A app.example". @type {string[]} */
  asked = [];

  /**
   * @param {Record<string, Answer>} answers by question; any other question gets an answer without records
   */
  constructor(answers) {
    this.answers = answers;
  }

  /** Returns `discovery` for this server. @param {object} what members of `discovery.dns` */
  discovery(what) {
    return { dns: { resolvers: [this.address], min_ttl: "200ms", max_ttl: "400ms", ...what } };
  }

  /** @param {Buffer} message @param {(answer: Buffer) => void} reply */
  reply(message, reply) {
    const { text, end } = readQuestion(message);
    this.asked.push(text);
    const answer = this.answers[text] ?? [];
    if (answer !== "silent") reply(encodeAnswer(message, end, answer));
  }
}

/**
 * Starts a server that ends with the test.
 * @param {import("node:test").TestContext} context
 * @param {Record<string, Answer>} answers
 */
export async function startScriptedDns(context, answers) {
  const socket = createSocket("udp4");
  atEnd(context, () => socket.close());
  const server = new ScriptedDns(answers);
  socket.on("message", (message, from) => {
    server.reply(message, (answer) => socket.send(answer, from.port, from.address));
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  server.address = `127.0.0.1:${socket.address().port}`;
  return server;
}
