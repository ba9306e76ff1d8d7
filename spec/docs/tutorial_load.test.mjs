/** docs/tutorial/05-load-and-scaling.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/tutorial/05-load-and-scaling.md", { servers: [9001, 9002] });
