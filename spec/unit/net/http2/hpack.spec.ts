import {
  decode_headers,
  encode_headers,
  new_dynamic_table,
} from "../../../../src/resty/sluice/net/http2/hpack";
import { decode_huffman } from "../../../../src/resty/sluice/net/http2/huffman";
import { expect } from "../../support/expect";
import { expect_quick } from "../../support/quick";

/** Returns the bytes of hexadecimal digits. */
function bytes_of(hex: string): string {
  const [digits] = string.gsub(hex, "%s", "");
  const [bytes] = string.gsub(digits, "%x%x", (pair) => string.char(tonumber(pair, 16) as number));
  return bytes;
}

/** Decodes blocks, one after the other, and returns the headers of each as text. */
function decode(blocks: readonly string[], limit = 4096): string[] {
  const dynamic = new_dynamic_table();
  dynamic.limit = limit;
  return blocks.map((block) => {
    const [fields, cause] = decode_headers(dynamic, bytes_of(block));
    if (fields === undefined) return cause ?? "";
    return fields.map(({ name, value }) => `${name}: ${value}`).join("\n");
  });
}

const REQUESTS = [
  ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com",
  ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\ncache-control: no-cache",
  ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\ncustom-key: custom-value",
];
const DATE = "date: Mon, 21 Oct 2013 20:13:21 GMT";
const LOCATION = "location: https://www.example.com";
const RESPONSES = [
  `:status: 302\ncache-control: private\n${DATE}\n${LOCATION}`,
  `:status: 307\ncache-control: private\n${DATE}\n${LOCATION}`,
  ":status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT\n" +
    `${LOCATION}\ncontent-encoding: gzip\n` +
    "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
];

describe("the headers of HTTP/2, as in RFC 7541, appendix C:", () => {
  it("one header in each form", () => {
    expect(
      decode([
        "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
        "040c 2f73 616d 706c 652f 7061 7468",
        "1008 7061 7373 776f 7264 0673 6563 7265 74",
        "82",
      ]),
    ).same(["custom-key: custom-header", ":path: /sample/path", "password: secret", ":method: GET"]);
  });

  it("requests without Huffman codes", () => {
    expect(
      decode([
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
      ]),
    ).same(REQUESTS);
  });

  it("requests with Huffman codes", () => {
    expect(
      decode([
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
      ]),
    ).same(REQUESTS);
  });

  it("responses without Huffman codes, which evict entries of a small table", () => {
    expect(
      decode(
        [
          "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32" +
            "3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
          "4803 3330 37c1 c0bf",
          "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970" +
            "7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61" +
            "6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
        ],
        256,
      ),
    ).same(RESPONSES);
  });

  it("responses with Huffman codes, which evict entries of a small table", () => {
    expect(
      decode(
        [
          "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad" +
            "1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
          "4883 640e ffc1 c0bf",
          "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2" +
            "e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
        ],
        256,
      ),
    ).same(RESPONSES);
  });
});

describe("the headers of HTTP/2", () => {
  it("are encoded so that they decode to the same, whatever their length", () => {
    for (const length of [0, 1, 126, 127, 128, 254, 255, 256, 5000]) {
      const fields = [
        { name: "a", value: string.rep("v", length) },
        { name: string.rep("n", length + 1), value: "" },
      ];
      expect(decode_headers(new_dynamic_table(), encode_headers(fields))[0]).same(fields);
    }
  });

  it("forget entries when the table is made smaller", () => {
    const literal = "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572";
    expect(decode([literal, "be", "20", "be"])).same([
      "custom-key: custom-header",
      "custom-key: custom-header",
      "",
      "a header has a wrong index",
    ]);
  });

  it("do not remember an entry that is larger than the table, and forget the others", () => {
    expect(decode(["4001 6101 62", "4001 6101 63be", "3f01", "4001 6102 6262", "be"], 34)).same([
      "a: b",
      "a: c\na: c",
      "",
      "a: bb",
      "a header has a wrong index",
    ]);
  });

  const refused: [what: string, block: string, cause: string][] = [
    ["index 0", "80", "a header has a wrong index"],
    ["an index beyond the table", "be", "a header has a wrong index"],
    ["an index beyond the table in a literal", "7f00 0161", "a header has a wrong index"],
    ["an integer without an end", "ff", "a header block ends early"],
    ["an integer that is too large", "ffff ffff ffff 7f", "an integer of a header is too large"],
    ["a text that ends early", "4005 6162", "a header block ends early"],
    ["a name without a value", "4001 61", "a header block ends early"],
    ["a table that is too large", "3fe2 1f", "the table of headers is too large"],
    ["a change of the table among headers", "8220", "the table of headers changes among headers"],
    ["the end in a Huffman code", "4001 6184 ffff ffff", "a Huffman code is malformed"],
    ["padding of a byte", "4001 6182 1fff", "a Huffman code is malformed"],
    ["padding with a zero", "4001 6181 18", "a Huffman code is malformed"],
  ];
  for (const [what, block, cause] of refused) {
    it(`must not have ${what}`, () => {
      expect(decode([block])).same([cause]);
    });
  }

  it("are limited in number and in size, though a byte can stand for a long header", () => {
    expect(decode([string.rep("82", 100)])[0].length > 100).equal(true);
    expect(decode([string.rep("82", 101)])).same(["it has more than 100 headers"]);
    const long = `40 01 61 7f a1 1e ${string.rep("62", 4000)}`;
    expect(decode([`${long}${string.rep("be", 3)}`])[0].length > 16000).equal(true);
    expect(decode([`${long}${string.rep("be", 4)}`])).same(["its headers are larger than 16384 bytes"]);
  });

  it("take linear time to decode", () => {
    const text = string.rep("\x1f", 16384);
    expect_quick(() => {
      for (const _ of $range(1, 5)) decode_huffman(text);
    });
  });

  it("can have each byte in a Huffman code", () => {
    // The codes of the bytes 0 and 10 from appendix B, and the padding.
    expect(decode_huffman(bytes_of("ffc7"))[0]).equal("\0");
    expect(decode_huffman(bytes_of("ffff fff3"))[0]).equal("\n");
    expect(decode_huffman("")[0]).equal("");
  });
});
