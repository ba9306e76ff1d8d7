import { CLOSED, type Reader } from "../../../src/resty/sluice/net/reader";

interface FakeReader extends Reader {
  pieces: string[];
  received: number;
}

function receive(this: void, reader: Reader): LuaMultiReturn<[string | undefined, string | undefined]> {
  const fake = reader as FakeReader;
  const piece = fake.pieces[fake.received] as string | undefined;
  fake.received += 1;
  return $multi(piece, piece === undefined ? CLOSED : undefined);
}

/** Returns a reader that delivers a text in pieces of one size and then ends. */
export function reader_of(text: string, piece_size = text.length): Reader {
  const pieces: string[] = [];
  for (const start of $range(1, text.length, piece_size)) {
    pieces.push(string.sub(text, start, start + piece_size - 1));
  }
  const reader: FakeReader = {
    buffer: "",
    used: 0,
    steps: 0,
    receive,
    pause: () => undefined,
    pieces,
    received: 0,
  };
  return reader;
}
