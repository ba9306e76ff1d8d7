import type { Answer } from "../../../src/resty/sluice/net/request";
import { mismatch, new_match } from "../../../src/resty/sluice/probe/match";
import { expect } from "../support/expect";

/** Replaces PCRE by a search for a plain text. The text "(slow)" takes too many steps. */
function find(
  text: string,
  regex: string,
): LuaMultiReturn<[number | undefined, number | undefined, string | undefined]> {
  const [plain] = string.gsub(regex, "^%(%*LIMIT_MATCH=%d+%)%(%*LIMIT_RECURSION=%d+%)", "");
  if (plain === "(slow)") return $multi(undefined, undefined, "pcre_exec() failed: -8");
  const [from, to] = string.find(text, plain, 1, true);
  return $multi(from, to, undefined);
}

function answer(status: number, body = "", headers: Record<string, string> = {}): Answer {
  return { status, body, headers };
}

describe("the conditions of a health check", () => {
  before_each(() => {
    (_G as unknown as Record<string, unknown>).ngx = { re: { find } };
  });

  it("are a status from 200 to 399 by default", () => {
    const match = new_match(undefined);
    for (const status of [200, 301, 399]) expect(mismatch(match, answer(status))).equal(undefined);
    for (const status of [199, 400, 503]) expect(mismatch(match, answer(status))).equal(`returned ${status}`);
  });

  it("can be several statuses and ranges", () => {
    const match = new_match({ status: "200 204-206" });
    for (const status of [200, 204, 206]) expect(mismatch(match, answer(status))).equal(undefined);
    for (const status of [201, 203, 207]) expect(mismatch(match, answer(status))).equal(`returned ${status}`);
  });

  it("can be headers, whose names are case-insensitive", () => {
    const match = new_match({ status: "200", headers: { "X-Ready": "yes", "X-Any": "" } });
    expect(mismatch(match, answer(200, "", { "x-ready": "yes", "x-any": "" }))).equal(undefined);
    expect(mismatch(match, answer(200, "", { "x-ready": "yes" }))).equal(
      'returned 200, but the header "x-any" is missing',
    );
    expect(mismatch(match, answer(200, "", { "x-ready": "no", "x-any": "1" }))).equal(
      'returned 200, but the header "x-ready" does not match',
    );
  });

  it("can be a text in the body", () => {
    const match = new_match({ status: "200", body: "ready" });
    expect(mismatch(match, answer(200, "is ready"))).equal(undefined);
    expect(mismatch(match, answer(200, "is not"))).equal("returned 200, but the body does not match");
  });

  it("are not met when the search takes too many steps", () => {
    const match = new_match({ status: "200", body: "(slow)" });
    expect(mismatch(match, answer(200, "text"))).equal(
      "returned 200, but the body does not match: the search took too many steps",
    );
  });
});
