import {
  read_server_change,
  SERVER_DEFAULTS,
  type ServerChange,
  type ServerConfig,
} from "../../../../src/resty/sluice/config/server";
import { read_upstream, type UpstreamConfig } from "../../../../src/resty/sluice/config/upstream";
import {
  find_record,
  format_document,
  type Document,
} from "../../../../src/resty/sluice/store/document/document";
import { patch_server } from "../../../../src/resty/sluice/store/document/edit";
import { format_line, parse_line, type ServerRecord } from "../../../../src/resty/sluice/store/document/line";
import { node_server, register, renew } from "../../../../src/resty/sluice/store/document/nodes";
import { replace_upstream } from "../../../../src/resty/sluice/store/document/replace";
import {
  apply_shared,
  parse_shared,
  shared_text,
  type Shared,
} from "../../../../src/resty/sluice/store/document/replica";
import { replace_sourced, wanted_server } from "../../../../src/resty/sluice/store/document/sourced";
import { Row, type RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { use_rare_cells } from "../../../../src/resty/sluice/store/memory/rare_cells";
import { create, row_at, shared_memory } from "../../../../src/resty/sluice/store/memory/region";
import { make_dict } from "../../support/dict";
import { expect } from "../../support/expect";

const NOW = 1000;
const REVISION = 30;
const STANDBY = { server: "10.0.0.1:80", standby: true } as const;
const NODE = { name: "n", ttl: "5s", incarnation: "" };

/** Returns a standby server in service, with the id 1. */
function in_service(more: Partial<ServerConfig> = {}): ServerRecord {
  const parameters = { ...SERVER_DEFAULTS, ...STANDBY, in_service: true as const, ...more };
  return { ...parameters, id: 1, incarnation: 11, row: 21 as RowNumber };
}

/** Returns the same server out of service, with these parameters. */
function out_of_service(parameters: Partial<ServerConfig>): ServerRecord {
  return { ...SERVER_DEFAULTS, ...parameters, id: 1, incarnation: 11, row: 21 as RowNumber };
}

function document_of(record: ServerRecord): Document {
  const lines = [format_line({ ...in_service({ server: "10.0.0.9:80" }), id: 11 }), format_line(record)];
  return { method: "round_robin", revision: 20, next_id: 12, row: 3 as RowNumber, leavers: [], lines };
}

/** Returns the server with the id 1 of a changed document. */
function after([document, problem]: [Document | undefined, unknown]): ServerRecord {
  expect(problem).equal(undefined);
  return find_record(format_document(document as Document), 1) as ServerRecord;
}

function patch(input: Record<string, unknown>): ServerRecord {
  const [change] = read_server_change(input);
  return after(patch_server(document_of(in_service()), 1, change as ServerChange, REVISION));
}

function replace(...servers: object[]): Document {
  const [config] = read_upstream({ servers });
  const current = document_of(in_service());
  return replace_upstream(current, config as UpstreamConfig, REVISION)[0] as Document;
}

describe("a standby server in service", () => {
  before_each(() => {
    make_dict();
    create(64, 4);
  });

  it("has a line with `in_service`, and is found by its whole id", () => {
    const line = format_line(in_service());
    expect(line).equal('1 11 21 {"server":"10.0.0.1:80","standby":true,"in_service":true}');
    expect(parse_line(line)).same(in_service());
    const text = format_document(document_of(in_service()));
    expect(find_record(text, 1)).same(in_service());
    expect(find_record(text, 11)?.server).equal("10.0.0.9:80");
    for (const id of [0, 2, 20, 30, 111]) expect(find_record(text, id)).equal(undefined);
  });

  it("stays in service with other parameters, but not at another address or without `standby`", () => {
    expect(patch({ weight: 5 })).same({ ...in_service(), weight: 5 });
    expect(patch({ down: true })).same({ ...in_service(), down: true });
    expect(patch({ standby: false }).in_service).equal(undefined);
    const moved = patch({ server: "10.0.0.2:80" });
    expect([moved.standby, moved.in_service]).same([true, undefined]);
    // Another spelling of the same address changes nothing.
    expect(patch({ server: "10.0.0.1" })).same(in_service());
  });

  it("stays in service when its upstream is replaced", () => {
    const [line] = replace({ ...STANDBY, weight: 2 }).lines;
    expect(parse_line(line)).same({ ...in_service(), weight: 2 });
    const [serving] = replace({ server: STANDBY.server }).lines;
    expect(parse_line(serving)).same(out_of_service({ server: STANDBY.server }));
    const [other, added] = replace({ server: "10.0.0.9:80" }, { ...STANDBY, server: "10.0.0.2:80" }).lines;
    expect(parse_line(other).in_service).equal(undefined);
    expect([parse_line(added).standby, parse_line(added).in_service]).same([true, undefined]);
  });

  it("stays in service when it registered itself and its upstream is replaced", () => {
    const current = document_of(in_service({ source: "register", node: NODE }));
    const [config] = read_upstream({ servers: [STANDBY] });
    const [document] = replace_upstream(current, config as UpstreamConfig, REVISION);
    expect(document?.lines).same([current.lines[1]]);
    const [changed] = read_upstream({ servers: [{ server: STANDBY.server }] });
    const [, problem] = replace_upstream(current, changed as UpstreamConfig, REVISION);
    expect(problem?.code).equal("UpstreamServerImmutable");
  });

  it("renews its registration without a write, and stays in service with other parameters", () => {
    const record = in_service({ source: "register", node: NODE });
    const current = document_of(record);
    const memory = shared_memory();
    memory[row_at(record.row) + Row.STAMP] = record.incarnation;
    use_rare_cells(row_at(record.row));
    memory[row_at(record.row) + Row.EXPIRES] = NOW + 1;
    const given = node_server({ ...SERVER_DEFAULTS, ...STANDBY }, NODE);
    const text = table.concat(current.lines, "\n");
    expect(renew(text, given, NOW)?.in_service).equal(true);
    expect(memory[row_at(record.row) + Row.EXPIRES]).equal(NOW + 5);
    const serving = node_server({ ...SERVER_DEFAULTS, server: STANDBY.server }, NODE);
    expect(renew(text, serving, NOW)).equal(undefined);

    const registered = (server: ServerConfig) => after(register(current, server, NOW, REVISION));
    expect(registered({ ...given, weight: 4 })).same({ ...record, weight: 4 });
    expect(registered(serving).in_service).equal(undefined);
    expect(registered({ ...given, server: "10.0.0.2:80" }).in_service).equal(undefined);
    const again = node_server(given, { ...NODE, incarnation: "2" });
    expect(registered(again).in_service).equal(true);
    expect(registered(again).row === record.row).equal(false);
    record.in_service = undefined;
    expect(after(register(document_of(record), again, NOW, REVISION)).in_service).equal(undefined);
  });

  it("stays in service with other parameters of its registry, but not without `standby`", () => {
    const record = in_service({ source: "discovery" });
    const current = document_of(record);
    const found = (more: Partial<ServerConfig>) => {
      const server = { ...SERVER_DEFAULTS, server: STANDBY.server, ...more, source: "discovery" } as const;
      return after(
        replace_sourced(current, "discovery", [wanted_server(server)], true, REVISION, {
          most: 1,
          is_last: true,
        }),
      );
    };
    expect(found({ standby: true })).same(record);
    expect(found({ standby: true, weight: 3 })).same({ ...record, weight: 3 });
    expect(found({}).in_service).equal(undefined);
  });

  it("is in service at the other gateways of a cluster", () => {
    const current = document_of(in_service());
    const shared = parse_shared(shared_text(current))[0] as Shared;
    expect(shared.servers.map((server) => server.in_service)).same([true, true]);
    const [made] = apply_shared(undefined, shared, { cluster_revision: "1" }, REVISION);
    expect(shared_text(made as Document)).equal(shared_text(current));
    const [same] = apply_shared(current, shared, { cluster_revision: "1" }, REVISION);
    expect(same?.lines).same(current.lines);
    const back = parse_shared(shared_text(document_of(out_of_service(STANDBY))))[0] as Shared;
    expect(after(apply_shared(current, back, { cluster_revision: "2" }, REVISION)).in_service).equal(
      undefined,
    );
  });

  it("is in service at other gateways only with both `standby` and `in_service`", () => {
    for (const server of ['"in_service":true', '"standby":true,"in_service":"yes"', '"standby":true']) {
      const text = `{"method":"random","next_id":2,"servers":[{"id":1,"server":"10.0.0.1:80",${server}}]}`;
      expect((parse_shared(text)[0] as Shared).servers[0].in_service).equal(undefined);
    }
  });
});
