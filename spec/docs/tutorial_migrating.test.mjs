/** docs/tutorial/09-migrating.md: one nginx, reloaded from an upstream block to Sluice under load. */
import { withOwnGateways } from "./support/own_gateways.mjs";
import { testPage } from "./support/page_test.mjs";

testPage("docs/tutorial/09-migrating.md", { servers: [], before: withOwnGateways([".sluice/migrate"]) });
