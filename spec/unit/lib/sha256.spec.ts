import { bytes_of_hex, sha256 } from "../../../src/resty/sluice/lib/sha256";
import { expect } from "../support/expect";

function hex(bytes: string): string {
  return string.gsub(bytes, ".", (byte) => string.format("%02x", string.byte(byte)))[0];
}

describe("SHA-256", () => {
  // Made by sha256sum. The lengths are those around which the padding needs another block.
  const digests: [text: string, digest: string][] = [
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [string.rep("a", 55), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"],
    [string.rep("a", 56), "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"],
    [string.rep("a", 63), "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34"],
    [string.rep("a", 64), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"],
    [string.rep("a", 119), "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb"],
    [string.rep("a", 120), "2f3d335432c70b580af0e8e1b3674a7c020d683aa5f73aaaedfdc55af904c21c"],
    [
      string.rep(string.char(255, 0), 500),
      "2c27de155b255bf33b469c1cdf99f8ac3b451d74818522c3f17344421fa01012",
    ],
  ];
  for (const [text, digest] of digests) {
    it(`of ${text.length} bytes is that of sha256sum`, () => {
      expect(hex(sha256(text))).equal(digest);
    });
  }

  it("in hexadecimal digits is read in upper and lower case", () => {
    expect(bytes_of_hex("00fFAb")).equal(string.char(0, 255, 171));
    for (const text of ["0", "0g", " 00", "0x00"]) expect(bytes_of_hex(text)).equal(undefined);
  });
});
