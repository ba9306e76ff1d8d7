import "../support/nginx_stub";

import { ETCD_CONFIG, etcd_put, reset_etcd, stub_ngx } from "../support/etcd";
import { check_history, type Joined } from "../../../src/resty/sluice/cluster/history";
import { settle, settle_change } from "../../../src/resty/sluice/cluster/settle";
import { preferred_client } from "../../../src/resty/sluice/cluster/transaction";
import { format_version } from "../../../src/resty/sluice/cluster/version";
import type { EtcdClient } from "../../../src/resty/sluice/net/etcd/client";
import { note_history } from "../../../src/resty/sluice/store/document/clustered";
import { read } from "../../../src/resty/sluice/store/document/read";
import { CLUSTER } from "../../../src/resty/sluice/store/history/author";
import { make_locks } from "../../../src/resty/sluice/store/memory/lock";
import { create } from "../../../src/resty/sluice/store/memory/region";
import { allocate_row } from "../../../src/resty/sluice/store/memory/rows";
import { write_own } from "../../../src/resty/sluice/store/write";
import { make_dict } from "../support/dict";
import { expect } from "../support/expect";

const OLD = "0123456789abcdef";
const NEW = "fedcba9876543210";
const KEY = "/s/app";
const VALUE = '{"method":"round_robin","next_id":0,"servers":[]}';

function version(history: string, revision: number): string {
  return format_version({ history, revision });
}

function joined(history: string, listed: number): Joined {
  const client = preferred_client(ETCD_CONFIG)[0] as EtcdClient;
  return { ...{ client, prefix: "/s/", history, began: 1 }, before: undefined, is_complete: true, listed };
}

/** Stores the upstream "app" in a version. */
function store(cluster_revision: string): void {
  write_own("app", CLUSTER, (current, revision) => {
    const row = current?.row ?? allocate_row(revision);
    if (row === undefined) return error("there is no row", 0);
    const base = { method: "round_robin" as const, next_id: 0, leavers: [], lines: [] };
    return $multi({ ...base, revision, row, cluster_revision }, undefined);
  });
}

describe("a gateway whose etcd has lost its data", () => {
  before_each(() => {
    make_dict();
    stub_ngx();
    reset_etcd();
    create(64, 16);
    make_locks();
    note_history(NEW);
  });

  it("takes over the version of the new history, although it changed the upstream while it listed the keys", () => {
    store(version(OLD, 5));
    const entry = { key: KEY, value: `${VALUE}\norigin=${version(OLD, 5)} 1`, revision: 3 };
    expect(settle(joined(NEW, 4), "app", entry, version(OLD, 4), 4)).equal(undefined);
    expect(read("app")?.cluster_revision).equal(version(NEW, 3));
  });

  it("keeps a change of the same history that it made while it listed the keys", () => {
    store(version(NEW, 5));
    const entry = { key: KEY, value: `${VALUE}\n1`, revision: 3 };
    expect(settle(joined(NEW, 4), "app", entry, version(NEW, 2), 4)).equal(undefined);
    expect(read("app")?.cluster_revision).equal(version(NEW, 5));
  });

  it("applies nothing of the history that is over, as a worker of the last configuration would", () => {
    store(version(NEW, 4));
    settle_change(joined(OLD, 4), { key: KEY, value: `${VALUE}\n1`, revision: 9 });
    expect(read("app")?.cluster_revision).equal(version(NEW, 4));
  });

  it("notices the new history although the watch does not tell it", () => {
    etcd_put("/s/state/history", NEW);
    expect(check_history(joined(NEW, 1))).equal(undefined);
    expect(check_history(joined(NEW, 1000))).equal("etcd begins a new history");
    expect(check_history(joined(OLD, 1))).equal("etcd begins a new history");
  });
});
