import { place_of_key, unfit_name } from "../../../../src/resty/sluice/discovery/template/names";
import { expect } from "../../support/expect";

const PREFIX = { before: "/u/", after: "/servers/" };

describe("the upstream of a key", () => {
  it("is named by the key", () => {
    expect(place_of_key(PREFIX, "/u/app/servers/10.0.0.1:80")).same({ name: "app" });
  });

  it("is none for other keys, which are no mistake", () => {
    expect(place_of_key(PREFIX, "/u/app/owner")).same({});
    expect(place_of_key(PREFIX, "/u/a b/owner")).same({});
  });

  it("is none for a key without a name, and for a bad name, which are mistakes", () => {
    expect(place_of_key(PREFIX, "/u/app").reason).equal("the key has no slash after its name");
    expect(place_of_key(PREFIX, "/u/a b/servers/x").reason).equal(
      "invalid upstream name: must contain only letters, digits and . _ : @ ~ + -",
    );
    expect(place_of_key(PREFIX, "/u/a b/servers/x").name).equal(undefined);
    expect(unfit_name("app")).equal(undefined);
    expect(unfit_name(string.rep("x", 129))).equal(
      "invalid upstream name: must not be longer than 128 bytes",
    );
  });
});
