/** docs/tutorial/14-gitops.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/tutorial/14-gitops.md", { servers: [9001, 9002, 9003] });
