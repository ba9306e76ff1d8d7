/** The examples of the guides of nginx's documentation. */

/** @type {import("./nginx_confs.mjs").Case[]} */
export const cases = [
  {
    name: "guide: least connections, and random with two choices",
    conf: `http {
  upstream backend { least_conn; server 10.0.0.1; server 10.0.0.2; }
  upstream two { random two least_time=last_byte; server 10.0.0.1; server 10.0.0.2; server 10.0.0.3; server 10.0.0.4; }
  upstream plain { random; server 10.0.0.1; }
  upstream usual { random two; server 10.0.0.1; }
}
`,
    upstreams: {
      backend: { method: "least_conn", servers: [{ server: "10.0.0.1" }, { server: "10.0.0.2" }] },
      two: {
        method: "random",
        random: { two: "least_time" },
        servers: [1, 2, 3, 4].map((number) => ({ server: `10.0.0.${number}` })),
      },
      plain: { method: "random", servers: [{ server: "10.0.0.1" }] },
      usual: { method: "random", random: { two: "least_conn" }, servers: [{ server: "10.0.0.1" }] },
    },
    remarks: [["nginx.conf:3", /compares the time of the header/]],
  },
  {
    name: "guide: hash with keys, with and without consistent",
    conf: `upstream a { hash $request_uri consistent; server 10.0.0.1; }
upstream b { hash "$remote_addr$scheme"; server 10.0.0.1; }
upstream c { hash \${uri}-x; server 10.0.0.1; }
`,
    upstreams: {
      a: {
        method: "hash",
        hash: { key: "$request_uri", consistent: true },
        servers: [{ server: "10.0.0.1" }],
      },
      b: { method: "hash", hash: { key: "$remote_addr$scheme" }, servers: [{ server: "10.0.0.1" }] },
      c: { method: "hash", hash: { key: "${uri}-x" }, servers: [{ server: "10.0.0.1" }] },
    },
  },
  {
    name: "guide: least_time, queue and max_conns (NGINX Plus)",
    conf: `upstream backend {
  least_time last_byte inflight;
  server 10.0.0.1 max_conns=3;
  server 10.0.0.2 slow_start=30s;
  queue 100 timeout=70;
}
upstream header { least_time header; server 10.0.0.1; queue 5; }
`,
    upstreams: {
      backend: {
        method: "least_time",
        least_time: { measure: "last_byte", inflight: true },
        queue: { size: 100, timeout: "70s" },
        servers: [
          { server: "10.0.0.1", max_conns: 3 },
          { server: "10.0.0.2", slow_start: "30s" },
        ],
      },
      header: {
        method: "least_time",
        least_time: { measure: "header" },
        queue: { size: 5 },
        servers: [{ server: "10.0.0.1" }],
      },
    },
    remarks: [
      ["nginx.conf:5", /needs access_by_lua_block/],
      ["nginx.conf:7", /needs access_by_lua_block/],
    ],
  },
];
