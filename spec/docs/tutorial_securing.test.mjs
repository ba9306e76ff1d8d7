/** docs/tutorial/11-securing.md */
import { withOwnGateways } from "./support/own_gateways.mjs";
import { testPage } from "./support/page_test.mjs";

testPage("docs/tutorial/11-securing.md", {
  servers: [9001, 9002],
  before: withOwnGateways([".sluice/secure"]),
});
