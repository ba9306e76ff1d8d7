import { read_certificates, read_pattern } from "../../../src/resty/sluice/config/access";
import { TOKEN } from "../../../src/resty/sluice/config/token";
import { expect } from "../support/expect";

const DIGEST = string.rep("ab", 32);

function problem_of(entry: object): string | undefined {
  return TOKEN.read("tokens[0]", entry)[1]?.text;
}

describe("the name of an upstream for a client", () => {
  it("is a name, or a pattern with one star", () => {
    for (const pattern of ["app", "shop-*", "*", "*-eu", "a*b", "a.b_c:d@e~f+g"])
      expect(read_pattern("u", pattern)[0]).equal(pattern);
    for (const pattern of ["", "a b", "a/b", "**", "a*b*", "a%", 1, string.rep("a", 130)])
      expect(read_pattern("u", pattern)[1]?.text).contains('invalid "u": must be the name of an upstream');
  });
});

describe("an entry of the tokens' file", () => {
  it("has a digest or a token, and a role", () => {
    const [by_digest] = TOKEN.read("", { name: "a", sha256: DIGEST, role: "read" });
    expect(by_digest?.sha256).equal(string.rep(string.char(0xab), 32));
    const whole = {
      name: "a",
      token: "t",
      role: "admin",
      upstreams: ["app"],
      expires: "2027-01-31T00:00:00Z",
    };
    expect(TOKEN.read("", whole)[0]?.expires).equal(1801353600);
  });

  const refused: [what: string, entry: object, text: string][] = [
    ["no name", { token: "t", role: "read" }, 'invalid "tokens[0].name": must be given'],
    ["a name with a line feed", { name: "a\nb", token: "t", role: "read" }, '"tokens[0].name"'],
    ["no role", { name: "a", token: "t" }, 'invalid "tokens[0].role": must be given'],
    ["another role", { name: "a", token: "t", role: "root" }, 'must be one of "read", "report"'],
    ["neither token nor digest", { name: "a", role: "read" }, 'either "sha256" or "token"'],
    ["both", { name: "a", role: "read", token: "t", sha256: DIGEST }, 'either "sha256" or "token"'],
    ["a short digest", { name: "a", role: "read", sha256: "ab" }, "64 hexadecimal digits"],
    ["a token with a space", { name: "a", role: "read", token: "se cret" }, "without spaces"],
    ["no upstreams", { name: "a", role: "read", token: "t", upstreams: [] }, '"tokens[0].upstreams"'],
    ["a date without a zone", { name: "a", role: "read", token: "t", expires: "2027-01-31" }, "ISO 8601"],
    [
      "something unknown",
      { name: "a", role: "read", token: "t", more: 1 },
      'unknown parameter "tokens[0].more"',
    ],
  ];
  for (const [what, entry, text] of refused) {
    it(`is refused with ${what}`, () => {
      const problem = problem_of(entry);
      expect(problem).contains(text);
      for (const secret of ["se cret", DIGEST])
        expect(string.find(problem ?? "", secret, 1, true)[0]).equal(undefined);
    });
  }
});

describe("certificates", () => {
  it("have a role by their subject", () => {
    const [certificates] = read_certificates("c", { "CN=a,O=b": { role: "write", upstreams: ["app"] } });
    expect(certificates?.get("CN=a,O=b").role).equal("write");
  });

  it("are refused without a subject or a role, and with unknown fields", () => {
    expect(read_certificates("c", "CN=a")[1]?.text).equal('invalid "c": must be an object');
    expect(read_certificates("c", [{ role: "read" }])[1]?.text).contains("by its subject");
    expect(read_certificates("c", { "CN=a": {} })[1]?.text).equal('invalid "c["CN=a"].role": must be given');
    expect(read_certificates("c", { "CN=a": { role: "read", token: "t" } })[1]?.text).contains(
      "unknown parameter",
    );
  });
});
