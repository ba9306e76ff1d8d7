/** docs/tutorial/12-monitoring.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/tutorial/12-monitoring.md", { servers: [9001, 9002] });
