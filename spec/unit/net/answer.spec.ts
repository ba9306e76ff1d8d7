import { read_body, type Body } from "../../../src/resty/sluice/net/body";
import { read_head, type Head } from "../../../src/resty/sluice/net/head";
import { CLOSED } from "../../../src/resty/sluice/net/reader";
import { expect } from "../support/expect";
import { reader_of } from "../support/pieces";
import { expect_quick } from "../support/quick";

const LIMIT = 100;

/** Reads a whole answer in pieces of all sizes, which must not change the result. */
function read(text: string): LuaMultiReturn<[Head | undefined, Body | undefined, string | undefined]> {
  const [head, body, cause] = read_in_pieces(text, text.length);
  for (const size of $range(1, 20)) {
    const [same_head, same_body, same_cause] = read_in_pieces(text, size);
    expect(same_head).same(head);
    expect(same_body).same(body);
    expect(same_cause).equal(cause);
  }
  return $multi(head, body, cause);
}

function read_in_pieces(
  text: string,
  size: number,
): LuaMultiReturn<[Head | undefined, Body | undefined, string | undefined]> {
  const reader = reader_of(text, size);
  const [head, bad_head] = read_head(reader);
  if (head === undefined) return $multi(undefined, undefined, bad_head);
  const [body, bad_body] = read_body(reader, head, LIMIT);
  return $multi(head, body, bad_body);
}

function expect_cause(text: string, cause: string): void {
  const [, body, found] = read(text);
  expect(body).equal(undefined);
  expect(found).equal(cause);
}

describe("the head of an answer", () => {
  it("is a status and headers, whose names are in lower case", () => {
    const [head] = read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Some:  a: b \r\nEmpty:\r\n\r\n");
    expect(head).same({
      status: 200,
      headers: { "content-length": "0", "x-some": "a: b", empty: "" },
      is_persistent: true,
    });
  });

  it("has values without whitespace around them", () => {
    const [head, body] = read("HTTP/1.1 200 OK\r\nContent-Length: 2 \t\r\nA:\t 1\t\r\nB: \t \r\n\r\nok");
    expect(head?.headers).same({ "content-length": "2", a: "1", b: "" });
    expect(body).same({ text: "ok", is_bounded: true });
    const chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked \r\n\r\n2\r\nok\r\n0\r\n\r\n";
    expect(read(chunks)[1]?.text).equal("ok");
  });

  it("may lack a reason phrase, and may end its lines with a line feed only", () => {
    expect(read("HTTP/1.1 204 \r\n\r\n")[0]?.status).equal(204);
    expect(read("HTTP/1.1 404\r\n\r\n")[0]?.status).equal(404);
    expect(read("HTTP/1.0 200 OK\nA: 1\n\n")[0]?.headers.a).equal("1");
  });

  it("joins the values of a repeated header", () => {
    expect(read("HTTP/1.1 204 x\r\nA: 1\r\na: 2\r\n\r\n")[0]?.headers.a).equal("1, 2");
  });

  it("tells whether the connection may be used again", () => {
    const persistent: Record<string, boolean> = {
      "1.1 200 x\r\n": true,
      "1.1 200 x\r\nConnection: close\r\n": false,
      "1.1 200 x\r\nConnection: x, Close\r\n": false,
      "1.1 200 x\r\nConnection: closed\r\n": true,
      "1.0 200 x\r\n": false,
      "1.0 200 x\r\nConnection: Keep-Alive\r\n": true,
    };
    for (const [start, is_persistent] of pairs(persistent)) {
      expect(read(`HTTP/${start}\r\n`)[0]?.is_persistent).equal(is_persistent);
    }
  });

  it("follows interim answers, but not too many", () => {
    const interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    const [head] = read(`${interim}${interim}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`);
    expect(head?.status).equal(200);
    expect(head?.headers.link).equal(undefined);
    expect_cause(string.rep(interim, 20), "it begins with more than 10 interim answers");
  });

  it("must be HTTP/1", () => {
    for (const text of [
      "garbage",
      "HTTP/2 200 OK\r\n\r\n",
      "\r\n\r\n",
      "SSH-2.0-x\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
    ]) {
      expect_cause(text, "it is not HTTP/1");
    }
    expect_cause("HTTP/1.1 2000 OK\r\n\r\n", "it is not HTTP/1");
  });

  it("has a bounded size", () => {
    expect_cause(`HTTP/1.1 200 OK\r\n${string.rep("A: 1\r\n", 101)}\r\n`, "it has more than 100 headers");
    const endless = reader_of(`HTTP/1.1 200 OK\r\nA: ${string.rep("x", 20000)}`, 1000);
    expect(read_head(endless)[1]).equal("its header is larger than 16384 bytes");
    const large = reader_of(`HTTP/1.1 200 OK\r\nA: ${string.rep("x", 17000)}\r\n\r\n`);
    expect(read_head(large)[1]).equal("its header is larger than 16384 bytes");
  });

  it("must be complete and well-formed", () => {
    expect_cause("HTTP/1.1 200 OK\r\nA: 1\r\n", CLOSED);
    expect_cause("", CLOSED);
    for (const line of ["no colon", ": no name", "a b: 1", " a: 1"]) {
      expect_cause(`HTTP/1.1 200 OK\r\n${line}\r\n\r\n`, "its header is malformed");
    }
  });
});

describe("the time that reading a head takes", () => {
  it("is linear in its size", () => {
    const spaces = `HTTP/1.1 200 OK\r\nA:${string.rep(" ", 16_000)}\rB\r\n\r\n`;
    const long = `HTTP/1.1 200 OK\r\nA: ${string.rep("\n", 1)}${string.rep("b", 16_000)}`;
    expect_quick(() => {
      expect(read_head(reader_of(spaces))[1]).equal("its header is malformed");
      expect(read_head(reader_of(long, 1))[1]).equal(CLOSED);
    });
  });
});

describe("the body of an answer", () => {
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

  it("has the length of its Content-Length", () => {
    const [, body] = read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more");
    expect(body).same({ text: "hello", is_bounded: true });
  });

  it("may have chunks, with extensions and trailers", () => {
    const [, body] = read(`${chunked}5\r\nhello\r\nA ;x=1\r\n, chunked!\r\n0\r\nTrailer: 1\r\n\r\n`);
    expect(body).same({ text: "hello, chunked!", is_bounded: true });
  });

  it("ends with the connection when the header has no length", () => {
    expect(read("HTTP/1.1 200 OK\r\n\r\nhello")[1]).same({ text: "hello", is_bounded: false });
  });

  it("does not exist with some statuses", () => {
    for (const status of [204, 304]) {
      const [, body] = read(`HTTP/1.1 ${status} x\r\nContent-Length: 5\r\n\r\n`);
      expect(body).same({ text: "", is_bounded: true });
    }
  });

  it("is cut at the limit", () => {
    const cut = { text: string.rep("x", LIMIT), is_bounded: false };
    const many = string.rep("x", LIMIT + 1);
    expect(read(`HTTP/1.1 200 OK\r\nContent-Length: ${LIMIT + 1}\r\n\r\n${many}`)[1]).same(cut);
    expect(read(`HTTP/1.1 200 OK\r\n\r\n${many}`)[1]).same(cut);
    expect(read(`${chunked}65\r\n${many}\r\n0\r\n\r\n`)[1]).same(cut);
    expect(read(`${chunked}32\r\n${string.sub(many, 1, 50)}\r\n33\r\n${many}`)[1]).same(cut);
  });

  it("must be complete and well-formed", () => {
    expect_cause("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", CLOSED);
    expect_cause(`${chunked}5\r\nhello\r\n`, CLOSED);
    expect_cause(`${chunked}5\r\nhello\r\n0\r\n`, CLOSED);
    for (const length of ["-1", "five", "1, 1", "", "9999999999999999"]) {
      expect_cause(
        `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\nhello`,
        "its Content-Length is malformed",
      );
    }
    for (const chunks of ["x\r\n", "\r\n", "-1\r\n", "5\r\nhello5\r\n", "1234567890123\r\n"]) {
      const [, body, cause] = read_in_pieces(`${chunked}${chunks}`, 1000);
      expect(body).equal(undefined);
      expect(cause).contains("malformed chunk");
    }
    expect_cause("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "its body has an unknown coding");
    expect_cause(`${chunked}${string.rep("0", 5000)}`, "a line is longer than 4096 bytes");
    expect_cause(`${chunked}0\r\n${string.rep("A: 1\r\n", 200)}`, "it has more than 100 trailers");
  });

  it("takes linear time to read in chunks of one byte", () => {
    const many = 65_536;
    const answer = `${chunked}${string.rep("1\r\nx\r\n", many)}0\r\n\r\n`;
    expect_quick(() => {
      for (const _ of $range(1, 5)) {
        const reader = reader_of(answer, 65_536);
        const [head] = read_head(reader);
        const [body, cause] = read_body(reader, head as Head, many);
        expect(cause).equal(undefined);
        expect(body?.text).equal(string.rep("x", many));
      }
    });
  });

  it("lets the worker do other work while it has many chunks", () => {
    const reader = reader_of(`${chunked}${string.rep("1\r\nx\r\n", LIMIT * 100)}0\r\n\r\n`);
    let pauses = 0;
    reader.pause = () => {
      pauses += 1;
    };
    const [head] = read_head(reader);
    read_body(reader, head as Head, LIMIT * 100);
    expect(pauses > 10).equal(true);
  });
});
