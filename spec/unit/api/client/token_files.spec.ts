import { with_token_files } from "../../../../src/resty/sluice/api/client/token_files";
import { read_options } from "../../../../src/resty/sluice/config/options";
import { expect, expectError } from "../../support/expect";

describe("files of tokens", () => {
  const path = os.tmpname();
  const write_file = (text: string) => {
    const file = assert(io.open(path, "wb")[0]);
    file.write(text);
    file.close();
  };
  const read = (api: object) => with_token_files(read_options({ api }).api);
  after_each(() => os.remove(path));

  it("contain one token per line, in addition to the tokens in the options", () => {
    write_file("one\r\n\ntwo");
    const { read_tokens, write_tokens } = read({ read_tokens: ["zero"], read_tokens_file: path });
    expect(read_tokens).same(["zero", "one", "two"]);
    expect(write_tokens).same([]);
  });

  it("may begin with a byte order mark, which is not part of the first token", () => {
    write_file("\uFEFFone\ntwo\n");
    expect(read({ write_tokens_file: path }).write_tokens).same(["one", "two"]);
  });

  const refused: [string, string, string][] = [
    ["no token", "\n", "contains no tokens"],
    ["nothing", "", "contains no tokens"],
    ["nothing but a byte order mark", "\uFEFF\n", "contains no tokens"],
    ["text in UTF-16", `${string.char(0xff, 0xfe)}o\0n\0e\0`, "has a line that is not a token"],
    ["a line that is not a token", "one\nt w o\n", "has a line that is not a token"],
    ["too much", string.rep("x", 65537), "contains no tokens, or more than 65536 bytes"],
  ];
  for (const [what, text, problem] of refused) {
    it(`are refused with ${what}`, () => {
      write_file(text);
      expectError(() => {
        read({ write_tokens_file: path });
      }, `invalid "api.write_tokens_file": ${path} ${problem}`);
    });
  }

  it("are refused when they do not exist", () => {
    expectError(() => {
      read({ write_tokens_file: "/none" });
    }, 'invalid "api.write_tokens_file": could not read it: /none: No such file or directory');
  });
});
