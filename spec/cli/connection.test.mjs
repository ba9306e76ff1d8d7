/** Tests of how the command finds and trusts a gateway: addresses, tokens, certificates, contexts. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { atEnd } from "../gateway/support/cleanup.mjs";
import { makeFolder } from "../gateway/support/folder.mjs";
import { startGateway } from "../gateway/support/gateway.mjs";
import { freePort } from "../gateway/support/ports.mjs";
import { writeCertificates } from "../gateway/support/registry_certificates.mjs";
import { User } from "./support/command.mjs";

const server = "127.0.0.1:9001";
const token = "5f1c8a3e0b7d4f6f9a2c";

/** Starts a gateway that requires a token. @param {import("node:test").TestContext} context */
const startGuarded = (context) =>
  startGateway(context, {
    servers: [server],
    setup: { api: { write_tokens: [token], read_tokens: ["a-token-that-may-only-read"] } },
  });

test("the API is reached over HTTP, with and without its prefix", async (context) => {
  const { apiPort, log } = await startGateway(context, { servers: [server] });
  log.allow(/open\(\) ".*other.*" failed/);
  const user = new User(context);
  const address = `http://127.0.0.1:${apiPort}`;
  for (const spelling of [
    address,
    `${address}/`,
    `${address}/api`,
    `${address}/api/`,
    `http://localhost:${apiPort}`,
  ])
    assert.match(await user.sluice("get", "--address", spelling), /\napp /);
  const wrong = await user.fails("get", "--address", `${address}/other`);
  assert.match(wrong, /answers 404, but not from the API of Sluice: check --address and its path/);
});

test("the API is reached over a unix socket", async (context) => {
  const gateway = await startGateway(context, { servers: [server], apiUnix: true });
  const user = new User(context);
  const address = `unix:${gateway.folder}/api.sock`;
  for (const spelling of [address, `${address}:/api`, `http://${address}:/api/`])
    assert.match(await user.sluice("get", "--address", spelling), /\napp /);
  assert.match(
    await user.sluice("set", "app", server, "--weight", "2", "--address", address),
    /weight 1 → 2/,
  );
  const missing = await user.fails("get", "--address", `unix:${gateway.folder}/none.sock`);
  assert.match(missing, /could not reach unix:\S+none\.sock: there is no such socket/);
});

test("the API is reached over TLS, and only a trusted certificate for its address is accepted", async (context) => {
  const { trusted, named, otherName, unknown } = writeCertificates(makeFolder(context, "certificates"));
  const certificates = [named, otherName, unknown];
  const ports = await Promise.all(certificates.map(() => freePort()));
  const servers = certificates.map(
    ({ cert, key }, index) => `server {
      listen 127.0.0.1:${ports[index]} ssl;
      ssl_certificate ${cert};
      ssl_certificate_key ${key};
      location /api { content_by_lua_block { require("resty.sluice").api() } }
    }`,
  );
  const setup = { api: { write_tokens: [token] } };
  await startGateway(context, { servers: [server], setup, http: servers.join("\n") });
  const user = new User(context);
  user.write("token", `${token}\n`);
  const [forAddress, forOther, unknownOne] = ports.map((port) => `https://127.0.0.1:${port}`);
  const options = ["--token-file", "token", "--ca-file", trusted];
  assert.match(await user.sluice("get", "--address", forAddress, ...options), /\napp /);
  assert.match(
    await user.fails("get", "--address", forOther, ...options),
    /could not trust https:\S+: .*--ca-file/,
  );
  assert.match(await user.fails("get", "--address", unknownOne, ...options), /could not trust/);
  const untrusting = ["--token-file", "token"];
  assert.match(await user.fails("get", "--address", forAddress, ...untrusting), /could not trust/);
  assert.match(await user.sluice("get", "--address", unknownOne, ...untrusting, "--insecure"), /\napp /);
});

test("the token comes from a file, and is never shown", async (context) => {
  const { apiPort } = await startGuarded(context);
  const user = new User(context, { SLUICE_ADDRESS: `http://127.0.0.1:${apiPort}` });
  assert.match(await user.fails("get"), /token.*: give one with --token-file or SLUICE_TOKEN_FILE$/);
  const file = user.write("token", `${token}\n`);
  assert.match(await user.sluice("get", "--token-file", file), /\napp /);
  user.environment.SLUICE_TOKEN_FILE = file;
  assert.match(await user.sluice("set", "app", server, "--weight", "2"), /weight 1 → 2/);

  user.write("reader", "a-token-that-may-only-read");
  assert.match(await user.sluice("get", "--token-file", "reader"), /\napp /);
  assert.match(await user.fails("rm", "app", server, "-y", "--token-file", "reader"), /token/);
  assert.match(
    await user.fails("get", "--token-file", "none"),
    /could not read the token file none: there is no such/,
  );
  user.write("two", `${token} ${token}`);
  const refused = await user.fails("get", "--token-file", "two");
  assert.match(refused, /the token file two must contain one token/);
  assert.ok(!refused.includes(token));
});

test("a context names a gateway and its token; options and environment come first", async (context) => {
  const [guarded, open] = [
    await startGuarded(context),
    await startGateway(context, { upstreams: { other: {} } }),
  ];
  const user = new User(context);
  user.write(".config/tokens/production", token);
  user.write(
    ".config/sluice.yaml",
    `context: production
contexts:
  production: { address: "http://127.0.0.1:${guarded.apiPort}", token_file: tokens/production }
  home: { address: "http://127.0.0.1:${guarded.apiPort}", token_file: ~/.config/tokens/production }
  open: { address: "http://127.0.0.1:${open.apiPort}" }
`,
  );
  assert.match(await user.sluice("get"), /\napp /);
  assert.match(await user.sluice("get", "--context", "home"), /\napp /);
  assert.match(await user.sluice("get", "--context", "open"), /\nother /);
  user.environment.SLUICE_CONTEXT = "open";
  assert.match(await user.sluice("get"), /\nother /);
  assert.match(await user.sluice("get", "--context", "production"), /\napp /);
  assert.match(
    await user.fails("get", "--context", "none"),
    /has no context "none", but production, home, open$/,
  );
  const moved = user.write(
    "elsewhere.yaml",
    `contexts: { open: { address: "http://127.0.0.1:${open.apiPort}" } }`,
  );
  assert.match(
    await new User(context, { SLUICE_CONFIG: moved, SLUICE_CONTEXT: "open" }).sluice("get"),
    /\nother /,
  );
});

test("the token of a context is not sent to an address from elsewhere", async (context) => {
  const heard = [];
  const port = await freePort();
  const listener = createServer(({ headers }, response) => {
    heard.push(headers.authorization);
    response.end("{}");
  }).listen(port, "127.0.0.1");
  atEnd(context, () => listener.close());
  const user = new User(context, { SLUICE_ADDRESS: `http://127.0.0.1:${port}` });
  user.write(".config/token", token);
  user.write(
    ".config/sluice.yaml",
    'context: a\ncontexts: { a: { address: "http://127.0.0.1:1", token_file: token } }',
  );
  await user.run(["get"]);
  await user.run(["get", "--address", `http://127.0.0.1:${port}`]);
  assert.deepEqual(heard, [undefined, undefined]);
});

test("a mistake in the file of contexts is named", async (context) => {
  const user = new User(context);
  for (const [content, reason] of [
    ["contexts: [", /sluice\.yaml: /],
    ["5", /must be an object with "contexts"/],
    ["context: 5", /"context" must be a name/],
    ["contexts: []", /"contexts" must be an object/],
    ["contexts: { a: 5 }\ncontext: a", /the context "a" must be an object/],
    ["contexts: { a: { adress: x } }", /"a" has an unknown member "adress": allowed are address, token_file/],
    ["contexts: { a: { address: 5 } }", /"address" of the context "a" must be a string/],
    ["context: b", /has no context "b"$/],
  ]) {
    user.write(".config/sluice.yaml", content);
    assert.match(await user.fails("get"), reason);
  }
});

test("an address that cannot be one is refused with an example", async (context) => {
  const user = new User(context);
  for (const address of ["localhost:8081", "ftp://127.0.0.1", "x", "http://"])
    assert.match(
      await user.fails("get", "--address", address),
      /must begin with http:\/\/, https:\/\/ or unix:/,
    );
  assert.match(await user.fails("get", "--address", "unix:relative"), /write unix:\/path/);
  const secret = await user.fails("get", "--address", `http://user:${token}@127.0.0.1`);
  assert.match(secret, /must not contain a password: use --token-file/);
  assert.ok(!secret.includes(token));
});

test("a gateway that cannot be reached, or that is none, is reported in one line", async (context) => {
  const user = new User(context);
  const port = await freePort();
  assert.equal(
    await user.fails("get", "--address", `http://127.0.0.1:${port}`),
    `could not reach http://127.0.0.1:${port}: connection refused: start the gateway, or name its API with --address`,
  );
  const answers = { status: 200, text: "<html>" };
  const listener = createServer((request, response) => {
    if (answers.status === 0) request.socket.destroy();
    else response.writeHead(answers.status).end(answers.text);
  }).listen(port, "127.0.0.1");
  atEnd(context, () => listener.close());
  user.environment.SLUICE_ADDRESS = `http://127.0.0.1:${port}`;
  assert.match(await user.fails("get"), /answers, but not in JSON: check --address/);
  answers.status = 502;
  assert.match(await user.fails("get"), /answers 502, but not from the API of Sluice/);
  answers.status = 413;
  assert.match(await user.fails("add", "app", server), /too large for nginx: raise client_max_body_size/);
  answers.status = 0;
  assert.match(await user.fails("get"), /has not answered: /);
  assert.match(await user.fails("add", "app", server), /has not answered: .*: the change may have been made/);
});
