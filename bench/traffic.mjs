import { execFileSync } from "node:child_process";
import { join } from "node:path";

/**
 * What clients do.
 *
 * @typedef {object} Traffic
 * @property {string} label
 * @property {number} bytes the body of an answer; 0: a few bytes
 * @property {number} connections
 * @property {"HTTP/1.1" | "TLS" | "HTTP/2"} protocol HTTP/1.1 over TLS, or HTTP/2 over TLS
 */

/**
 * Where clients connect with TLS.
 *
 * @typedef {object} Secure
 * @property {number} port
 * @property {string} certificate its file
 * @property {string} key the file of its key
 */

/** The traffic of most parts. @type {Traffic} */
export const tiny = { label: "a few bytes", bytes: 0, connections: 32, protocol: "HTTP/1.1" };

const KIB = 1024;

/** @type {Traffic[]} */
export const realistic = [
  tiny,
  { label: "10 KB", bytes: 10 * KIB, connections: 32, protocol: "HTTP/1.1" },
  { label: "10 KB, 1,000 connections", bytes: 10 * KIB, connections: 1000, protocol: "HTTP/1.1" },
  { label: "10 KB, TLS", bytes: 10 * KIB, connections: 32, protocol: "TLS" },
  { label: "10 KB, HTTP/2 over TLS", bytes: 10 * KIB, connections: 32, protocol: "HTTP/2" },
];

/**
 * Makes a certificate for a gateway.
 * @param {string} folder
 * @param {number} port
 * @returns {Secure}
 */
export function makeCertificate(folder, port) {
  const certificate = join(folder, "certificate.pem");
  const key = join(folder, "key.pem");
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const files = ["-keyout", key, "-out", certificate];
  execFileSync("openssl", ["req", "-x509", ...curve, ...files, "-days", "2", "-subj", "/CN=localhost"], {
    stdio: "ignore",
  });
  return { port, certificate, key };
}
