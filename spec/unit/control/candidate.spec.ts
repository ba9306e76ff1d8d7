import type { AutoscaleConfig } from "../../../src/resty/sluice/config/autoscale";
import { server_for } from "../../../src/resty/sluice/control/candidate";
import type { ControlledServer } from "../../../src/resty/sluice/control/controlled";
import type { Direction } from "../../../src/resty/sluice/control/scaling_rule";
import { utilization_of } from "../../../src/resty/sluice/control/utilization";
import { Row } from "../../../src/resty/sluice/store/memory/cells";
import { Reported } from "../../../src/resty/sluice/store/memory/states";
import { create, shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { expect } from "../support/expect";
import { controlled_server, fail, NOW, standby_server, upstream_of } from "./controlled_servers";

const STANDBY: AutoscaleConfig = {
  high: 0.8,
  low: 0.3,
  for: "30s",
  cooldown: "60s",
  min: 1,
  max: 10,
  dry_run: false,
};
const WEBHOOK: AutoscaleConfig = { ...STANDBY, webhook: { url: "http://127.0.0.1", secret: "secret" } };

/** Returns the address of the selected server and the obstacle. */
function select(
  servers: ControlledServer[],
  direction: Direction,
  config = STANDBY,
): LuaMultiReturn<[string | undefined, string | undefined]> {
  const utilization = utilization_of(servers, 180, NOW);
  const decision = { direction, reason: "" };
  const [server, obstacle] = server_for(upstream_of(servers), decision, config, utilization, NOW);
  return $multi(server?.server, obstacle);
}

function report(server: ControlledServer, state: Reported): void {
  shared_memory()[server.row + Row.REPORTED_STATE] = state;
}

describe("the server that is brought into service", () => {
  before_each(() => {
    create(64, 4);
  });

  it("is the first healthy standby server", () => {
    const servers = [controlled_server(0), standby_server(1), standby_server(2), standby_server(3)];
    expect(select(servers, "out")[0]).equal("10.0.0.2:80");
    fail(servers[1]);
    report(servers[2], Reported.DRAIN);
    expect(select(servers, "out")[0]).equal("10.0.0.4:80");
  });

  it("does not exist when no standby server is healthy", () => {
    const servers = [controlled_server(0), standby_server(1)];
    fail(servers[1]);
    const [server, obstacle] = select(servers, "out");
    expect(server).equal(undefined);
    expect(obstacle).equal("no standby server is healthy");
  });

  it("is chosen by the webhook, if there is one", () => {
    const [server, obstacle] = select([controlled_server(0), standby_server(1)], "out", WEBHOOK);
    expect(server).equal(undefined);
    expect(obstacle).equal(undefined);
  });
});

describe("the server that is taken out of service", () => {
  before_each(() => {
    create(64, 4);
  });

  it("is the server with the least weight, and the last added one among equals", () => {
    const servers = [
      controlled_server(0, { configured_weight: 2, factor: 0.4 }),
      controlled_server(1),
      controlled_server(2),
    ];
    expect(select(servers, "in")[0]).equal("10.0.0.1:80");
    servers[0].factor = 0.5;
    expect(select(servers, "in")[0]).equal("10.0.0.3:80");
  });

  it("is an unhealthy server if there is one", () => {
    const servers = [controlled_server(0, { configured_weight: 9 }), controlled_server(1)];
    fail(servers[0]);
    expect(select(servers, "in")[0]).equal("10.0.0.1:80");
  });

  it("is a standby server, or any server with a webhook", () => {
    const servers = [controlled_server(0), controlled_server(1, { in_service: false })];
    expect(select(servers, "in")[0]).equal("10.0.0.1:80");
    expect(select(servers, "in", WEBHOOK)[0]).equal("10.0.0.2:80");
    const [server, obstacle] = select([controlled_server(0, { in_service: false })], "in");
    expect(server).equal(undefined);
    expect(obstacle).equal("no standby server is in service");
  });

  it("is neither a backup server, nor a server that may not serve, nor a server that reports to drain", () => {
    const servers = [
      controlled_server(0, { configured_weight: 9 }),
      controlled_server(1, { backup: true }),
      controlled_server(2, { may_serve: false }),
      controlled_server(3),
      controlled_server(4, { configured_weight: 9 }),
    ];
    report(servers[3], Reported.DRAIN);
    expect(select(servers, "in")[0]).equal("10.0.0.5:80");
  });

  it("stays when too few healthy servers would remain", () => {
    const servers = [controlled_server(0), controlled_server(1)];
    const [server, obstacle] = select(servers, "in", { ...STANDBY, min: 2 });
    expect(server).equal("10.0.0.2:80");
    expect(obstacle).equal("only 2 servers are well");
    fail(servers[1]);
    const [unhealthy, none] = select(servers, "in", { ...STANDBY, min: 1 });
    expect(unhealthy).equal("10.0.0.2:80");
    expect(none).equal(undefined);
  });
});
