import { json_null } from "../../../src/resty/sluice/lib/json";
import { check_schema, decode_as, type Schema } from "../../../src/resty/sluice/lib/schema";
import { expect } from "../support/expect";

const SERVERS: Schema = {
  members: {
    header: { members: { revision: "digits" } },
    servers: { items: { members: { name: "string", port: "number", ready: "boolean" } } },
  },
};

describe("an answer that has the form of its schema", () => {
  for (const text of [
    "{}",
    '{"servers":[],"more":[1]}',
    '{"header":{"revision":"12"},"servers":[{"name":"a","port":1,"ready":false},{}]}',
    '{"header":{"revision":12},"servers":[]}',
    '{"header":null,"servers":null}',
  ]) {
    it(`may be ${text}`, () => {
      const [value, cause] = decode_as<object>("etcd", text, SERVERS);
      expect(cause).equal(undefined);
      expect(value).truthy();
    });
  }

  it("has no null members", () => {
    const text = '{"header":{"revision":null},"servers":[{"name":null,"port":1}]}';
    expect(decode_as("etcd", text, SERVERS)[0]).same({ header: {}, servers: [{ port: 1 }] });
  });
});

describe("an object with any names", () => {
  const LABELS: Schema = { members: { labels: { values: "string" } } };

  it("has values of one type, and no null members", () => {
    expect(decode_as("docker", '{"labels":{"a":"1","b":null}}', LABELS)[0]).same({ labels: { a: "1" } });
    expect(decode_as("docker", '{"labels":{}}', LABELS)[0]).same({ labels: {} });
  });

  it("is refused if a value has another type", () => {
    for (const [text, what] of [
      ['{"labels":{"a":1}}', '"labels.a" is not a string'],
      ['{"labels":["a"]}', '"labels" is not an object'],
    ]) {
      expect(decode_as("docker", text, LABELS)[1]).equal(`docker: unexpected answer: ${what}`);
    }
  });
});

describe("an answer of another form", () => {
  const refused: [text: string, what: string][] = [
    ["null", "it is not an object"],
    ["7", "it is not an object"],
    ['"x"', "it is not an object"],
    ["[1,2]", "it is not an object"],
    ['{"servers":"x"}', '"servers" is not a list'],
    ['{"servers":{"a":1}}', '"servers" is not a list'],
    ['{"servers":[{},null]}', '"servers[1]" is not an object'],
    ['{"servers":[{},[1]]}', '"servers[1]" is not an object'],
    ['{"servers":[{"name":1}]}', '"servers[0].name" is not a string'],
    ['{"servers":[{"port":"1"}]}', '"servers[0].port" is not a number'],
    ['{"servers":[{"ready":"true"}]}', '"servers[0].ready" is not a boolean'],
    ['{"header":[1]}', '"header" is not an object'],
    ['{"header":{"revision":"1x"}}', '"header.revision" is not a whole number'],
    ['{"header":{"revision":{}}}', '"header.revision" is not a whole number'],
    ["{", "it is not JSON: "],
    ["", "it is not JSON: "],
  ];
  for (const [text, what] of refused) {
    it(`is refused: ${string.format("%q", text)}`, () => {
      const [value, cause] = decode_as("etcd", text, SERVERS);
      expect(value).equal(undefined);
      expect(cause).contains(`etcd: unexpected answer: ${what}`);
    });
  }

  it("is refused if it should be a list", () => {
    expect(check_schema("consul", json_null, { items: "string" })).equal(
      "consul: unexpected answer: it is not a list",
    );
    expect(check_schema("consul", ["a", 1], { items: "string" })).equal(
      'consul: unexpected answer: "[1]" is not a string',
    );
  });
});
