/** docs/tutorial/: the list of its pages, and the page with commands that only spec/container runs. */
import { testPage } from "./support/page_test.mjs";

testPage("docs/tutorial/README.md");

testPage("docs/tutorial/07-containers.md", {
  kinds: {
    upstreams: async (scene, block, text) => {
      for (const [name, upstream] of Object.entries(JSON.parse(text))) {
        const path = `/api/sluice/1/upstreams/page-${name}`;
        await scene.gateway.api.expect(201, "PUT", path, upstream);
        await scene.gateway.api.expect(204, "DELETE", path);
      }
    },
  },
});
