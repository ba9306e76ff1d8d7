--- Answers over HTTP/2, as gRPC's health checks read them. However the bytes arrive, the result is the same.
local exchange = require("resty.sluice.net.http2.exchange")
local frame = require("resty.sluice.net.http2.frame")
local grpc = require("resty.sluice.net.grpc")
local hpack = require("resty.sluice.net.http2.hpack")
local pieces = require("pieces")

local LARGEST_BODY = 16384
--- What an answer may make this side send: acknowledgements, and one GOAWAY.
local MOST_SENT = 100 * 64

local function read(input, size)
  local sent = 0
  local peer = {
    reader = pieces.reader(input, size),
    send = function(bytes) sent = sent + #bytes end,
  }
  local answer, cause = exchange.read_http2_answer(peer, 5)
  assert(sent <= MOST_SENT, "sent " .. sent .. " bytes")
  if answer == nil then return "no answer: " .. tostring(cause) end
  assert(#answer.body <= LARGEST_BODY, "the body is too large")
  local result, problem = grpc.read_grpc_answer(answer)
  assert(result ~= nil or type(problem) == "string", "neither a result nor a problem")
  return string.format("%d %q %s", answer.status, answer.body, result and tostring(result.status) or problem)
end

local function block(...)
  local fields = {}
  for index, pair in ipairs({ ... }) do fields[index] = { name = pair[1], value = pair[2] } end
  return hpack.encode_headers(fields)
end

local SETTINGS = frame.format_frame(4, 0, 0, "\0\4\0\1\0\0")
local HEAD = block({ ":status", "200" }, { "content-type", "application/grpc" })
local MESSAGE = "\0\0\0\0\2\8\1"
local TRAILERS = block({ "grpc-status", "0" })
local END_HEADERS, END = 4, 5

return {
  run = function(input)
    local whole = read(input, #input)
    assert(read(input, 5) == whole, "the answer depends on how it arrives")
    -- The header alone, with its table.
    local dynamic = hpack.new_dynamic_table()
    local fields = hpack.decode_headers(dynamic, input)
    assert(dynamic.size <= 4096 and dynamic.size >= 0, "the table has " .. dynamic.size .. " bytes")
    if fields == nil then return end
    local again = hpack.decode_headers(hpack.new_dynamic_table(), hpack.encode_headers(fields))
    assert(again ~= nil and #again == #fields, "what was decoded cannot be encoded")
    for index, field in ipairs(fields) do
      assert(again[index].name == field.name and again[index].value == field.value, "a field has changed")
    end
  end,
  per_byte = 500,
  seeds = {
    SETTINGS .. frame.format_frame(1, END_HEADERS, 1, HEAD) .. frame.format_frame(0, 0, 1, MESSAGE)
      .. frame.format_frame(1, END, 1, TRAILERS),
    SETTINGS .. frame.format_frame(6, 0, 0, "12345678") .. frame.format_frame(7, 0, 0, ("\0"):rep(8)),
    SETTINGS .. frame.format_frame(1, 0, 1, HEAD:sub(1, 5)) .. frame.format_frame(9, END_HEADERS, 1, HEAD:sub(6)),
    SETTINGS .. frame.format_frame(1, END_HEADERS + 8, 1, "\2" .. HEAD .. "\0\0") .. frame.format_frame(3, 0, 1, "\0\0\0\2"),
    "\136\64\5hello\5world\190\131\16\130\49\240",
  },
  tokens = {
    SETTINGS, frame.format_frame(0, 1, 1, MESSAGE), frame.format_frame(1, END, 1, TRAILERS), "\0\0\8\6\0\0\0\0\0",
    frame.format_frame(8, 0, 0, "\0\0\0\1"), "\136", "\190", "\63\225\31", "\32", "\255\255\255\255\15", "\127\128\1",
  },
}
