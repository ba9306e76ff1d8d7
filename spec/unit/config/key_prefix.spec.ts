import { name_in_key, parse_key_prefix, type KeyPrefix } from "../../../src/resty/sluice/config/key_prefix";
import { expect } from "../support/expect";

describe("the prefix of keys with a name", () => {
  const prefixes: [text: string, before: string, after: string][] = [
    ["/upstreams/{name}/", "/upstreams/", "/"],
    ["/upstreams/{name}", "/upstreams/", "/"],
    ["/{name}/servers", "/", "/servers/"],
    ["a/b/{name}/c/d/", "a/b/", "/c/d/"],
  ];
  for (const [text, before, after] of prefixes) {
    it(`may be "${text}"`, () => {
      expect(parse_key_prefix(text)[0]).same({ before, after });
    });
  }

  const ONCE = "must contain {name} exactly once";
  const SLASHES = 'must have a slash before and after {name}, such as "/upstreams/{name}/"';
  const refused: [text: string, reason: string][] = [
    ["/upstreams/", ONCE],
    ["/upstreams/{names}/", ONCE],
    ["/{name}/{name}/", ONCE],
    ["{name}/", SLASHES],
    ["/app-{name}/", SLASHES],
    ["/{name}-servers/", SLASHES],
  ];
  for (const [text, reason] of refused) {
    it(`is not "${text}"`, () => {
      const [prefix, why] = parse_key_prefix(text);
      expect(prefix).equal(undefined);
      expect(why).equal(reason);
    });
  }

  const keys: [key: string, after: string, name: string, is_below: boolean][] = [
    ["/u/app/10.0.0.1:80", "/", "app", true],
    ["/u/app/", "/", "app", true],
    ["/u//10.0.0.1:80", "/", "", true],
    ["/u/app/servers/a", "/servers/", "app", true],
    ["/u/app/serversa", "/servers/", "app", false],
    ["/u/app/owner", "/servers/", "app", false],
    ["/u/.*/a", "/", ".*", true],
  ];
  for (const [key, after, wanted, below] of keys) {
    it(`finds the name in "${key}" before "${after}"`, () => {
      const prefix: KeyPrefix = { before: "/u/", after };
      const [name, is_below] = name_in_key(prefix, key);
      expect(name).equal(wanted);
      expect(is_below).equal(below);
    });
  }

  it("finds no name without a slash behind it", () => {
    const [name, is_below] = name_in_key({ before: "/u/", after: "/" }, "/u/app");
    expect(name).equal(undefined);
    expect(is_below).equal(false);
  });
});
