/** The static table of HPACK (RFC 7541, appendix A). Pure. */

/** A header, also a pseudo-header such as `:status`. */
export interface Field {
  name: string;
  value: string;
}

/** One header a line: its name, and after a space its value. */
const LINES = `
:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate
`;

/** The entries. The first one has the index 1 in HPACK. */
export const STATIC_TABLE: Field[] = [];
for (const [line] of string.gmatch(LINES, "[^\n]+")) {
  const [name] = string.match(line, "^%S+");
  STATIC_TABLE.push({ name, value: string.sub(line, name.length + 2) });
}
