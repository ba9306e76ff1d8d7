/** Configurations of nginx with things that Sluice does not have, or has in another form. */
const zone = /^zone is not needed/;

/** @type {import("./nginx_confs.mjs").Case[]} */
export const cases = [
  {
    name: "map, geo, types, if and regular expressions",
    conf: `http {
  types { text/html html htm; application/json json; }
  geo $block { default 0; 10.0.0.0/8 1; }
  map $http_user_agent $is_bot { default 0; "~*bot{2,}" 1; ~*^x;y 1; }
  upstream a { server 10.0.0.1; }
  server {
    server_name ~^(?<name>.+)\\.example\\.com$ "~^a{3}$";
    if ($http_x ~ "a{2}") { return 403; }
    location ~ \\.(php|html)$ { return 200 "{\\"a\\": [1, 2]}"; }
    location ~* "^/x{1,3}$" { proxy_pass http://a; }
    log_format_x '$remote_addr - "$request" {';
  }
}
`,
    // nginx reads "~*^x;y" in the same way: the word ends at the semicolon.
    upstreams: { a: { servers: [{ server: "10.0.0.1" }] } },
  },
  {
    name: "sticky with all parameters, and some that Sluice does not have",
    conf: `upstream a {
  server 10.0.0.1;
  sticky cookie srv expires=max domain=.$host path=/app httponly secure samesite=strict;
}
upstream b { server 10.0.0.1; sticky cookie srv samesite=$same expires=3600 partitioned; }
upstream c { server 10.0.0.1; sticky_cookie_insert srv expires=1d path=/; }
upstream d { server 10.0.0.1; sticky name=route hash=sha1; }
`,
    upstreams: {
      a: {
        sticky: {
          cookie: {
            name: "srv",
            expires: "max",
            domain: ".$host",
            path: "/app",
            httponly: true,
            secure: true,
            samesite: "strict",
          },
        },
        servers: [{ server: "10.0.0.1" }],
      },
      b: { sticky: { cookie: { name: "srv", expires: "3600s" } }, servers: [{ server: "10.0.0.1" }] },
      c: { sticky: { cookie: { name: "srv", expires: "1d", path: "/" } }, servers: [{ server: "10.0.0.1" }] },
      d: { servers: [{ server: "10.0.0.1" }] },
    },
    missing: [
      ["nginx.conf:5", /partitioned: Sluice has no such parameter/],
      ["nginx.conf:5", /samesite: must not be a variable/],
      ["nginx.conf:7", /^sticky name=route: Sluice has "sticky\.cookie" and "sticky\.route" only/],
    ],
  },
  {
    name: "slow_start with a method that does not support it",
    conf: "upstream a {\n  ip_hash;\n  server 10.0.0.1 slow_start=10s;\n  server 10.0.0.2;\n}\n",
    upstreams: { a: { method: "ip_hash", servers: [{ server: "10.0.0.1" }, { server: "10.0.0.2" }] } },
    missing: [
      ["nginx.conf:1", /^10\.0\.0\.1: invalid "slow_start": cannot be combined with the method "ip_hash"$/],
    ],
  },
  {
    name: "names of upstreams",
    conf: `upstream a.b_c-1:80@x~y+z { server 10.0.0.1; }
upstream größe { server 10.0.0.1; }
upstream a/b { server 10.0.0.1; }
`,
    upstreams: { "a.b_c-1:80@x~y+z": { servers: [{ server: "10.0.0.1" }] } },
    missing: [
      ["nginx.conf:2", /its name must contain only/],
      ["nginx.conf:3", /its name must contain only/],
    ],
  },
  {
    name: "an upstream twice",
    conf: "upstream a { server 10.0.0.1; }\nupstream a { server 10.0.0.2; }\n",
    upstreams: { a: { servers: [{ server: "10.0.0.1" }] } },
    missing: [["nginx.conf:2", /^upstream a is there twice/]],
  },
  {
    name: "health checks of locations",
    conf: `upstream a { server 10.0.0.1; zone a 64k; state /var/lib/nginx/a.conf; }
server {
  location / { proxy_pass http://a; health_check interval=2s uri=/health match=ok; }
}
match ok { status 200; body ~ "ok"; }
`,
    upstreams: { a: { servers: [{ server: "10.0.0.1" }] } },
    missing: [["nginx.conf:3", /^health_check interval=2s uri=\/health match=ok: write it as/]],
    remarks: [
      ["nginx.conf:1", zone],
      ["nginx.conf:1", /^state is not needed/],
    ],
  },
  {
    name: "a whole nginx.conf of Debian",
    conf: `user www-data;
worker_processes auto;
worker_cpu_affinity auto;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
include modules-enabled/*.conf;

events {
	worker_connections 768;
	# multi_accept on;
}

http {
	sendfile on;
	tcp_nopush on;
	types_hash_max_size 2048;
	server_tokens off;
	include mime.types;
	default_type application/octet-stream;
	ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; # Dropping SSLv3, ref: POODLE
	log_format main '$remote_addr - $remote_user [$time_local] "$request" '
	                '$status $body_bytes_sent "$http_referer"';
	access_log /var/log/nginx/access.log main;
	gzip on;
	include conf.d/*.conf;
	include sites-enabled/*;
}

#mail {
#	server { listen localhost:110; }
#}
`,
    files: {
      "mime.types": "types {\n    text/html html htm shtml;\n}\n",
      "conf.d/upstreams.conf": "upstream php { server unix:/run/php/php8.2-fpm.sock; }\n",
      "sites-enabled/default": `upstream node {
  least_conn;
  server 127.0.0.1:3000 max_fails=2 fail_timeout=5s;
  server 127.0.0.1:3001 max_fails=2 fail_timeout=5s;
}
server {
	listen 80 default_server;
	location / { try_files $uri $uri/ =404; }
	location ~ \\.php$ { fastcgi_pass php; }
}
`,
    },
    upstreams: {
      php: { servers: [{ server: "unix:/run/php/php8.2-fpm.sock" }] },
      node: {
        method: "least_conn",
        servers: [3000, 3001].map((port) => ({
          server: `127.0.0.1:${port}`,
          max_fails: 2,
          fail_timeout: "5s",
        })),
      },
    },
  },
  {
    name: "variables in addresses",
    conf: "upstream a { server $host:80; server 10.0.0.1; }\n",
    upstreams: { a: { servers: [{ server: "10.0.0.1" }] } },
    missing: [["nginx.conf:1", /^server \$host:80: variables in addresses are not supported/]],
  },
  {
    name: "values that are wrong in nginx, too",
    conf: "upstream a {\n  server 10.0.0.1 weight=x max_fails backup=1;\n}\n",
    upstreams: { a: { servers: [{ server: "10.0.0.1" }] } },
    missing: [
      ["nginx.conf:2", /weight=x/],
      ["nginx.conf:2", /max_fails/],
      ["nginx.conf:2", /backup=1/],
    ],
  },
  {
    name: "directives of other modules",
    conf: `upstream a {
  check interval=3000 rise=2 fall=5 timeout=1000 type=http;
  check_http_send "HEAD / HTTP/1.0\\r\\n\\r\\n";
  server 10.0.0.1;
  jvm_route $cookie_JSESSIONID reverse;
  resolver 10.0.0.53 valid=10s;
}
`,
    upstreams: {
      a: { resolver: { addresses: ["10.0.0.53"], valid: "10s" }, servers: [{ server: "10.0.0.1" }] },
    },
    missing: [
      ["nginx.conf:2", /^check: /],
      ["nginx.conf:3", /^check_http_send: /],
      ["nginx.conf:5", /^jvm_route: /],
    ],
  },
  {
    name: "values that Sluice refuses",
    conf: `upstream a {
  hash $uri consistent;
  server 10.0.0.1 weight=5000;
  server 10.0.0.999;
  server 10.0.0.2:70000 weight=2;
  server 10.0.0.3 fail_timeout=-1s;
}
upstream b { hash uri; server 10.0.0.1; }
upstream c { sticky cookie "a b"; server 10.0.0.1; }
upstream d { queue 0; server 10.0.0.1; }
`,
    upstreams: {
      a: {
        method: "hash",
        hash: { key: "$uri", consistent: true },
        servers: [{ server: "10.0.0.1" }, { server: "10.0.0.3" }],
      },
      b: { servers: [{ server: "10.0.0.1" }] },
      c: { servers: [{ server: "10.0.0.1" }] },
      d: { servers: [{ server: "10.0.0.1" }] },
    },
    missing: [
      ["nginx.conf:1", /^10\.0\.0\.999: invalid "server": .* is not an IPv4 address$/],
      ["nginx.conf:8", /^hash: invalid "hash\.key": must contain a variable/],
      ["nginx.conf:9", /^sticky: invalid "sticky\.cookie\.name": /],
      ["nginx.conf:10", /^queue: invalid "queue\.size": /],
      ["nginx.conf:1", /^10\.0\.0\.2:70000: invalid "server": .* must have a port from 1 to 65535$/],
      ["nginx.conf:1", /^10\.0\.0\.3: invalid "fail_timeout": /],
      ["nginx.conf:1", /^10\.0\.0\.1: invalid "weight": must not be more than 1000/],
    ],
    remarks: [["nginx.conf:10", /needs access_by_lua_block/]],
  },
];
