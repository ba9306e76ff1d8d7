import { utilization_of } from "../../../src/resty/sluice/control/utilization";
import { create } from "../../../src/resty/sluice/store/memory/region";
import { expect } from "../support/expect";
import { controlled_server, fail, NOW, standby_server } from "./controlled_servers";

const EXPIRY = 180;

describe("the utilization of an upstream", () => {
  before_each(() => {
    create(64, 4);
  });

  it("is the mean of the servers in service", () => {
    const servers = [
      controlled_server(0, { utilization: 0.2 }),
      controlled_server(1, { utilization: 0.6 }),
      standby_server(2),
      controlled_server(3, { backup: true, utilization: 1 }),
    ];
    expect(utilization_of(servers, EXPIRY, NOW)).same({ in_service: 2, well: 2, known: 2, mean: 0.4 });
  });

  it("leaves out unhealthy servers, and counts them", () => {
    const servers = [controlled_server(0, { utilization: 0.2 }), controlled_server(1, { utilization: 1 })];
    fail(servers[1]);
    expect(utilization_of(servers, EXPIRY, NOW)).same({ in_service: 2, well: 1, known: 1, mean: 0.2 });
  });

  it("leaves out servers without a report, and those whose report has expired", () => {
    const servers = [
      controlled_server(0, { utilization: 0.2, reported_at: NOW - EXPIRY }),
      controlled_server(1, { reported_at: NOW - EXPIRY - 1 }),
      controlled_server(2, { reported_at: 0 }),
    ];
    expect(utilization_of(servers, EXPIRY, NOW)).same({ in_service: 3, well: 3, known: 1, mean: 0.2 });
  });

  it("counts a utilization above 1 as 1", () => {
    const servers = [controlled_server(0, { utilization: 10 }), controlled_server(1, { utilization: 0 })];
    expect(utilization_of(servers, EXPIRY, NOW).mean).equal(0.5);
  });

  it("is 0 when no server is known", () => {
    expect(utilization_of([], EXPIRY, NOW)).same({ in_service: 0, well: 0, known: 0, mean: 0 });
  });
});
