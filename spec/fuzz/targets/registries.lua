--- Answers of Consul, etcd, Kubernetes and Docker. The first byte says which one it is; the rest is the body
--- of the answer, and its lines are those of a stream. Each entry is a server to be stored, or a refusal.
local answers = require("answers")
local consul = require("resty.sluice.discovery.consul")
local consul_services = require("resty.sluice.discovery.template.consul_services")
local docker_labels = require("resty.sluice.discovery.docker_labels")
local endpoint_slice = require("resty.sluice.discovery.endpoint_slice")
local engine = require("resty.sluice.net.docker.engine")
local entry = require("resty.sluice.discovery.entry")
local etcd_keys = require("resty.sluice.net.etcd.keys")
local etcd_watch = require("resty.sluice.net.etcd.watch")
local docker_events = require("resty.sluice.net.docker.events")
local slices = require("resty.sluice.net.kubernetes.slices")

local SERVICE = { destination = {}, headers = {} }
local PREFIX = "sluice/app/"
local function never() return false end
local function pause() end

local function check(entries)
  for _, one in ipairs(entries) do answers.check_entry(one) end
end

--- Calls a function that returns a value, or nothing and a cause.
local function result_of(action, ...)
  local value, cause = action(...)
  assert(value ~= nil or type(cause) == "string", "neither a value nor a cause")
  return value
end

--- Reads the lines of a stream until it fails.
local function drain(next_one, use)
  for _ = 1, 50 do
    local value = result_of(next_one, {}, 1)
    if value == nil then return end
    use(value)
  end
end

local READERS = {
  C = function(body)
    local answer = { status = 200, headers = { ["x-consul-index"] = "7" }, body = body }
    local entries = result_of(consul.instances_of({ service = "web", zone_meta = "zone" }).read, answer, "zone")
    if entries ~= nil then check(entries) end
    result_of(consul_services.read_services, answer, "web")
  end,
  E = function()
    local client = { service = SERVICE, is_over = never }
    local listing = result_of(etcd_keys.list_keys, client, PREFIX, 1000)
    for _, pair in ipairs(listing and listing.keys or {}) do
      assert(pair.key:sub(1, #PREFIX) == PREFIX, "a key outside of the prefix")
      answers.check_entry(entry.read_entry(pair.key, pair.value))
    end
    drain(etcd_watch.next_events, function(events)
      for _, event in ipairs(events) do
        answers.check_entry(entry.read_entry(event.key, event.value or ""))
      end
    end)
  end,
  K = function()
    local client = { service = SERVICE, uri = "/apis?x=y", is_over = never }
    local read = {}
    local list = result_of(slices.list_slices, client)
    for _, slice in ipairs(list and list.slices or {}) do
      local one = endpoint_slice.read_slice(slice, "http")
      read[one.name] = one
    end
    drain(slices.next_event, function(event)
      local one = endpoint_slice.read_slice(event.slice, nil)
      read[one.name] = one
    end)
    for _, family in ipairs({ "IPv4", "IPv6", "any" }) do
      check(endpoint_slice.merge_slices(read, "http", family ~= "any" and family or nil))
      check(endpoint_slice.merge_slices(read, nil, nil))
    end
  end,
  D = function()
    local client = { service = SERVICE, root = "", is_over = never }
    local containers = result_of(engine.list_containers, client)
    if containers ~= nil then
      for _, entries in pairs(docker_labels.entries_by_upstream(containers, nil, pause)) do check(entries) end
    end
    drain(docker_events.next_container_event, function() end)
  end,
  --- The value of a key of etcd or Consul.
  V = function(body)
    answers.check_entry(entry.read_entry("127.0.0.1:80", body))
    answers.check_entry(entry.read_entry(body:sub(1, 64), ""))
  end,
}

local SLICE = '"metadata":{"name":"s","resourceVersion":"9"},"addressType":"IPv4","ports":[{"name":"http","port":80,'
  .. '"protocol":"TCP"}],"endpoints":[{"addresses":["10.0.0.1"],"zone":"eu","conditions":{"ready":true}}]'

return {
  run = function(input)
    local read = READERS[input:sub(1, 1)]
    if read == nil then return end
    answers.set(input:sub(2))
    read(input:sub(2))
  end,
  per_byte = 600,
  seeds = {
    'C[{"Node":{"Node":"n","Address":"10.0.0.1","Datacenter":"eu","Meta":{"zone":"a"}},"Service":{"ID":"w","Address":"",'
      .. '"Port":80,"Weights":{"Passing":3}},"Checks":[{"CheckID":"c","Status":"passing"}]}]',
    'C{"web":["http"],"db":[]}',
    'E{"header":{"revision":"7","cluster_id":"1"},"kvs":[{"key":"c2x1aWNlL2FwcC8xMjcuMC4wLjE6ODA=","value":"",'
      .. '"mod_revision":"5"}],"count":"1"}\n{"result":{"events":[{"type":"DELETE","kv":{"key":"YQ=="}}]}}',
    'K{"metadata":{"resourceVersion":"9"},"items":[{' .. SLICE .. "}]}",
    'K{"type":"MODIFIED","object":{' .. SLICE .. '}}\n{"type":"ERROR","object":{"code":410,"message":"gone"}}',
    'D[{"Id":"ab","Names":["/web"],"State":"running","Labels":{"sluice.upstream":"app","sluice.port":"80"},'
      .. '"NetworkSettings":{"Networks":{"net":{"IPAddress":"10.0.0.2"}}},"Ports":[{"PrivatePort":80}]}]',
    'D{"Type":"container","Action":"start","Actor":{"ID":"ab","Attributes":{}},"id":"ab"}',
    'V{"server":"10.0.0.1:80","weight":2,"max_conns":5,"zone":"eu","backup":true}', "V10.0.0.1:80 weight=2 down",
  },
  tokens = {
    "{}", "[]", "null", "true", '""', '"Port":', '"addresses":', '"::1"', '"10.0.0.1"', '"a.example"', "-1", "65536",
    "1e300", '"kvs":', '"more":true', '"port":', '"Labels":', '"sluice.weight":"x"', '"IPAddress":', '"Passing":0',
    '"conditions":{"terminating":true,"serving":true}', '"unix:/x"', "\n",
  },
}
