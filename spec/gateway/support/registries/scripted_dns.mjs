/** A DNS server with answers from a test. They may be answers that no real server sends. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { atEnd } from "../cleanup.mjs";

/** Response codes. */
export const SERVFAIL = 2;
export const NXDOMAIN = 3;
export const NOTIMP = 4;

const TYPES = { A: 1, CNAME: 5, SOA: 6, AAAA: 28, SRV: 33 };
const HEADER_BYTES = 12;

/**
 * A record: `["A", owner, address]`, `["AAAA", owner, eight groups]`, `["CNAME", owner, name]` or
 * `["SRV", owner, target, port, priority, weight]`.
 *
 * @typedef {[type: keyof typeof TYPES, owner: string, value: string, ...numbers: number[]]} DnsRecord
 */

/**
 * An answer in detail. `negative`: the TTL of an SOA record. `isTruncated`: over UDP it has no record, and
 * says so. `trickles`: over TCP, one byte is sent after the other. `wrong`: another answer comes first, with
 * a wrong id or question, or without sense.
 *
 * @typedef {object} Details
 * @property {DnsRecord[]} [answers]
 * @property {DnsRecord[]} [additional]
 * @property {number} [code]
 * @property {number} [ttl]
 * @property {number} [negative]
 * @property {boolean} [isTruncated]
 * @property {boolean} [trickles]
 * @property {"id" | "question" | "garbage"} [wrong]
 */

/**
 * An answer: its records, a response code, "silent" for no answer, or its details.
 *
 * @typedef {DnsRecord[] | number | "silent" | Details} Answer
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

/** @param {DnsRecord} record @param {number} ttl */
function encodeRecord(record, ttl) {
  const [type, owner] = record;
  const data = encodeData(record);
  const numbers = encodeNumbers(TYPES[type], 1, ttl >>> 16, ttl & 0xffff, data.length);
  return Buffer.concat([encodeName(owner), numbers, data]);
}

/** Returns an SOA record of the root. @param {number} ttl */
function encodeSoa(ttl) {
  const names = Buffer.concat([encodeName("ns.example"), encodeName("root.example")]);
  const numbers = encodeNumbers(0, 1, 0, 1, 0, 1, 0, 1, ttl >>> 16, ttl & 0xffff);
  const data = Buffer.concat([names, numbers]);
  return Buffer.concat([encodeName(""), encodeNumbers(TYPES.SOA, 1, 0, 3600, data.length), data]);
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

/** @param {Exclude<Answer, "silent">} answer @returns {Details} */
function detailsOf(answer) {
  if (typeof answer === "number") return { code: answer };
  return Array.isArray(answer) ? { answers: answer } : answer;
}

/** @param {Buffer} question @param {number} end @param {Details} details */
function encodeAnswer(question, end, { answers = [], additional = [], code = 0, ttl = 1, negative }) {
  const header = Buffer.from(question.subarray(0, HEADER_BYTES));
  header[2] = 0x81;
  header[3] = 0x80 | code;
  const authority = negative === undefined ? [] : [encodeSoa(negative)];
  encodeNumbers(1, answers.length, authority.length, additional.length).copy(header, 4);
  const encode = (/** @type {DnsRecord} */ record) => encodeRecord(record, ttl);
  const records = [...answers.map(encode), ...authority, ...additional.map(encode)];
  return Buffer.concat([header, question.subarray(HEADER_BYTES, end), ...records]);
}

/** Makes an answer wrong. @param {Buffer} answer @param {Details["wrong"]} wrong */
function spoil(answer, wrong) {
  const spoilt = Buffer.from(answer);
  if (wrong === "id") spoilt[0] ^= 0xff;
  // The first letter of the name that is asked for.
  if (wrong === "question") spoilt[HEADER_BYTES + 1] ^= 0x01;
  return wrong === "garbage" ? Buffer.from("not DNS") : spoilt;
}

/** Sends a byte every 300 ms, as long as the client is connected. */
function trickle(/** @type {import("node:net").Socket} */ connection, /** @type {Buffer} */ bytes) {
  let sent = 0;
  const timer = setInterval(() => connection.write(bytes.subarray(sent, ++sent)), 300);
  connection.on("close", () => clearInterval(timer));
}

/** A server of one test, which ends with the test. */
class ScriptedDns {
  address = "";
  /** The questions so far, such as "A app.example". @type {string[]} */
  asked = [];
  /** The questions over TCP. @type {string[]} */
  askedOverTcp = [];

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

  /** Returns how often a question was asked. @param {string} question */
  count(question) {
    return this.asked.filter((text) => text === question).length;
  }

  /** @param {Buffer} message @param {(answer: Buffer, trickles?: boolean) => void} reply */
  reply(message, reply, overTcp = false) {
    const { text, end } = readQuestion(message);
    (overTcp ? this.askedOverTcp : this.asked).push(text);
    const answer = this.answers[text] ?? [];
    if (answer === "silent") return;
    const details = detailsOf(answer);
    const full = encodeAnswer(message, end, details);
    if (details.wrong !== undefined) reply(spoil(full, details.wrong));
    if (details.isTruncated !== true || overTcp) return reply(full, details.trickles);
    const empty = encodeAnswer(message, end, {});
    empty[2] |= 0x02;
    reply(empty);
  }

  /** Answers the questions of a TCP connection. @param {import("node:net").Socket} connection */
  serve(connection) {
    let received = Buffer.alloc(0);
    connection.on("error", () => {});
    connection.on("data", (piece) => {
      received = Buffer.concat([received, piece]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const send = (/** @type {Buffer} */ answer, trickles = false) => {
        const message = Buffer.concat([encodeNumbers(answer.length), answer]);
        if (trickles) trickle(connection, message);
        else connection.write(message);
      };
      this.reply(received.subarray(2), send, true);
      received = Buffer.alloc(0);
    });
  }
}

/**
 * Starts a server that ends with the test.
 * @param {import("node:test").TestContext} context
 * @param {Record<string, Answer>} answers
 */
export async function startScriptedDns(context, answers) {
  const server = new ScriptedDns(answers);
  const connections = createServer((connection) => server.serve(connection));
  atEnd(context, () => connections.close());
  connections.listen(0, "127.0.0.1");
  await once(connections, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (connections.address());
  const socket = createSocket("udp4");
  atEnd(context, () => socket.close());
  socket.on("message", (message, from) => {
    server.reply(message, (answer) => socket.send(answer, from.port, from.address));
  });
  socket.bind(port, "127.0.0.1");
  await once(socket, "listening");
  server.address = `127.0.0.1:${port}`;
  return server;
}
