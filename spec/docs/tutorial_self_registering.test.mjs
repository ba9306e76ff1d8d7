/** docs/tutorial/02-self-registering-servers.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/tutorial/02-self-registering-servers.md", { servers: [9001, 9002] });
