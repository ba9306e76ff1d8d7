import { CLOSED } from "../../../../src/resty/sluice/net/reader";
import {
  format_http2_request,
  read_http2_answer,
  type Http2Answer,
} from "../../../../src/resty/sluice/net/http2/exchange";
import {
  ACK,
  ErrorCode,
  Flag,
  format_frame,
  FrameType,
  uint32,
} from "../../../../src/resty/sluice/net/http2/frame";
import { encode_headers } from "../../../../src/resty/sluice/net/http2/hpack";
import { expect } from "../../support/expect";
import { reader_of } from "../../support/pieces";

const SETTINGS = format_frame(FrameType.SETTINGS, 0, 0);
const ACKNOWLEDGED = format_frame(FrameType.SETTINGS, ACK, 0);
const END = Flag.END_STREAM + Flag.END_HEADERS;

function block(...headers: [name: string, value: string][]): string {
  return encode_headers(headers.map(([name, value]) => ({ name, value })));
}

function headers(flags: number, text: string): string {
  return format_frame(FrameType.HEADERS, flags, 1, text);
}

function data(flags: number, text: string): string {
  return format_frame(FrameType.DATA, flags, 1, text);
}

const OK = block([":status", "200"], ["a", "1"]);
const HEAD = headers(Flag.END_HEADERS, OK);
const TRAILERS = headers(END, block(["grpc-status", "0"]));
const ANSWER: Http2Answer = {
  status: 200,
  headers: { a: "1" },
  trailers: { "grpc-status": "0" },
  body: "hello",
};

function goaway(last: number, code: number): string {
  return format_frame(FrameType.GOAWAY, 0, 0, uint32(last) + uint32(code));
}

/** Reads an answer in pieces of a size. Returns what was sent meanwhile, too. */
function read_in_pieces(
  text: string,
  size: number,
): LuaMultiReturn<[answer: Http2Answer | undefined, cause: string | undefined, sent: string]> {
  let sent = "";
  const send = (bytes: string) => {
    sent += bytes;
  };
  const [answer, cause] = read_http2_answer({ reader: reader_of(text, size), send }, 5);
  return $multi(answer, cause, sent);
}

/** Reads an answer after SETTINGS, in pieces of several sizes, which must not change the result. */
function read(
  ...frames: string[]
): LuaMultiReturn<[answer: Http2Answer | undefined, cause: string | undefined, sent: string]> {
  const text = SETTINGS + table.concat(frames);
  const [answer, cause, sent] = read_in_pieces(text, text.length);
  for (const size of [1, 2, 7, 9, 10, 64]) {
    const [same, same_cause, same_sent] = read_in_pieces(text, size);
    expect(same).same(answer);
    expect(same_cause).equal(cause);
    expect(same_sent).equal(sent);
  }
  return $multi(answer, cause, sent);
}

function expect_refused(code: ErrorCode, cause: string, ...frames: string[]): void {
  const [answer, found, sent] = read(...frames);
  expect(answer).equal(undefined);
  expect(found).contains(cause);
  expect(string.sub(sent, -17)).equal(goaway(0, code));
}

function expect_broken(cause: string, ...frames: string[]): void {
  expect_refused(ErrorCode.PROTOCOL_ERROR, `it breaks the rules of HTTP/2: ${cause}`, ...frames);
}

describe("a request over HTTP/2", () => {
  it("begins with the preface and SETTINGS, and is one HEADERS and one DATA", () => {
    expect(format_http2_request([{ name: "a", value: "b" }], "hello")).equal(
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
        format_frame(FrameType.SETTINGS, 0, 0, "\0\x02\0\0\0\0\0\x06\0\0\x40\0") +
        headers(Flag.END_HEADERS, "\x10\x01a\x01b") +
        data(Flag.END_STREAM, "hello"),
    );
  });
});

describe("an answer over HTTP/2", () => {
  it("has a header, a body and trailers, and its SETTINGS are acknowledged", () => {
    const [answer, , sent] = read(ACKNOWLEDGED, HEAD, data(0, "hel"), data(0, ""), data(0, "lo"), TRAILERS);
    expect(answer).same(ANSWER);
    expect(sent).equal(ACKNOWLEDGED + goaway(0, ErrorCode.NO_ERROR));
  });

  it("may end with its header or with its body", () => {
    expect(read(headers(END, OK))[0]).same({ ...ANSWER, trailers: {}, body: "" });
    expect(read(HEAD, data(Flag.END_STREAM, "hello"))[0]).same({ ...ANSWER, trailers: {} });
  });

  it("may have padding, priorities, continued headers and interim answers", () => {
    const padded = headers(Flag.END_HEADERS + Flag.PADDED, `\x03${OK}\0\0\0`);
    const weighed = headers(Flag.END_HEADERS + Flag.PRIORITY, `\0\0\0\0\x10${OK}`);
    const both = headers(Flag.END_HEADERS + Flag.PADDED + Flag.PRIORITY, `\x01\0\0\0\0\x10${OK}\0`);
    const continued =
      headers(0, string.sub(OK, 1, 3)) +
      format_frame(FrameType.CONTINUATION, 0, 1, string.sub(OK, 4, 6)) +
      format_frame(FrameType.CONTINUATION, 0, 1, "") +
      format_frame(FrameType.CONTINUATION, Flag.END_HEADERS, 1, string.sub(OK, 7));
    const interim = headers(Flag.END_HEADERS, block([":status", "103"])) + HEAD;
    for (const head of [padded, weighed, both, continued, interim]) {
      const [answer, cause] = read(head, data(Flag.PADDED, "\x02hello\0\0"), TRAILERS);
      expect(cause).equal(undefined);
      expect(answer).same(ANSWER);
    }
  });

  it("may come among frames that concern the connection", () => {
    const ping = format_frame(FrameType.PING, 0, 0, "12345678");
    const others =
      format_frame(
        FrameType.SETTINGS,
        0,
        0,
        `\0\x04${uint32(0)}\0\x05${uint32(16777215)}\0\x63${uint32(1)}`,
      ) +
      format_frame(FrameType.PING, ACK, 0, "abcdefgh") +
      format_frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(1)) +
      format_frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(2147483647)) +
      format_frame(FrameType.PRIORITY, 0, 3, "\0\0\0\0\0") +
      format_frame(99 as FrameType, 255, 7, "unknown") +
      goaway(1, 0);
    const [answer, , sent] = read(ping, others, HEAD, ping, data(0, "hello"), TRAILERS);
    expect(answer).same(ANSWER);
    const pong = format_frame(FrameType.PING, ACK, 0, "12345678");
    expect(sent).equal(ACKNOWLEDGED + pong + ACKNOWLEDGED + pong + goaway(0, 0));
  });

  it("must be complete", () => {
    for (const start of ["", HEAD, HEAD + data(0, "hello"), headers(0, OK)])
      expect(read(start)[1]).equal(CLOSED);
    expect(read(HEAD, goaway(1, 2))[1]).equal(`${CLOSED} after GOAWAY (INTERNAL_ERROR)`);
  });

  it("may be refused by the other side", () => {
    const none = ErrorCode.NO_ERROR;
    const refused = "it refused the request with GOAWAY (ENHANCE_YOUR_CALM)";
    expect_refused(none, refused, goaway(0, 11));
    expect_refused(none, "with GOAWAY (error 4294967295)", goaway(0, 4294967295));
    const reset = format_frame(FrameType.RST_STREAM, 0, 1, uint32(7));
    expect_refused(none, "it reset the stream with REFUSED_STREAM", reset);
    expect_refused(none, "it reset the stream with REFUSED_STREAM", HEAD, data(0, "hel"), reset);
  });

  it("must be HTTP/2", () => {
    for (const text of ["HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.0 505 \r\n\r\n"])
      expect(read_in_pieces(text, 3)[1]).equal("it is not HTTP/2");
    expect(read_in_pieces("SSH-2.0-OpenSSH\r\n", 3)[1]).contains("or it is not HTTP/2");
    expect(read_in_pieces(ACKNOWLEDGED, 3)[1]).contains("it does not begin with SETTINGS");
    expect(read_in_pieces(HEAD, 3)[1]).contains("it does not begin with SETTINGS");
  });

  it("must not have frames of a wrong size", () => {
    const sizes: [FrameType, string][] = [
      [FrameType.SETTINGS, "12345"],
      [FrameType.PING, "1234567"],
      [FrameType.WINDOW_UPDATE, "123"],
      [FrameType.GOAWAY, "1234567"],
    ];
    for (const [type, payload] of sizes)
      expect_refused(ErrorCode.FRAME_SIZE_ERROR, "of a wrong size", format_frame(type, 0, 0, payload));
    const reset = format_frame(FrameType.RST_STREAM, 0, 1, "123");
    expect_refused(ErrorCode.FRAME_SIZE_ERROR, "of a wrong size", reset);
    expect_refused(
      ErrorCode.FRAME_SIZE_ERROR,
      "of a wrong size",
      format_frame(FrameType.SETTINGS, ACK, 0, "123456"),
    );
    expect(read(string.char(255, 255, 255, 0, 0) + uint32(1))[1]).contains(
      "a frame of more than 16384 bytes",
    );
  });

  it("must not have frames of wrong streams", () => {
    for (const type of [FrameType.SETTINGS, FrameType.PING, FrameType.GOAWAY])
      expect_broken("", format_frame(type, 0, 1, "12345678"));
    for (const type of [FrameType.HEADERS, FrameType.DATA, FrameType.RST_STREAM])
      for (const stream of [0, 2, 3]) expect_broken("", format_frame(type, 4, stream, uint32(0)));
    expect_broken("", format_frame(FrameType.WINDOW_UPDATE, 0, 3, uint32(1)));
    expect_broken("PUSH_PROMISE", format_frame(FrameType.PUSH_PROMISE, 4, 1, uint32(2)));
    expect_broken("a malformed PRIORITY", format_frame(FrameType.PRIORITY, 0, 0, "12345"));
    expect_broken("CONTINUATION without HEADERS", format_frame(FrameType.CONTINUATION, 4, 1, OK));
  });

  it("must not have frames at wrong places", () => {
    expect_broken("data before the headers", data(0, "x"));
    expect_broken("another frame within headers", headers(0, OK), data(0, "x"));
    expect_broken(
      "another frame within headers",
      headers(0, OK),
      format_frame(FrameType.PING, 0, 0, "12345678"),
    );
    expect_broken("another frame within headers", headers(0, OK), format_frame(FrameType.CONTINUATION, 4, 3));
    expect_broken("headers within the body", HEAD, headers(Flag.END_HEADERS, block(["a", "1"])));
    expect_broken("an interim answer that ends the stream", headers(END, block([":status", "100"])));
  });

  it("must not have malformed headers", () => {
    const malformed: [string, string][][] = [
      [],
      [["a", "1"]],
      [[":status", "20"]],
      [[":status", "2000"]],
      [
        [":status", "200"],
        [":status", "200"],
      ],
      [
        ["a", "1"],
        [":status", "200"],
      ],
      [
        [":status", "200"],
        [":path", "/"],
      ],
      [
        [":status", "200"],
        ["A", "1"],
      ],
      [
        [":status", "200"],
        ["a b", "1"],
      ],
      [
        [":status", "200"],
        ["", "1"],
      ],
      [
        [":status", "200"],
        ["a", "1\r\nb: 2"],
      ],
      [
        [":status", "200"],
        ["connection", "close"],
      ],
    ];
    for (const fields of malformed)
      expect_broken("malformed headers", headers(END, fields.length === 0 ? "" : block(...fields)));
    expect_broken("malformed headers", HEAD, headers(END, block([":status", "200"])));
    expect_refused(ErrorCode.COMPRESSION_ERROR, "wrong index", headers(END, string.char(255, 0)));
  });

  it("must not have padding that is longer than its frame", () => {
    for (const payload of ["", "\x01", "\x05hell"]) {
      expect_broken("padding", headers(END + Flag.PADDED, payload));
      expect_broken("padding", HEAD, data(Flag.PADDED, payload));
    }
    expect_broken("padding", headers(END + Flag.PRIORITY, "1234"));
  });

  it("must not have wrong settings and windows", () => {
    const setting = (id: string, value: number) =>
      format_frame(FrameType.SETTINGS, 0, 0, `\0${id}${uint32(value)}`);
    expect_broken("it wants to be pushed to", setting("\x02", 1));
    expect_broken("a wrong MAX_FRAME_SIZE", setting("\x05", 16383));
    expect_broken("a wrong MAX_FRAME_SIZE", setting("\x05", 16777216));
    const too_large = ErrorCode.FLOW_CONTROL_ERROR;
    expect_refused(too_large, "its window is too large", setting("\x04", 2147483648));
    expect_broken("WINDOW_UPDATE by 0", format_frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0)));
    const widest = (stream: number) => format_frame(FrameType.WINDOW_UPDATE, 0, stream, uint32(2147483647));
    expect_refused(too_large, "its window is too large", widest(0));
    expect_refused(too_large, "its window is too large", widest(1));
  });

  it("is limited in its size and in the number of frames", () => {
    const calm = ErrorCode.ENHANCE_YOUR_CALM;
    const large = string.rep("x", 16384);
    expect(read_in_pieces(SETTINGS + HEAD + data(0, large) + TRAILERS, 4096)[0]?.body).equal(large);
    const text = SETTINGS + HEAD + data(0, large) + data(0, "x");
    expect(read_in_pieces(text, 4096)[1]).contains("larger than 16384 bytes");
    const many = block([":status", "200"], ["a", string.rep("a", 9000)]);
    const flood = headers(0, many) + format_frame(FrameType.CONTINUATION, 0, 1, string.rep("a", 9000));
    expect(read_in_pieces(SETTINGS + flood, 4096)[1]).equal("its headers are larger than 16384 bytes");
    const frames = [
      format_frame(FrameType.PING, 0, 0, "12345678"),
      SETTINGS,
      format_frame(99 as FrameType, 0, 0),
      headers(Flag.END_HEADERS, block([":status", "100"])),
    ];
    for (const frame of frames)
      expect_refused(calm, "it sent 100 frames without a complete answer", string.rep(frame, 200));
    const empty = format_frame(FrameType.CONTINUATION, 0, 1);
    expect_refused(calm, "it sent 100 frames", headers(0, OK), string.rep(empty, 200));
    expect_refused(calm, "it sent 100 frames", HEAD, string.rep(data(0, ""), 200));
  });
});
