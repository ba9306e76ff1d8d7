/** docs/tutorial/10-deploy-script.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/tutorial/10-deploy-script.md", { servers: [9001, 9002] });
