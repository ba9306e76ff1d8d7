--- What the parsers need of nginx, for plain LuaJIT. Answers of registries come from `answers`.
local ffi = require("ffi")

ffi.cdef("unsigned long crc32(unsigned long crc, const char *text, unsigned int length);")
local zlib = ffi.load("libz.so.1")

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local value_of = {}
for index = 1, #DIGITS do value_of[DIGITS:sub(index, index)] = index - 1 end

--- Decodes Base64 as nginx does: undefined for other characters.
local function decode_base64(text)
  local bytes, bits, count = {}, 0, 0
  for digit in text:gsub("=*$", ""):gmatch(".") do
    local value = value_of[digit]
    if value == nil then return nil end
    bits, count = bits * 64 + value, count + 6
    if count >= 8 then
      count = count - 8
      local scale = 2 ^ count
      bytes[#bytes + 1] = string.char(math.floor(bits / scale))
      bits = bits % scale
    end
  end
  return table.concat(bytes)
end

_G.ngx = {
  WARN = 5, ERR = 4, NOTICE = 6,
  config = { ngx_lua_version = 10023 },
  crc32_long = function(text) return tonumber(zlib.crc32(0, text, #text)) end,
  decode_base64 = decode_base64,
  encode_base64 = function() return "" end,
  escape_uri = function(text) return text end,
  parse_http_time = function() return nil end,
  log = function() end,
  now = os.time,
  sleep = function() end,
  worker = { id = function() return 0 end, count = function() return 1 end, pid = function() return 1 end },
}
for _, name in ipairs({ "ngx.semaphore", "resty.core.hash", "resty.core.var", "resty.core.base" }) do
  package.preload[name] = function() return {} end
end
