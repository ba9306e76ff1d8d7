import "../../support/nginx_stub";

import { are_same_grants, find_grant, unnamed_grant } from "../../../../src/resty/sluice/api/client/grants";
import {
  named_grants,
  parse_tokens,
  tokens_file_problem,
  use_tokens_file,
} from "../../../../src/resty/sluice/api/client/tokens_file";
import { sha256 } from "../../../../src/resty/sluice/lib/sha256";
import { make_dict } from "../../support/dict";
import { expect, expectError } from "../../support/expect";

const ONE = '{"name":"one","token":"first-secret","role":"read"}';
const TWO = `{"name":"two","sha256":"${string.rep("Ab", 32)}","role":"write","upstreams":["app"]}`;

describe("the text of the tokens' file", () => {
  it("is a list of tokens, of which only the digests are kept", () => {
    const [grants, problem] = parse_tokens(`\uFEFF [${ONE},${TWO}]\n`);
    expect(problem).equal(undefined);
    expect(grants).same([
      { digest: sha256("first-secret"), name: "one", role: "read", upstreams: undefined, expires: undefined },
      {
        digest: string.rep(string.char(0xab), 32),
        name: "two",
        role: "write",
        upstreams: ["app"],
        expires: undefined,
      },
    ]);
    expect(parse_tokens("[]")[0]).same([]);
  });

  const refused: [what: string, text: string, problem: string][] = [
    ["empty", "", "it is not a JSON list"],
    ["an object", "{}", "it is not a JSON list: not a list"],
    ["cut off", `[${ONE},`, "it is not a JSON list"],
    ["a list of numbers", "[1]", 'invalid "tokens[0]": must be an object'],
    ["with a bad entry", `[${ONE},{"name":"x"}]`, 'invalid "tokens[1].role": must be given'],
    [
      "with a name twice",
      `[${ONE},{"name":"one","token":"other","role":"read"}]`,
      "tokens[1] has the same name as tokens[0]",
    ],
    [
      "with a token twice",
      `[${ONE},{"name":"x","token":"first-secret","role":"read"}]`,
      "tokens[1] has the same token as tokens[0]",
    ],
    ["too long", `[${string.rep(`${ONE},`, 1000)}${ONE}]`, "it has more than 1000 tokens"],
  ];
  for (const [what, text, problem] of refused) {
    it(`is refused if it is ${what}`, () => {
      const [grants, reason] = parse_tokens(text);
      expect(grants).equal(undefined);
      expect(reason).contains(problem);
      expect(string.find(reason ?? "", "first-secret", 1, true)[0]).equal(undefined);
    });
  }
});

describe("the tokens' file", () => {
  const path = os.tmpname();
  const write_file = (text: string) => {
    const file = assert(io.open(path, "wb")[0]);
    file.write(text);
    file.close();
  };
  before_each(make_dict);
  after_each(() => {
    os.remove(path);
    use_tokens_file(undefined);
  });

  it("is read at the start", () => {
    write_file(`[${ONE}]`);
    use_tokens_file(path);
    expect(named_grants().map(({ name }) => name)).same(["one"]);
    expect(tokens_file_problem()).equal(undefined);
  });

  it("that is invalid at the start is refused", () => {
    for (const [text, problem] of [
      ["[{}]", 'invalid "tokens[0].name": must be given'],
      [string.rep(" ", 1048577), "it has more than 1048576 bytes"],
    ]) {
      write_file(text);
      expectError(() => {
        use_tokens_file(path);
      }, `invalid "api.tokens_file": ${path}: ${problem}`);
    }
    expectError(() => {
      use_tokens_file("/none");
    }, 'invalid "api.tokens_file": /none: could not read it: No such file or directory');
    expectError(() => {
      use_tokens_file("/");
    }, 'invalid "api.tokens_file": /: it is not a regular file');
  });

  it("that has become invalid keeps the last tokens, which the API reports as a problem", () => {
    write_file(`[${ONE}]`);
    use_tokens_file(path);
    write_file("[");
    expect(named_grants().map(({ name }) => name)).same(["one"]);
    expect(tokens_file_problem()).contains(`${path}: it is not a JSON list`);
  });

  it("that has changed is read again", () => {
    write_file(`[${ONE}]`);
    use_tokens_file(path);
    write_file(`[${TWO}]`);
    expect(named_grants().map(({ name }) => name)).same(["two"]);
  });
});

describe("a token", () => {
  it("is found by its digest, and the last one of equal digests counts", () => {
    const read = unnamed_grant("t", "read_token", "read");
    const write = unnamed_grant("t", "write_token", "admin");
    expect(find_grant(sha256("t"), [read, write])?.name).equal("write_token");
    expect(find_grant(sha256("t"), [write], [read])?.name).equal("read_token");
    expect(find_grant(sha256("T"), [read, write])).equal(undefined);
  });

  it("has changed if it permits something else", () => {
    const grant = unnamed_grant("t", "one", "read");
    expect(are_same_grants(grant, { ...grant })).equal(true);
    expect(are_same_grants(grant, { ...grant, role: "write" })).equal(false);
    expect(are_same_grants(grant, { ...grant, upstreams: ["app"] })).equal(false);
    expect(are_same_grants({ ...grant, upstreams: ["a"] }, { ...grant, upstreams: ["b"] })).equal(false);
    expect(are_same_grants(grant, { ...grant, expires: 5 })).equal(false);
  });
});
