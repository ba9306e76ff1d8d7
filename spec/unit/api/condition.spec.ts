import {
  Condition,
  condition_of,
  ignores_health,
  Plan,
  plan_of,
  state_index,
  STATES,
} from "../../../src/resty/sluice/api/condition";
import type { ServerConfig } from "../../../src/resty/sluice/config/server";
import { read_server } from "../../../src/resty/sluice/config/server";
import { Row, type RowNumber } from "../../../src/resty/sluice/store/memory/cells";
import { create, row_at, shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { Reported, State } from "../../../src/resty/sluice/store/memory/states";
import { expect } from "../support/expect";

const NUMBER = 1 as RowNumber;

function server(parameters: object): ServerConfig {
  return read_server({ server: "127.0.0.1:80", ...parameters })[0] as ServerConfig;
}

/** Returns the name of the state of a server with these parameters, report, health and active requests. */
function state(parameters: object, reported: Reported, health: State, active: number): string {
  const memory = shared_memory();
  const row = row_at(NUMBER);
  memory[row + Row.REPORTED_STATE] = reported;
  memory[row + Row.STATE] = health;
  return STATES[state_index(condition_of(plan_of(server(parameters)), row, active))];
}

before_each(() => {
  create(4, 4);
});

describe("the state of a server", () => {
  it("is that of its health if nothing else is set or reported", () => {
    const states: [State, string][] = [
      [State.UP, "up"],
      [State.UNAVAIL, "unavail"],
      [State.CHECKING, "checking"],
      [State.UNHEALTHY, "unhealthy"],
    ];
    for (const [health, name] of states) expect(state({}, Reported.UP, health, 1)).equal(name);
  });

  it("is what it reports, whatever its health", () => {
    for (const health of [State.UP, State.UNHEALTHY]) {
      expect(state({}, Reported.DRAIN, health, 0)).equal("draining");
      expect(state({}, Reported.WEIGHTLESS, health, 0)).equal("draining");
      expect(state({}, Reported.DOWN, health, 0)).equal("down");
    }
  });

  it("is what its parameters say, whatever it reports; but a draining server may report that it is down", () => {
    expect(state({ down: true }, Reported.DRAIN, State.UNHEALTHY, 3)).equal("down");
    expect(state({ drain: true }, Reported.UP, State.UNHEALTHY, 0)).equal("draining");
    expect(state({ drain: true }, Reported.DOWN, State.UP, 0)).equal("down");
  });

  it("of a standby server is draining while it has active requests, then down", () => {
    expect(state({ standby: true }, Reported.UP, State.UP, 1)).equal("draining");
    expect(state({ standby: true }, Reported.UP, State.UP, 0)).equal("down");
  });

  it("is worse by health than by configuration", () => {
    expect(Condition.UNHEALTHY < Condition.SET_DOWN).equal(true);
    expect(condition_of(Plan.DOWN, row_at(NUMBER), 0)).equal(Condition.SET_DOWN);
  });
});

describe("the health of an upstream's servers is ignored", () => {
  it("while the available servers are a smaller part than the threshold", () => {
    expect(ignores_health(50, 4, 4, 2, 0)).equal(false);
    expect(ignores_health(50, 4, 4, 3, 0)).equal(true);
    expect(ignores_health(0, 4, 4, 4, 0)).equal(false);
  });

  it("but not because no server is in rotation", () => {
    expect(ignores_health(50, 4, 0, 0, 0)).equal(false);
  });

  it("if its only server has failed", () => {
    expect(ignores_health(0, 1, 1, 1, 1)).equal(true);
    expect(ignores_health(0, 1, 1, 1, 0)).equal(false);
  });
});
