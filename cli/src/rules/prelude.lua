-- Loads the compiled rules of the gateway, and applies them to one upstream of a change. The arguments stand
-- in for what the rules take from nginx and from C.
local sources, null, ip_bytes, encode_json, decode_json = ...

unpack = table.unpack

local AF_INET6 = 10

local function new_codec()
  return {
    null = null,
    new = new_codec,
    encode = encode_json,
    decode = decode_json,
    decode_invalid_numbers = function() end,
  }
end

-- The upstream as the gateway has it, which is unknown here.
local current

local stubs = {
  ["cjson.safe"] = new_codec(),
  ffi = {
    cdef = function() end,
    new = function()
      return {}
    end,
    string = function(binary)
      return binary.bytes
    end,
    C = {
      sluice_inet_pton = function(family, text, binary)
        binary.bytes = ip_bytes(text, family == AF_INET6)
        return binary.bytes == nil and 0 or 1
      end,
    },
  },
  ["table.new"] = function()
    return {}
  end,
  -- Texts of JavaScript become valid UTF-8.
  ["resty.sluice.lib.utf8"] = {
    is_utf8 = function()
      return true
    end,
  },
  -- Only in the gateway does long work rest for requests.
  ["resty.sluice.lib.rest"] = { rest = function() end },
  ["resty.sluice.store.document.read"] = {
    read = function()
      return current
    end,
  },
  -- Only the gateway knows the servers.
  ["resty.sluice.store.document.records"] = {
    parse_lines = function()
      return {}
    end,
  },
  -- Only the gateway looks up host names.
  ["resty.sluice.api.lookups"] = { look_up_names = function() end },
  ["resty.sluice.store.document.host"] = {
    hosts_of = function()
      return {}
    end,
  },
  -- Only the gateway knows whether it has a secret that is written as "***".
  ["resty.sluice.api.sluice.secrets"] = { restore_secrets = function() end },
}

local loaded = {}

function require(name)
  if stubs[name] ~= nil then
    return stubs[name]
  end
  if loaded[name] == nil then
    local source = sources[name]
    -- The rules import functions of other rooms that they do not call here.
    loaded[name] = source == nil and {} or assert(load(source, "=" .. name))(name)
  end
  return loaded[name]
end

local names = require("resty.sluice.config.name")
local upstreams = require("resty.sluice.config.upstream")
local given = require("resty.sluice.api.changes.given")

-- Returns an upstream that a change can be made to: the change may give parameters of the method that only
-- the gateway knows.
local function changeable(patch)
  local method = "round_robin"
  for _, name in ipairs({ "least_time", "least_load", "random", "hash" }) do
    if patch.method == nil and patch[name] ~= nil and patch[name] ~= null then
      method = name
    end
  end
  local hash = method == "hash" and { key = "$uri" } or nil
  local document = upstreams.read_upstream({ method = method, hash = hash })
  document.lines = {}
  return document
end

-- Returns the problems of an upstream whose JSON is `text`. `patch`: the object of `patch`, if there is one.
return function(name, text, patch)
  local bad_name = names.check_name(name)
  if bad_name ~= nil then
    return { bad_name }
  end
  current = patch ~= nil and changeable(patch) or nil
  local _, problems = given.read_given({ name = name, text = text })
  return problems
end
