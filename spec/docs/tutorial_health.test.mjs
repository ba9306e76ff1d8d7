/** docs/tutorial/04-health-checks-and-failures.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/tutorial/04-health-checks-and-failures.md", { servers: [9001, 9002] });
