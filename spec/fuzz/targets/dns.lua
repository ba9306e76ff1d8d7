--- Packets of DNS servers. The identifier and the question are made to fit, so that the records are read.
local message = require("resty.sluice.net.dns.message")
local address = require("resty.sluice.config.address")

local NAME = "_http._tcp.web.example"
local TYPES = { "A", "AAAA", "SRV" }
local pause = function() end

--- Raises an error if a record has a value that no server may have.
local function check(record)
  assert(#record.name <= 1024, "the name of a record is too long")
  assert(record.ttl >= 0 and record.ttl < 2 ^ 31, "the TTL of a record is out of range")
  if record.host ~= nil then
    local read = address.parse_address(record.host .. ":1")
    assert(read ~= nil, "not an address: " .. record.host)
  end
  for _, name in ipairs({ "priority", "weight", "port" }) do
    local value = record[name]
    assert(value == nil or (value >= 0 and value < 65536), name .. " is out of range")
  end
end

local function decode(text, record_type)
  local id = (text:byte(1) or 0) * 256 + (text:byte(2) or 0)
  local found, problem = message.decode_answer(text, { id = id, name = NAME, type = record_type }, pause)
  if found == nil then
    assert(problem == nil or type(problem) == "string", "the problem is no text")
    return
  end
  for _, record in ipairs(found.records) do check(record) end
end

--- Returns a packet with one question and some records behind it.
local function packet(record_type, count, records)
  local question = message.encode_question({ id = 7, name = NAME, type = record_type })
  return "\0\7\129\128" .. question:sub(5, 6) .. string.char(0, count) .. "\0\0\0\0" .. question:sub(13) .. records
end

local OWNER = "\192\12\0"
local A = OWNER .. "\1\0\1\0\0\0\60\0\4\127\0\0\1"
local AAAA = OWNER .. "\28\0\1\0\0\0\60\0\16" .. ("\0"):rep(15) .. "\1"
local SRV = OWNER .. "\33\0\1\0\0\0\60\0\11\0\1\0\2\31\144\2ab\192\12"
local CNAME = OWNER .. "\5\0\1\0\0\0\60\0\6\1x\1y\1z\0"

return {
  run = function(input)
    for _, record_type in ipairs(TYPES) do
      -- The rest of a packet for another type is a different answer.
      decode(input, record_type)
      decode(packet(record_type, 1, input), record_type)
    end
  end,
  seeds = { A .. A, AAAA, SRV, CNAME .. A, packet("A", 2, A .. A), packet("SRV", 1, SRV), packet("AAAA", 1, AAAA) },
  tokens = { A, AAAA, SRV, CNAME, "\192\12", "\192\0", "\255\255", "\63" .. ("a"):rep(63), "\0\6\0\1" },
}
