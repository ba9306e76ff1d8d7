import {
  add_services,
  drop_service,
  new_service_queue,
  next_services,
} from "../../../../src/resty/sluice/discovery/template/service_queue";
import { set_of } from "../../../../src/resty/sluice/lib/tables";
import { expect } from "../../support/expect";

describe("the queue of services", () => {
  it("lets no service wait for more than one round when all of them become due again and again", () => {
    const queue = new_service_queue();
    const names: string[] = [];
    for (const number of $range(1, 50)) names.push(`s${number}`);
    const asked = new LuaTable<string, number>();
    for (const name of names) asked.set(name, 0);
    for (const _ of $range(1, 50)) {
      add_services(queue, set_of(names));
      for (const name of next_services(queue, 16)) asked.set(name, asked.get(name) + 1);
    }
    // Those that become due together have no order, so a service waits for up to 49 + 15 others.
    for (const name of names) expect(asked.get(name) >= 12).equal(true);
  });

  it("gives each service once, and none that has left", () => {
    const queue = new_service_queue();
    add_services(queue, set_of(["a"]));
    add_services(queue, set_of(["a", "b"]));
    add_services(queue, set_of(["a", "b", "c"]));
    drop_service(queue, "b");
    drop_service(queue, "d");
    expect(table.concat(next_services(queue, 16), " ")).equal("a c");
    expect(next_services(queue, 16).length).equal(0);
  });
});
