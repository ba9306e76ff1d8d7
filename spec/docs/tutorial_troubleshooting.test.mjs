/** docs/tutorial/13-troubleshooting.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/tutorial/13-troubleshooting.md", { servers: [9001, 9002] });
