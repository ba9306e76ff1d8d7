import { decode, encode } from "../../../../src/resty/sluice/lib/json";
import { loaded_change, type LoadedChange } from "../../../../src/resty/sluice/store/disk/loaded";
import { new_line_reader } from "../../../../src/resty/sluice/store/disk/plain_line";
import { seal } from "../../../../src/resty/sluice/store/disk/sealed";
import { read_change } from "../../../../src/resty/sluice/store/document/saved";
import { expect } from "../../support/expect";

/** Number of random damages of each line. */
const ROUNDS = 3000;

const PLAIN = '"revision":7,"upstream":"app","method":"round_robin","next_id":3';
const SECRET = "00112233445566778899aabbccddeeff";
const FIRST = '{"id":0,"incarnation":1,"server":"10.0.0.1:80"}';

/** Lines as this program writes them, without the braces and the checksum. */
const WRITTEN = [
  `${PLAIN},"put":[],"remove":[]`,
  `${PLAIN},"put":[${FIRST}],"remove":[]`,
  `${PLAIN},"put":[${FIRST},{"id":2,"incarnation":7,"server":"10.0.0.2:8080","weight":5,"backup":true}],"remove":[1]`,
  `"revision":7,"upstream":"a:1","method":"hash","hash":{"key":"$uri","consistent":false},"session_secret":"${SECRET}","next_id":1,"put":[${FIRST}],"remove":[3,4]`,
  `${PLAIN},"put":[{"id":1,"incarnation":2,"server":"[::1]:80","max_fails":0,"route":"}"}],"remove":[]`,
  `${PLAIN},"put":[${FIRST},{"id":1,"incarnation":2,"server":"10.0.0.9:80","source":"register","node":{"incarnation":"","meta":{"a":"b"},"name":"n","ttl":"3s"}}],"remove":[]`,
];

/** Lines that are read by decoding them as a whole, or that are not valid. */
const OTHERS = [
  `${PLAIN},"put":[{"id":0,"incarnation":1,"server":"unix:/x"}],"remove":[]`,
  `${PLAIN},"put":[{"id":1,"incarnation":2,"server":"10.0.0.1:80","route":"},{"}],"remove":[]`,
  `${PLAIN},"put":[{"id":0,"incarnation":1,"server":"unix:\\/x"}],"remove":[]`,
  `${PLAIN},"put":[{"id":0,"incarnation":1,"server":"10.0.0.1"}],"remove":[]`,
  `${PLAIN},"put":[{"id":0,"incarnation":8,"server":"10.0.0.1:80"}],"remove":[]`,
  `${PLAIN},"put":[{"id":00,"incarnation":1,"server":"10.0.0.1:80"}],"remove":[]`,
  `${PLAIN},"put":[{"id":0,"incarnation":1,"server":"10.0.0.1:80","weight":1}],"remove":[]`,
  `${PLAIN},"put":[{"id":0,"incarnation":1,"server":"10.0.0.1:80","id":4}],"remove":[]`,
  `${PLAIN},"put":[{"id":0,"incarnation":1,"server":"10.0.0.1:80","server":"x"}],"remove":[]`,
  `${PLAIN},"put":[{"id":0,"incarnation":1,"server":"10.0.0.256:80"}],"remove":[]`,
  `${PLAIN},"put":[{"id":0,"incarnation":1,"server":"app.example:80"}],"remove":[]`,
  `${PLAIN},"put":[${FIRST}],"remove":[-1]`,
  `${PLAIN},"put":[${FIRST}],"remove":[],"x":[]`,
  '"revision":7,"upstream":"app","method":"round_robin"}\0,"next_id":3,"put":[],"remove":[]',
  `"revision":7,"upstream":"app","method":"random","next_id":3}\0,"put":[${FIRST}],"remove":[]`,
  `${PLAIN},"put":[${FIRST}],"remove":[1]\0`,
  `${PLAIN},"nxt":0,"put":[${FIRST}],"remove":[]`,
  `"revision":7,"upstream":"app","method":"best","next_id":3,"put":[${FIRST}],"remove":[]`,
  `"revision":7,"upstream":"app","next_id":3,"put":[${FIRST}],"remove":[]`,
  `"revision":07,"upstream":"app","method":"random","next_id":3,"put":[${FIRST}],"remove":[]`,
  '"revision":7,"upstream":"app","deleted":true',
];

/** Returns a line of members, without its end. */
function line_of(members: string): string {
  return string.sub(seal(`{${members}}`), 1, -2);
}

/** Reads a line by decoding it as a whole. */
function decoded(line: string): LoadedChange | undefined {
  const [value] = decode(line);
  const [change] = type(value) === "table" ? read_change(value as Record<string, unknown>) : [undefined];
  return change === undefined ? undefined : loaded_change(change);
}

/** Describes a change, without the addresses in shared parameters. */
function described(change: LoadedChange | undefined): string {
  if (change === undefined) return "refused";
  const servers: string[] = [];
  for (const { parameters, ...server } of change.put) {
    servers.push(encode(server));
    servers.push(encode({ ...parameters, server: "", id: 0, incarnation: 0 }));
  }
  return `${encode({ ...change, put: 0 })} ${servers.join(" ")}`;
}

const read_plain = new_line_reader();

describe("a line as this program writes it", () => {
  for (const members of WRITTEN) {
    it(`is read as by decoding it: ${members}`, () => {
      const plain = read_plain(line_of(members));
      expect(plain === undefined).equal(false);
      expect(described(plain)).equal(described(decoded(line_of(members))));
    });
  }
});

describe("a line of another form", () => {
  for (const members of OTHERS) {
    it(`is left to the decoder: ${members}`, () => {
      expect(read_plain(line_of(members))).equal(undefined);
    });
  }
});

describe("a damaged line with a matching checksum", () => {
  const pieces = [
    '"',
    "}",
    "{",
    ",",
    ":",
    "]",
    "[",
    "0",
    "-",
    "\\",
    '"id":',
    '"put":[',
    "},{",
    '"x":1',
    "é",
    "}\0",
  ];
  it("is accepted only if the decoder accepts it, and means the same", () => {
    let accepted = 0;
    for (const members of [...WRITTEN, ...OTHERS]) {
      for (const _ of $range(1, ROUNDS)) {
        const from = math.random(1, members.length);
        const to = from + math.random(0, 3) - 1;
        const piece = math.random() < 0.3 ? "" : pieces[math.random(1, pieces.length) - 1];
        const damaged = string.sub(members, 1, from - 1) + piece + string.sub(members, to + 1);
        const line = line_of(damaged);
        const plain = read_plain(line);
        if (plain !== undefined) {
          accepted += 1;
          expect(described(plain)).equal(described(decoded(line)));
        }
      }
    }
    // Otherwise this shows nothing.
    expect(accepted > ROUNDS / 10).equal(true);
  });
});
