/** The examples of nginx's documentation of ngx_http_upstream_module. */
const zone = /^zone is not needed/;
const followed = /its addresses are followed, as with "resolve"/;
const keepalive = /^keepalive\w* stays in the upstream block/;

/** @type {import("./nginx_confs.mjs").Case[]} */
export const cases = [
  {
    name: "documentation: the example configuration",
    conf: `upstream backend {
    server backend1.example.com       weight=5;
    server backend2.example.com:8080;
    server unix:/tmp/backend3;

    server backup1.example.com:8080   backup;
    server backup2.example.com:8080   backup;
}

server {
    location / {
        proxy_pass http://backend;
    }
}
`,
    upstreams: {
      backend: {
        servers: [
          { server: "backend1.example.com", weight: 5, resolve: true },
          { server: "backend2.example.com:8080", resolve: true },
          { server: "unix:/tmp/backend3" },
          { server: "backup1.example.com:8080", backup: true, resolve: true },
          { server: "backup2.example.com:8080", backup: true, resolve: true },
        ],
      },
    },
    remarks: [2, 3, 6, 7].map((line) => [`nginx.conf:${line}`, followed]),
  },
  {
    name: "documentation: a dynamically configurable group with health checks (NGINX Plus)",
    conf: `resolver 10.0.0.1;

upstream dynamic {
    zone upstream_dynamic 64k;

    server backend1.example.com      weight=5;
    server backend2.example.com:8080 fail_timeout=5s slow_start=30s;
    server 192.0.2.1                 max_fails=3;
    server backend3.example.com      resolve;
    server backend4.example.com      service=http resolve;

    server backup1.example.com:8080  backup;
    server backup2.example.com:8080  backup;
}

server {
    location / {
        proxy_pass http://dynamic;
        health_check;
    }
}
`,
    upstreams: {
      dynamic: {
        resolver: { addresses: ["10.0.0.1"] },
        servers: [
          { server: "backend1.example.com", weight: 5, resolve: true },
          { server: "backend2.example.com:8080", fail_timeout: "5s", slow_start: "30s", resolve: true },
          { server: "192.0.2.1", max_fails: 3 },
          { server: "backend3.example.com", resolve: true },
          { server: "backend4.example.com", service: "http", resolve: true },
          { server: "backup1.example.com:8080", backup: true, resolve: true },
          { server: "backup2.example.com:8080", backup: true, resolve: true },
        ],
      },
    },
    missing: [["nginx.conf:19", /^health_check: write it as "health_check" of the upstream/]],
    remarks: [
      ["nginx.conf:4", zone],
      ["nginx.conf:6", followed],
      ["nginx.conf:7", followed],
      ["nginx.conf:12", followed],
      ["nginx.conf:13", followed],
    ],
  },
  {
    name: "documentation: server",
    conf: `upstream backend {
    server backend1.example.com weight=5;
    server 127.0.0.1:8080       max_fails=3 fail_timeout=30s;
    server unix:/tmp/backend3;

    server backup1.example.com  backup;
}
`,
    upstreams: {
      backend: {
        servers: [
          { server: "backend1.example.com", weight: 5, resolve: true },
          { server: "127.0.0.1:8080", max_fails: 3, fail_timeout: "30s" },
          { server: "unix:/tmp/backend3" },
          { server: "backup1.example.com", backup: true, resolve: true },
        ],
      },
    },
    remarks: [
      ["nginx.conf:2", followed],
      ["nginx.conf:6", followed],
    ],
  },
  {
    name: "documentation: resolve",
    conf: `http {
    resolver 10.0.0.1;

    upstream u {
        zone ...;
        ...
        server example.com resolve;
    }
}
`,
    upstreams: { u: { servers: [] } },
    missing: [["nginx.conf:6", /^\.\.\.: Sluice has no such directive/]],
    remarks: [["nginx.conf:5", zone]],
  },
  {
    name: "documentation: ip_hash",
    conf: `upstream backend {
    ip_hash;

    server backend1.example.com;
    server backend2.example.com;
    server backend3.example.com down;
    server backend4.example.com;
}
`,
    upstreams: {
      backend: {
        method: "ip_hash",
        servers: [
          { server: "backend1.example.com", resolve: true },
          { server: "backend2.example.com", resolve: true },
          { server: "backend3.example.com", down: true, resolve: true },
          { server: "backend4.example.com", resolve: true },
        ],
      },
    },
    remarks: [4, 5, 6, 7].map((line) => [`nginx.conf:${line}`, followed]),
  },
  {
    name: "documentation: keepalive for memcached",
    conf: `upstream memcached_backend {
    server 127.0.0.1:11211;
    server 10.0.0.2:11211;

    keepalive 32;
}

server {
    location /memcached/ {
        set $memcached_key $uri;
        memcached_pass memcached_backend;
    }
}
`,
    upstreams: {
      memcached_backend: { servers: [{ server: "127.0.0.1:11211" }, { server: "10.0.0.2:11211" }] },
    },
    remarks: [["nginx.conf:5", keepalive]],
  },
  {
    name: "documentation: keepalive for http and FastCGI",
    conf: `upstream http_backend {
    server 127.0.0.1:8080;

    keepalive 16;
}

upstream fastcgi_backend {
    server 127.0.0.1:9000;

    keepalive 8;
    keepalive_requests 1000;
    keepalive_time 1h;
    keepalive_timeout 60s;
}
`,
    upstreams: {
      http_backend: { servers: [{ server: "127.0.0.1:8080" }] },
      fastcgi_backend: { servers: [{ server: "127.0.0.1:9000" }] },
    },
    remarks: [4, 10, 11, 12, 13].map((line) => [`nginx.conf:${line}`, keepalive]),
  },
  {
    name: "documentation: ntlm",
    conf: `upstream http_backend {
    server 127.0.0.1:8080;

    ntlm;
}
`,
    upstreams: { http_backend: { servers: [{ server: "127.0.0.1:8080" }] } },
    missing: [["nginx.conf:4", /^ntlm: Sluice has no such directive/]],
  },
  {
    name: "documentation: sticky cookie",
    conf: `upstream backend {
    server backend1.example.com;
    server backend2.example.com;

    sticky cookie srv_id expires=1h domain=.example.com path=/;
}
`,
    upstreams: {
      backend: {
        sticky: { cookie: { name: "srv_id", expires: "1h", domain: ".example.com", path: "/" } },
        servers: [
          { server: "backend1.example.com", resolve: true },
          { server: "backend2.example.com", resolve: true },
        ],
      },
    },
    remarks: [
      ["nginx.conf:2", followed],
      ["nginx.conf:3", followed],
    ],
  },
  {
    name: "documentation: sticky route",
    conf: `map $cookie_jsessionid $route_cookie {
    ~.+\\.(?P<route>\\w+)$ $route;
}

map $request_uri $route_uri {
    ~jsessionid=.+\\.(?P<route>\\w+)$ $route;
}

upstream backend {
    server 10.0.0.1 route=a;
    server 10.0.0.2 route=b;

    sticky route $route_cookie $route_uri;
}
`,
    upstreams: {
      backend: {
        sticky: { route: { variables: ["$route_cookie", "$route_uri"] } },
        servers: [
          { server: "10.0.0.1", route: "a" },
          { server: "10.0.0.2", route: "b" },
        ],
      },
    },
  },
  {
    name: "documentation: sticky learn",
    conf: `upstream backend {
   server 10.0.0.1:8080;
   server 10.0.0.2:8081;

   sticky learn
          create=$upstream_cookie_examplecookie
          lookup=$cookie_examplecookie
          zone=client_sessions:1m;
}
`,
    upstreams: { backend: { servers: [{ server: "10.0.0.1:8080" }, { server: "10.0.0.2:8081" }] } },
    missing: [["nginx.conf:5", /^sticky learn: Sluice has "sticky\.cookie" and "sticky\.route" only/]],
  },
];
