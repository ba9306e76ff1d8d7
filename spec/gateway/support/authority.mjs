/** A certificate authority of a test, which issues certificates for servers and clients. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "./folder.mjs";

export class Authority {
  #folder;
  #count = 0;

  /** @param {import("node:test").TestContext} context @param {string} [subject] */
  constructor(context, subject = "/CN=Test authority") {
    this.#folder = makeFolder(context, "authority");
    this.#openssl("req", "-x509", ...this.#newKey("ca"), "-days", "30", "-subj", subject, "-out", "ca.crt");
  }

  /** @param {string[]} args */
  #openssl(...args) {
    execFileSync("openssl", args, { cwd: this.#folder, stdio: "pipe" });
  }

  /** @param {string} name */
  #newKey(name) {
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    return [...curve, "-nodes", "-keyout", `${name}.key`, "-utf8"];
  }

  /** The path of the authority's certificate. */
  get path() {
    return join(this.#folder, "ca.crt");
  }

  /**
   * Issues a certificate.
   * @param {string} subject such as `/O=Example/CN=deploy`
   * @param {string[]} [more] arguments of `openssl x509`
   * @returns {{ key: string, cert: string, keyPath: string, certPath: string }}
   */
  issue(subject, more = ["-days", "30"]) {
    this.#count += 1;
    const name = `issued${this.#count}`;
    this.#openssl("req", ...this.#newKey(name), "-subj", subject, "-out", `${name}.csr`);
    const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"];
    this.#openssl("x509", "-req", "-in", `${name}.csr`, ...signed, ...more, "-out", `${name}.crt`);
    const keyPath = join(this.#folder, `${name}.key`);
    const certPath = join(this.#folder, `${name}.crt`);
    writeFileSync(keyPath, readFileSync(keyPath), { mode: 0o644 });
    return { key: readFileSync(keyPath, "utf8"), cert: readFileSync(certPath, "utf8"), keyPath, certPath };
  }
}
