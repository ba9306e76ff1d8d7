/**
 * A TLS server for demos. It uses the certificate in .sluice/ for the name that the client asks for by SNI,
 * or else the first one, and answers with that name: node server.mjs 9443 payments search
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createSecureContext } from "node:tls";
import { fileURLToPath } from "node:url";

/**
 * @param {number} port on 127.0.0.1
 * @param {string[]} names names of its certificates
 * @param {string} folder of the certificates
 * @returns {Promise<import("node:https").Server>} once it listens
 */
export function startServer(port, names, folder) {
  const certificates = new Map(
    names.map((name) => {
      const [cert, key] = ["pem", "key"].map((ending) => readFileSync(`${folder}/${name}.${ending}`));
      return [`${name}.internal`, { cert, key }];
    }),
  );
  const [first] = certificates.values();
  const SNICallback = (name, done) => done(null, createSecureContext(certificates.get(name) ?? first));
  const server = createServer({ ...first, SNICallback }, (request, response) => {
    request.resume();
    response.end(
      `server ${port}, asked for as ${request.socket.servername}: ${request.method} ${request.url}\n`,
    );
  });
  // nginx must close idle connections. If this server closed one, a request could arrive at the same moment
  // and fail.
  server.keepAliveTimeout = 75_000;
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", () => resolve(server));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port, ...names] = process.argv.slice(2);
  await startServer(Number(port), names, `${import.meta.dirname}/.sluice`);
  console.log(`listening on 127.0.0.1:${port}`);
}
