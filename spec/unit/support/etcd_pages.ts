import type { EtcdClient } from "../../../src/resty/sluice/net/etcd/client";

/** A member of etcd with one key. It replaces `net/etcd/client`: import it before any module that uses it. */

/** What the member answers. */
export interface Member {
  /** The largest page that it can send, and why it fails to send a larger one. */
  largest: number;
  failure: string;
  is_alive: boolean;
  /** The limits of the pages that were requested; "alive": the question whether the member is alive. */
  asked: (number | string)[];
}

export const member: Member = { largest: 500, failure: "", is_alive: true, asked: [] };
export const TOO_LARGE = "the answer is too large";
export const TIMED_OUT = "could not read the answer: timeout";

interface Body {
  limit: number;
  count_only?: boolean;
}

function call(
  this: void,
  _client: EtcdClient,
  _path: string,
  { limit, count_only }: Body,
): LuaMultiReturn<[object | undefined, string | undefined]> {
  member.asked.push(count_only === true ? "alive" : limit);
  const header = { revision: "7", cluster_id: "1" };
  if (count_only === true) return $multi(member.is_alive ? { header } : undefined, TIMED_OUT);
  if (limit > member.largest) return $multi(undefined, member.failure);
  return $multi({ header, kvs: [{ key: "/a/1", value: "x", mod_revision: "5" }] }, undefined);
}

const globals = _G as unknown as { ngx: object; package: { preload: Record<string, unknown> } };
globals.package.preload["src.resty.sluice.net.etcd.client"] = () => {
  return { call, ETCD: "etcd", TOO_LARGE, LONGEST_PAGE_SECONDS: 10 };
};
const same = (text: string) => text;
globals.ngx = { encode_base64: same, decode_base64: same, now: () => os.time(), worker: {} };
