import { check_empty } from "../../../src/resty/sluice/api/sluice/empty";
import { decode } from "../../../src/resty/sluice/lib/json";
import { expect } from "../support/expect";

/** Returns the problem of the empty lists and objects in a body. */
function problem_of(text: string): string | undefined {
  return check_empty(decode(text)[0] as Record<string, unknown>, text)?.text;
}

describe("an empty list in a body", () => {
  const refused: [text: string, path: string][] = [
    ['{"least_time":[]}', "least_time"],
    ['{"health_check":[]}', "health_check"],
    ['{"health_check" : [ ]}', "health_check"],
    ['{"health_check":{"match":[]}}', "health_check.match"],
    ['{"health_check":{"agent":[]}}', "health_check.agent"],
    ['{"health_check":{"match":{"headers":[]}}}', "health_check.match.headers"],
    ['{"outlier_detection":[]}', "outlier_detection"],
    ['{"retries":[]}', "retries"],
    ['{"retries":{"budget":[]}}', "retries.budget"],
    ['{"load":[]}', "load"],
    ['{"zones":[]}', "zones"],
    ['{"least_load":[]}', "least_load"],
    ['{"discovery":[]}', "discovery"],
    ['{"discovery":{"etcd":{"tls":[]}}}', "discovery.etcd.tls"],
    ['{"discovery":{"docker":[]}}', "discovery.docker"],
    ['{"discovery":{"kubernetes":{"tls": [ ]}}}', "discovery.kubernetes.tls"],
  ];
  for (const [text, path] of refused) {
    it(`is not an object: ${text}`, () => {
      expect(problem_of(text)).equal(`invalid "${path}": must be an object`);
      const [object] = string.gsub(text, "%[%s*%]", "{}");
      expect(problem_of(object)).equal(undefined);
    });
  }

  it("is a valid list of servers, but an empty object is not", () => {
    for (const text of ['{"servers":[]}', '{"servers" : [ ]}', "{}", '{"servers":{"a":{}}}', '{"servers":5}'])
      expect(problem_of(text)).equal(undefined);
    for (const text of ['{"servers":{}}', '{"servers" : { }}'])
      expect(problem_of(text)).equal('invalid "servers": must be a list');
  });
});
