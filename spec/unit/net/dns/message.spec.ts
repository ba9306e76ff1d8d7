import {
  decode_answer,
  encode_question,
  type Message,
  type Question,
} from "../../../../src/resty/sluice/net/dns/message";
import { expect } from "../../support/expect";

const QUESTION: Question = { id: 0x1234, name: "app.example", type: "A" };
/** The question section: `app.example`, at the offset 12, A, IN. */
const ASKED = "\x03app\x07example\0\0\x01\0\x01";
/** A pointer to the name of the question. */
const NAME = string.char(0xc0, 0x0c);

function no_pause(this: void): void {
  // The answers are short.
}

/** Makes an answer with some answer records. */
function answer_with(count: number, records: string, id = "\x12\x34", asked = ASKED): string {
  return `${id}${string.char(0x81, 0x80)}\0\x01${string.char(math.floor(count / 256), count % 256)}\0\0\0\0${asked}${records}`;
}

function a_record(name: string, ttl = "\0\0\0\x1e"): string {
  return `${name}\0\x01\0\x01${ttl}\0\x04\x7f\x09\0\x01`;
}

function decoded(text: string): LuaMultiReturn<[Message | undefined, string | undefined]> {
  return decode_answer(text, QUESTION, no_pause);
}

describe("a DNS question", () => {
  it("has the name in labels", () => {
    expect(encode_question(QUESTION)).equal(`\x12\x34\x01\0\0\x01\0\0\0\0\0\0${ASKED}`);
  });

  it("cannot ask for what is not a domain name", () => {
    for (const name of ["", ".", "a..b", string.rep("a", 64), string.rep("a.", 127) + "a"])
      expect(encode_question({ ...QUESTION, name })).equal(undefined);
  });
});

describe("a DNS answer", () => {
  it("has records, whose names are in lower case", () => {
    const [answer] = decoded(answer_with(2, a_record(NAME) + a_record(`\x03APP${string.char(0xc0, 0x10)}`)));
    expect(answer?.records.map(({ name, host, ttl }) => `${name} ${host ?? ""} ${ttl}`)).same([
      "app.example 127.9.0.1 30",
      "app.example 127.9.0.1 30",
    ]);
  });

  it("is ignored with another id, with another question, and if it is a question", () => {
    const other = "\x03axp\x07example\0\0\x01\0\x01";
    const question = string.gsub(answer_with(0, ""), string.char(0x81), "\x01", 1)[0];
    for (const text of [
      answer_with(0, "", "\x12\x35"),
      answer_with(0, "", "\x12\x34", other),
      question,
      "x",
      "",
    ]) {
      const [answer, cause] = decoded(text);
      expect(answer).equal(undefined);
      expect(cause).equal(undefined);
    }
  });

  it("is malformed when it ends too early or a name is a loop", () => {
    const whole = answer_with(1, a_record(NAME));
    for (const size of $range(13 + ASKED.length, whole.length - 1))
      expect(decoded(string.sub(whole, 1, size))[1]).equal("the answer is malformed");
    const here = 12 + ASKED.length;
    for (const name of [string.char(0xc0, here), string.char(0xc0, here + 20), string.rep("\x3f", 300)])
      expect(decoded(answer_with(1, a_record(name)))[1]).equal("the answer is malformed");
  });

  it("may have a TTL with the highest bit, which is 0", () => {
    const [answer] = decoded(answer_with(1, a_record(NAME, string.rep(string.char(0xff), 4))));
    expect(answer?.records[0].ttl).equal(0);
  });

  it("has a bounded number of records", () => {
    const [answer, cause] = decoded(answer_with(2001, string.rep(a_record(NAME), 2001)));
    expect(answer).equal(undefined);
    expect(cause).contains("more than 2000 records");
  });

  it("does not mix dots in labels with dots between labels", () => {
    const [answer] = decoded(answer_with(1, a_record("\x0bapp.example\0")));
    expect(answer?.records[0].name).equal("app\\046example");
  });

  it("has names whose other bytes are escaped, and a question for such a name has the bytes", () => {
    const label = `\n"\\${string.char(0xff)}\0`;
    const name = "a_-1.\\010\\034\\092\\255\\000";
    const [answer] = decoded(answer_with(1, a_record(`\x04A_-1\x05${label}\0`)));
    expect(answer?.records[0].name).equal(name);
    const query = encode_question({ ...QUESTION, name }) as string;
    expect(string.sub(query, 13)).equal(`\x04a_-1\x05${label}\0\0\x01\0\x01`);
  });

  it("is malformed when a name has more than 32 pointers", () => {
    // The data of a record of another type: a chain of pointers, each one to the one before it.
    const first = 12 + ASKED.length + 12;
    let pointers = NAME;
    for (const index of $range(0, 30)) pointers += string.char(0xc0, first + 2 * index);
    const size = string.char(0, pointers.length);
    const chain = `${NAME}\0\x10\0\x01\0\0\0\x1e${size}${pointers}`;
    const last = first + pointers.length - 4;
    const [answer] = decoded(answer_with(2, chain + a_record(string.char(0xc0, last))));
    expect(answer?.records[1].name).equal("app.example");
    const [none, cause] = decoded(answer_with(2, chain + a_record(string.char(0xc0, last + 2))));
    expect(none).equal(undefined);
    expect(cause).equal("the answer is malformed");
  });
});
