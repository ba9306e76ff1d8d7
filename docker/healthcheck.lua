-- The image's HEALTHCHECK: tests whether the API answers on loopback. Not every OpenResty image has curl, but
-- each has LuaJIT.
local ffi = require("ffi")

ffi.cdef([[
  struct sockaddr_in { uint16_t family; uint16_t port; uint32_t address; uint8_t zero[8]; };
  struct timeval { long seconds; long microseconds; };
  int socket(int domain, int type, int protocol);
  int setsockopt(int socket, int level, int name, const void *value, uint32_t length);
  int connect(int socket, const void *address, uint32_t length);
  ssize_t send(int socket, const void *buffer, size_t length, int flags);
  ssize_t recv(int socket, void *buffer, size_t length, int flags);
  uint16_t htons(uint16_t number);
  uint32_t htonl(uint32_t number);
  char *strerror(int number);
]])

local AF_INET, SOCK_STREAM, SOL_SOCKET, SO_RCVTIMEO, SO_SNDTIMEO, MSG_WAITALL = 2, 1, 1, 20, 21, 0x100
local LOOPBACK = 0x7f000001

local port = tonumber(os.getenv("SLUICE_API_PORT") or "8081")

local function fail(reason)
  io.stderr:write("the API at 127.0.0.1:", tostring(port), " ", reason, "\n")
  os.exit(1)
end

local socket = ffi.C.socket(AF_INET, SOCK_STREAM, 0)
local patience = ffi.new("struct timeval", 2, 0)
ffi.C.setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, patience, ffi.sizeof(patience))
ffi.C.setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, patience, ffi.sizeof(patience))

local address = ffi.new("struct sockaddr_in", AF_INET, ffi.C.htons(port), ffi.C.htonl(LOOPBACK))
if ffi.C.connect(socket, address, ffi.sizeof(address)) ~= 0 then
  fail("cannot be reached: " .. ffi.string(ffi.C.strerror(ffi.errno())))
end

local request = "GET /api/9/nginx HTTP/1.0\r\nHost: localhost\r\n\r\n"
ffi.C.send(socket, request, #request, 0)
local answer = ffi.new("char[12]")
local length = ffi.C.recv(socket, answer, 12, MSG_WAITALL)
local status = length == 12 and ffi.string(answer, 12):match("^HTTP/1%.%d (%d%d%d)$")

-- With read tokens the API answers 401, which shows that it works.
if status ~= "200" and status ~= "401" then
  fail(status and "answers " .. status or "does not answer")
end
