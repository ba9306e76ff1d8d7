/** Configurations of nginx that are written in unusual ways. */
const host = /is neither an IP address nor a host name/;

/** @type {import("./nginx_confs.mjs").Case[]} */
export const cases = [
  {
    name: "all parameters of a server",
    conf: `upstream app {
  server 10.0.0.1:80 weight=2 max_conns=10 max_fails=0 fail_timeout=30 slow_start=1m route=x;
  server 10.0.0.2:80 backup down;
  server 10.0.0.3:80 drain;
  server 10.0.0.4:80 id=4 sid=d;
}
`,
    upstreams: {
      app: {
        servers: [
          {
            server: "10.0.0.1:80",
            weight: 2,
            max_conns: 10,
            max_fails: 0,
            fail_timeout: "30s",
            slow_start: "1m",
            route: "x",
          },
          { server: "10.0.0.2:80", backup: true, down: true },
          { server: "10.0.0.3:80", drain: true },
          { server: "10.0.0.4:80" },
        ],
      },
    },
    missing: [
      ["nginx.conf:5", /id=4: Sluice has no such parameter/],
      ["nginx.conf:5", /sid=d: Sluice has no such parameter/],
    ],
  },
  {
    name: "IPv6, unix sockets and localhost",
    conf: `upstream app {
  server [::1];
  server [2001:db8::2]:8080 weight=3;
  server unix:/run/app.sock fail_timeout=0;
  server localhost:3000;
  server unix:/run/app.sock:/;
}
`,
    upstreams: {
      app: {
        servers: [
          { server: "[::1]" },
          { server: "[2001:db8::2]:8080", weight: 3 },
          { server: "unix:/run/app.sock", fail_timeout: "0s" },
          { server: "127.0.0.1:3000" },
        ],
      },
    },
    missing: [["nginx.conf:6", /^server unix:\/run\/app\.sock:\/: the path of a socket/]],
    remarks: [["nginx.conf:5", /localhost is written as 127\.0\.0\.1/]],
  },
  {
    name: "one server twice",
    conf: `upstream app {
  server 10.0.0.1:80 weight=2;
  server 10.0.0.1;
  server 10.0.0.2 backup;
  server 10.0.0.2:80;
}
`,
    upstreams: {
      app: {
        servers: [
          { server: "10.0.0.1:80", weight: 3 },
          { server: "10.0.0.2", backup: true },
        ],
      },
    },
    missing: [["nginx.conf:5", /is there twice, with other parameters/]],
    remarks: [["nginx.conf:3", /is there twice: it gets the sum of both weights/]],
  },
  {
    name: "comments everywhere",
    conf: `# upstream no { server 10.0.0.9; }
upstream app { # the application; with { braces }
  server 10.0.0.1; # server 10.0.0.8;
  #server 10.0.0.7;
  server 10.0.0.2#x
    weight=2;
}
`,
    upstreams: { app: { servers: [{ server: "10.0.0.1" }] } },
    missing: [["nginx.conf:5", host]],
  },
  {
    name: "quoted and escaped words",
    conf: `upstream "app" {
  server "10.0.0.1:80" 'weight=2';
  server "unix:/run/a b.sock";
  hash "$arg_a\\"b'c;{}#" consistent;
}
upstream 'shop' { server unix:/run/a\\\\b; hash $uri\\x$args; }
`,
    upstreams: {
      app: {
        method: "hash",
        hash: { key: `$arg_a"b'c;{}#`, consistent: true },
        servers: [{ server: "10.0.0.1:80", weight: 2 }],
      },
      shop: { method: "hash", hash: { key: "$uri\\x$args" }, servers: [{ server: "unix:/run/a\\b" }] },
    },
    missing: [["nginx.conf:3", /^server unix:\/run\/a b\.sock: the path of a socket must have no space/]],
  },
  {
    name: "everything in one line",
    conf: "events{}http{upstream a{server 10.0.0.1;server 10.0.0.2 backup;}server{listen 80;location /{proxy_pass http://a;}}}",
    upstreams: { a: { servers: [{ server: "10.0.0.1" }, { server: "10.0.0.2", backup: true }] } },
  },
  {
    name: "Windows line ends and a byte order mark",
    conf: "\ufeffupstream a {\r\n  server 10.0.0.1;\r\n  fair;\r\n}\r\n",
    upstreams: { a: { servers: [{ server: "10.0.0.1" }] } },
    missing: [["nginx.conf:3", /^fair: Sluice has no such directive/]],
  },
  {
    name: "included files, by name and by pattern",
    conf: `http {
  include upstreams/*.conf;
  include more.conf;
  include none/*.conf;
  upstream last { include servers.inc; }
}
`,
    files: {
      "upstreams/b.conf": "upstream b { server 10.0.0.2; }\n",
      "upstreams/a.conf": "upstream a {\n  server a.example;\n  include servers.inc;\n}\n",
      "upstreams/readme.txt": "no configuration {",
      "more.conf": "include deep/c.conf;\n",
      "deep/c.conf": "upstream c { server 10.0.0.3; }\n",
      "servers.inc": "server 10.0.0.9 weight=9;\n",
    },
    upstreams: {
      a: {
        servers: [
          { server: "a.example", resolve: true },
          { server: "10.0.0.9", weight: 9 },
        ],
      },
      b: { servers: [{ server: "10.0.0.2" }] },
      c: { servers: [{ server: "10.0.0.3" }] },
      last: { servers: [{ server: "10.0.0.9", weight: 9 }] },
    },
    remarks: [["upstreams/a.conf:2", /its addresses are followed, as with "resolve"/]],
  },
  {
    name: "an included file that is not there",
    conf: "http {\n  include /nowhere/mime.types;\n  upstream a { server 10.0.0.1; }\n}\n",
    upstreams: { a: { servers: [{ server: "10.0.0.1" }] } },
    missing: [["nginx.conf:2", /^could not read \/nowhere\/mime\.types: there is no such file/]],
  },
  {
    name: "upstreams of stream",
    conf: `stream {
  upstream db { server 10.0.0.1:5432; }
}
http {
  upstream db { server 10.0.0.2:80; }
}
`,
    upstreams: { db: { servers: [{ server: "10.0.0.2:80" }] } },
    missing: [["nginx.conf:2", /^upstream db: is in "stream"/]],
  },
  {
    name: "blocks of Lua, with braces in strings and comments",
    conf: `http {
  init_by_lua_block {
    -- a comment with }
    --[[ a long one with }
         upstream no { server 10.0.0.9; } ]]
    local text = "} upstream no { server 10.0.0.9; }" .. '}' .. [[ } ]] .. [==[ ]] } ]==]
    local quoted = "a \\" }"
    if text then text = { { 1 }, 2 } end
  }
  upstream dynamic {
    server 0.0.0.1;
    balancer_by_lua_block { require("resty.sluice").balance("dynamic") }
  }
  upstream a { server 10.0.0.1; }
}
`,
    upstreams: { a: { servers: [{ server: "10.0.0.1" }] } },
    remarks: [["nginx.conf:10", /its servers come from Lua already/]],
  },
];
