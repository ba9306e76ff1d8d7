import { skip_body, type Body } from "../../../src/resty/sluice/net/body";
import { read_head, type Head } from "../../../src/resty/sluice/net/head";
import { CLOSED } from "../../../src/resty/sluice/net/reader";
import { expect } from "../support/expect";
import { reader_of } from "../support/pieces";

const LIMIT = 100;
const CHUNKED = "Transfer-Encoding: chunked\r\n\r\n";

/** Reads an answer that arrives in pieces of a size, and skips its body. */
function skip(rest: string, size?: number): LuaMultiReturn<[Body | undefined, string | undefined]> {
  const reader = reader_of(`HTTP/1.1 200 OK\r\n${rest}`, size);
  const [head] = read_head(reader);
  return skip_body(reader, head as Head, LIMIT);
}

describe("a body that nobody needs", () => {
  const whole = [
    `Content-Length: 5\r\n\r\nhello`,
    `Content-Length: 0\r\n\r\n`,
    `${CHUNKED}5\r\nhello\r\n0\r\n\r\n`,
    `${CHUNKED}0\r\nA: trailer\r\n\r\n`,
  ];
  for (const text of whole) {
    it(`is read to its end if it has arrived: ${text}`, () => {
      expect(skip(text)[0]?.is_bounded).equal(true);
    });
  }

  it("is read to its end if its length is known and small", () => {
    for (const size of $range(1, 30))
      expect(skip("Content-Length: 5\r\n\r\nhello", size)[0]?.text).equal("hello");
    expect(skip("Content-Length: 5\r\n\r\nhell")[1]).equal(CLOSED);
  });

  const streams = [
    `${CHUNKED}`,
    `${CHUNKED}5\r\n`,
    `${CHUNKED}5\r\nhello\r\n`,
    `${CHUNKED}5\r\nhello\r\n0\r\n`,
    "Content-Type: text/event-stream\r\n\r\n",
    "Content-Type: text/event-stream\r\n\r\ndata: x\n\n",
    `Content-Length: ${LIMIT + 1}\r\n\r\nhello`,
  ];
  for (const text of streams) {
    it(`is not awaited if it may not end: ${text}`, () => {
      const [body, cause] = skip(text);
      expect(cause).equal(undefined);
      expect(body?.is_bounded).equal(false);
    });
  }

  it("is not awaited beyond the limit", () => {
    const many = string.rep("x", LIMIT + 1);
    for (const text of [
      `\r\n${many}`,
      `Content-Length: ${LIMIT + 1}\r\n\r\n${many}`,
      `${CHUNKED}65\r\n${many}`,
    ])
      expect(skip(text)[0]?.is_bounded).equal(false);
  });

  it("must be well-formed as far as it has arrived", () => {
    expect(skip(`${CHUNKED}x\r\n`)[1]).contains("malformed chunk");
    expect(skip("Content-Length: -1\r\n\r\n")[1]).contains("malformed");
    expect(skip("Transfer-Encoding: gzip\r\n\r\n")[1]).contains("unknown coding");
  });
});
