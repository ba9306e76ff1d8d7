import { crc32, crc32_end, crc32_text, CRC32_START } from "../../../src/resty/sluice/lib/crc32";
import { expect } from "../support/expect";

describe("CRC-32", () => {
  it("equals the result of zlib and nginx", () => {
    expect(crc32("")).equal(0);
    expect(crc32("a")).equal(0xe8b7be43);
    expect(crc32("123456789")).equal(0xcbf43926);
    expect(crc32("The quick brown fox jumps over the lazy dog")).equal(0x414fa339);
    expect(crc32(string.rep("\0", 32))).equal(0x190a55ad);
    expect(crc32(`${string.rep("\0", 32)}more`, 32)).equal(0x190a55ad);
    expect(crc32(string.char(255, 255, 255, 255))).equal(0xffffffff);
  });

  it("can be continued at each fourth byte", () => {
    const text = "The quick brown fox jumps over the lazy dog";
    for (const middle of $range(0, text.length, 4)) {
      const state = crc32_text(CRC32_START, text, 0, middle);
      expect(crc32_end(crc32_text(state, text, middle))).equal(crc32(text));
    }
  });
});
