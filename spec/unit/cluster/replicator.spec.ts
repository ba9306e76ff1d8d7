import "../support/nginx_stub";

import { call_count, ETCD_CONFIG, etcd_put, etcd_value, reset_etcd, stub_ngx } from "../support/etcd";
import { new_replicator } from "../../../src/resty/sluice/cluster/replicator";
import { value_of } from "../../../src/resty/sluice/cluster/value";
import { format_version, parse_version } from "../../../src/resty/sluice/cluster/version";
import { SERVER_DEFAULTS } from "../../../src/resty/sluice/config/server";
import { kernel_now } from "../../../src/resty/sluice/lib/clock";
import { note_grace, note_history } from "../../../src/resty/sluice/store/document/clustered";
import type { Document } from "../../../src/resty/sluice/store/document/document";
import { format_line } from "../../../src/resty/sluice/store/document/line";
import { LOST } from "../../../src/resty/sluice/store/document/problems";
import { read } from "../../../src/resty/sluice/store/document/read";
import { shared_text } from "../../../src/resty/sluice/store/document/replica";
import { CLUSTER } from "../../../src/resty/sluice/store/history/author";
import type { RowNumber } from "../../../src/resty/sluice/store/memory/cells";
import { make_locks } from "../../../src/resty/sluice/store/memory/lock";
import { create, revision } from "../../../src/resty/sluice/store/memory/region";
import { allocate_row } from "../../../src/resty/sluice/store/memory/rows";
import type { Reach } from "../../../src/resty/sluice/store/replicate";
import { put_cluster_problems } from "../../../src/resty/sluice/store/source_status";
import { write_own } from "../../../src/resty/sluice/store/write";
import { make_dict } from "../support/dict";
import { expect } from "../support/expect";

/** The last digits identify the cluster of the small etcd, which does not name it. */
const HISTORY = "0123456700000000";
const KEY = "/s/app";
const { share, catch_up } = new_replicator(ETCD_CONFIG);

function document_of(weight: number, cluster_revision?: string): Document {
  const id = 0;
  const line = format_line({
    ...SERVER_DEFAULTS,
    server: "10.0.0.1:80",
    weight,
    id,
    incarnation: 1,
    row: 2 as RowNumber,
  });
  const row = 1 as RowNumber;
  return {
    method: "round_robin",
    revision: 1,
    row,
    next_id: 1,
    leavers: [],
    lines: [line],
    cluster_revision,
  };
}

function start(): void {
  make_dict();
  stub_ngx();
  reset_etcd();
  etcd_put("/s/state/history", HISTORY);
  note_history(HISTORY);
}

/** Shares a change of the upstream "app". */
function share_change(
  current: Document | undefined,
  next: Document | undefined,
  reach: Reach = "all",
): ReturnType<typeof share> {
  return share([{ name: "app", current, next }], reach);
}

/** Shares a new upstream. Returns its version. */
function share_new(document: Document): string {
  return share_change(undefined, document)[0] as string;
}

describe("the replicator of a cluster", () => {
  before_each(start);

  it("stores the shared part of a new upstream in etcd, and returns its version", () => {
    const document = document_of(1);
    const version = share_new(document);
    expect(parse_version(version)?.history).equal(HISTORY);
    expect(string.match(etcd_value(KEY) ?? "", "^[^\n]*")[0]).equal(shared_text(document));
  });

  it("replaces only the version on which the change is based", () => {
    const version = share_new(document_of(1));
    const [second] = share_change(document_of(1, version), document_of(2));
    expect(second !== undefined).equal(true);
    expect(share_change(document_of(1, version), document_of(3))[1]).equal(LOST);
    expect(string.find(etcd_value(KEY) ?? "", '"weight":2', 1, true)[0] !== undefined).equal(true);
  });

  it("deletes the key of a deleted upstream", () => {
    const version = share_new(document_of(1));
    expect(share_change(document_of(1, version), undefined)[1]).equal(undefined);
    expect(etcd_value(KEY)).equal(undefined);
  });

  it("replaces a value that is known not to be an upstream", () => {
    const junk = etcd_put(KEY, "junk");
    expect(share_change(undefined, document_of(1))[1]).equal(LOST);
    put_cluster_problems(`{"app":{"error":"it is no upstream","junk":${string.format("%d", junk)}}}`);
    expect(share_change(undefined, document_of(1))[1]).equal(undefined);
  });

  it("sends nothing before this gateway has read the content of etcd", () => {
    make_dict();
    stub_ngx();
    expect(share_change(undefined, document_of(1))[1]?.code).equal("ClusterUnavailable");
    expect(call_count()).equal(0);
  });

  it("puts upstreams back that etcd has lost, and sends no change meanwhile", () => {
    note_grace(kernel_now() + 60);
    const lost = document_of(1, format_version({ history: "fedcba9876543210", revision: 7 }));
    expect(share_change(lost, document_of(2))[1]?.code).equal("ClusterUnavailable");
    expect(call_count()).equal(0);
    expect(share_change(lost, { ...lost, cluster_origin: lost.cluster_revision }, 0)[1]).equal(undefined);
    expect(etcd_value(KEY) ?? "").contains("\norigin=fedcba9876543210.");
  });
});

describe("a gateway that catches up with etcd", () => {
  before_each(() => {
    start();
    create(64, 16);
    make_locks();
  });

  /** Stores an upstream with its version in etcd. */
  function store(document: Document): void {
    const [stored, problem] = write_own("app", CLUSTER, (_current, made) => {
      const row = allocate_row(made) as RowNumber;
      return $multi({ ...document, row, revision: made, lines: [] }, undefined);
    });
    expect(problem).equal(undefined);
    expect(stored?.row !== undefined).equal(true);
  }

  it("takes over a newer version of an upstream that it has", () => {
    const first = share_new(document_of(1));
    store(document_of(1, first));
    const newer = etcd_put(KEY, value_of(document_of(5), undefined));
    catch_up("app");
    const document = read("app");
    expect(document?.lines.length).equal(1);
    expect(document?.cluster_revision).equal(format_version({ history: HISTORY, revision: newer }));
  });

  it("keeps its version when etcd has no newer one, and does not create an upstream that it does not have", () => {
    catch_up("app");
    expect(read("app")).equal(undefined);
    store(document_of(1, share_new(document_of(1))));
    const before = revision();
    catch_up("app");
    expect(revision()).equal(before);
  });
});
