import { iso8601 } from "../../lib/iso8601";
import { list, record } from "../../lib/json";
import { ok, type Answered } from "../answer";
import { named_grants } from "../client/tokens_file";
import type { Route } from "../route";

/** `/sluice/1/tokens`: the tokens of `api.tokens_file`, without anything that would help to guess them. */

const tokens_record = record("tokens");
const token_record = record("name role upstreams expires");

function get(this: void): Answered {
  const tokens: object[] = [];
  for (const { name, role, upstreams, expires } of named_grants()) {
    const time = expires === undefined ? undefined : iso8601(expires);
    tokens.push(token_record({ name, role, upstreams, expires: time }));
  }
  return ok(tokens_record({ tokens: list(tokens) }));
}

export const routes: Route[] = [{ path: "tokens", roles: { GET: ["admin"] }, GET: get }];
