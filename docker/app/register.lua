-- Registers this server in etcd: a key with a lease of a few seconds, which is renewed while the server runs
-- and revoked when it stops. The key of a server that dies disappears when its lease ends.
local cjson = require("cjson.safe")

local TTL = 5 -- seconds
local PERIOD = 1
local KEY_PREFIX = "/upstreams/app/"

local address = os.getenv("ADDRESS")
local host, port = (os.getenv("ETCD") or ""):match("^(.+):(%d+)$")
local lease

-- Without etcd the server only serves.
if not host then return end

local function ask(path, question)
  local socket = ngx.socket.tcp()
  socket:settimeout(2000)
  local connected, cause = socket:connect(host, tonumber(port))
  if not connected then return nil, cause end
  local body = cjson.encode(question)
  socket:send(("POST %s HTTP/1.0\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s"):format(path, host, #body, body))
  local answer, problem = socket:receive("*a")
  socket:close()
  if not answer then return nil, problem end
  return cjson.decode(answer:match("^HTTP/1%.%d 200 .-\r\n\r\n(.*)$") or "null"), answer:match("^[^\r]*")
end

local function register()
  local granted, cause = ask("/v3/lease/grant", { TTL = TTL })
  if type(granted) ~= "table" then return nil, cause end
  local stored, problem = ask("/v3/kv/put", {
    key = ngx.encode_base64(KEY_PREFIX .. address),
    value = ngx.encode_base64(cjson.encode({ server = address })),
    lease = granted.ID,
  })
  if type(stored) ~= "table" then return nil, problem end
  return granted.ID
end

-- Renews the lease. An answer without a TTL means that the lease has ended.
local function renew()
  local answer, cause = ask("/v3/lease/keepalive", { ID = lease })
  local is_kept = type(answer) == "table" and answer.result and answer.result.TTL
  return is_kept and lease or nil, cause or "the lease has ended"
end

local complaint

local function stay_registered(is_ending)
  if is_ending then
    if lease then ask("/v3/lease/revoke", { ID = lease }) end
    return
  end
  local cause
  if lease then
    lease, cause = renew()
  else
    lease, cause = register()
  end
  if cause and not lease and cause ~= complaint then
    ngx.log(ngx.WARN, "could not register with etcd at ", host, ":", port, ": ", cause)
  end
  complaint = not lease and cause or nil
  ngx.timer.at(PERIOD, stay_registered)
end

ngx.timer.at(0, stay_registered)
