/** Bad methods, versions, paths, names and whole upstreams, for the table of bad requests. */
import { bad, formatError, servers, upstreams } from "./bad_requests.mjs";

// Methods.
for (const [method, path] of [
  ["PUT", servers],
  ["PATCH", servers],
  ["PROPFIND", servers],
  ["POST", `${servers}/0`],
  ["PUT", `${servers}/0`],
  ["POST", "/api"],
  ["DELETE", "/api"],
  ["POST", "/api/9"],
  ["POST", "/api/9/http"],
  ["POST", "/api/9/nginx"],
  ["PUT", "/api/9/http/upstreams/app"],
  ["PATCH", "/api/9/http/upstreams"],
  ["POST", "/api/9/http/upstreams"],
  ["POST", upstreams],
  ["DELETE", upstreams],
  ["POST", `${upstreams}/app`],
]) {
  bad(method, path, method === "DELETE" ? undefined : { server: "127.0.0.9:1" }, 405, "MethodDisabled");
}

// Versions, paths and names.
for (const version of ["0", "10", "99", "-1", "9.0", "09", "x", "%39x", "v9"]) {
  bad("GET", `/api/${version}/http/upstreams`, undefined, 404, "UnknownVersion");
}
bad("POST", "/api/10/http/upstreams/app/servers", { server: "127.0.0.9:1" }, 404, "UnknownVersion");
bad("GET", "/api/sluice", undefined, 404, "UnknownVersion");
bad("GET", "/api/sluice/2/upstreams", undefined, 404, "UnknownVersion");
for (const path of [
  "/api/9/nothing",
  "/api/9/http/nothing",
  "/api/9/http/upstreams/app/nothing",
  `${servers}/0/more`,
  "/api/9/stream",
  "/api/9/stream/upstreams",
  "/api/9/http/keyvals/some",
  "/api/sluice/1/nothing",
  `${upstreams}/app/servers`,
]) {
  bad("GET", path, undefined, 404, "PathNotFound");
}
bad("GET", "/api/9/http/upstreams/nobody", undefined, 404, "UpstreamNotFound");
bad("DELETE", "/api/9/http/upstreams/nobody", undefined, 404, "UpstreamNotFound");
bad("GET", "/api/9/http/upstreams/nobody/servers", undefined, 404, "UpstreamNotFound");
bad("POST", "/api/9/http/upstreams/nobody/servers", { server: "127.0.0.9:1" }, 404, "UpstreamNotFound");
bad(
  "DELETE",
  "/api/9/http/upstreams/DASHBOARD_INIT/servers/__TEST_FOR_WRITE__/",
  undefined,
  404,
  "UpstreamNotFound",
);
for (const method of ["GET", "PATCH", "DELETE"]) {
  bad(method, `${upstreams}/nobody`, method === "PATCH" ? {} : undefined, 404, "UpstreamNotFound");
}

// Whole upstreams.
for (const name of ["a%20b", "a%2Fb", "%0A", "a%22b", "gr%C3%B6sse", "n".repeat(300)]) {
  bad("PUT", `${upstreams}/${name}`, { servers: [] }, 400, formatError, /name/);
}
for (const method of ["PUT", "PATCH"]) {
  const path = `${upstreams}/app`;
  const good = { server: "127.0.0.9:1" };
  bad(method, path, "[1]", 415, "JsonError", /object/);
  bad(method, path, "null", 415, "JsonError", /object/);
  bad(method, path, { server: "127.0.0.9:1" }, 400, formatError, /unknown parameter "server"/);
  bad(method, path, { method: "best" }, 400, formatError, /"method"/);
  bad(method, path, { method: 5 }, 400, formatError, /"method"/);
  bad(method, path, { servers: "127.0.0.9:1" }, 400, formatError, /"servers"/);
  bad(method, path, { servers: null }, 400, formatError, /"servers"/);
  bad(method, path, { servers: { a: good } }, 400, formatError, /"servers"/);
  bad(method, path, { servers: [good, "127.0.0.9:2"] }, 400, formatError, /servers\[1\]/);
  bad(method, path, { servers: [good, null] }, 400, formatError, /servers\[1\]/);
  bad(method, path, { servers: [good, [good]] }, 400, formatError, /servers\[1\]/);
  bad(
    method,
    path,
    { servers: [good, {}] },
    400,
    formatError,
    /servers\[1\].*invalid "server": must be given/,
  );
  bad(method, path, { servers: {} }, 400, formatError, /"servers"/);
  bad(method, path, { servers: [good, { ...good, port: 3 }] }, 400, formatError, /servers\[1\].*"port"/);
  bad(
    method,
    path,
    { servers: [good, { server: "127.0.0.9:x" }] },
    400,
    "UpstreamBadAddress",
    /servers\[1\]/,
  );
  bad(
    method,
    path,
    { servers: [{ ...good, weight: 0 }] },
    400,
    "UpstreamBadWeight",
    /servers\[0\].*"weight"/,
  );
  bad(method, path, { servers: [{ ...good, max_conns: -9 }] }, 400, "UpstreamBadMaxConns", /servers\[0\]/);
  bad(method, path, { servers: [good, good] }, 409, "EntryExists", /servers\[1\]/);
}
