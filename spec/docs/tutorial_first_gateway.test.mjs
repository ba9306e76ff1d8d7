/** docs/tutorial/01-first-gateway.md: the page writes its own nginx.conf and starts its own servers. */
import { withOwnGateways } from "./support/own_gateways.mjs";
import { testPage } from "./support/page_test.mjs";

testPage("docs/tutorial/01-first-gateway.md", { servers: [], before: withOwnGateways([".sluice/first"]) });
