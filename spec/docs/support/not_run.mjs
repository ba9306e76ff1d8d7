/**
 * The blocks that no test of spec/docs runs, each with the reason. They are reported as skipped. The test of
 * a page fails if an entry matches no block, or if no rule covers a block.
 *
 * @type {{ page: string, starts: string, reason: string }[]} `starts`: the beginning of the block's text
 */
export const notRun = [
  {
    page: "docs/reference/access.md",
    starts: "listen 10.0.0.1:8443 ssl;",
    reason: "spec/gateway/client_certificates.test.mjs has the same directives, with certificates of its own",
  },
  {
    page: "CONTRIBUTING.md",
    starts: "git clone",
    reason: "these are the commands that run this test",
  },
  {
    page: "docs/speed.md",
    starts: "npm run bench",
    reason: "a bench takes minutes and needs a quiet machine",
  },
  {
    page: "docs/reliability.md",
    starts: "npm run simulate",
    reason: "spec/simulation/ runs the simulation",
  },
  {
    page: "docs/reliability.md",
    starts: "npm run fuzz",
    reason: "spec/fuzz/ fuzzes each target",
  },
  {
    page: "docs/reliability.md",
    starts: "npm run soak",
    reason: "an hour of churn takes an hour",
  },
  {
    page: "docs/load.md",
    starts: "npm run bench",
    reason: "the simulation takes minutes; spec/unit/bench/load.spec.ts runs parts of it",
  },
  {
    page: "docs/reference/setup.md",
    starts: "npm run build\nluarocks make",
    reason:
      "the command installs for the whole machine; spec/packages/luarocks.test.mjs uses a temporary tree",
  },
  {
    page: "docs/reference/setup.md",
    starts: "npm pack",
    reason: "spec/packages/npm.test.mjs packs and installs the package",
  },
  {
    page: "docs/reference/setup.md",
    starts: "docker compose up",
    reason: "spec/container/compose.test.mjs starts and scales the same file",
  },
  {
    page: "docs/reference/discovery.md",
    starts: "docker run -d --label",
    reason: "spec/container/docker_discovery.test.mjs starts containers with such labels",
  },
  ...[
    "docker compose up --build",
    "docker compose up --detach",
    "docker compose exec -T gateway cat /etc",
    "docker compose down",
  ].map((starts) => ({
    page: "docs/tutorial/07-containers.md",
    starts,
    reason: "spec/container/compose.test.mjs starts and scales the same file",
  })),
  {
    page: "docs/tutorial/08-kubernetes.md",
    starts: "kubectl create configmap",
    reason: "there is no Kubernetes: the spec parses the manifests, and the gateway follows a stand-in",
  },
  {
    page: "docs/tutorial/08-kubernetes.md",
    starts: "kubectl port-forward",
    reason: "there is no Kubernetes: the next commands query the page's gateway",
  },
];
