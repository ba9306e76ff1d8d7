--- Answers of HTTP/1 servers. However the bytes arrive, the result is the same.
local head = require("resty.sluice.net.head")
local body = require("resty.sluice.net.body")
local lines = require("resty.sluice.net.lines")
local pieces = require("pieces")

local LIMIT = 4096
local LONGEST_LINE = 256

--- One fault may have two causes, such as a line that is too long and malformed. The first one counts.
local function refused(what, cause)
  assert(type(cause) == "string" and cause ~= "", "there is no cause")
  return "no " .. what
end

--- Returns what a probe, or a question to a registry, makes of an answer.
local function read_answer(reader, read)
  local found, cause = head.read_head(reader)
  if found == nil then return refused("head", cause) end
  assert(found.status >= 100 and found.status <= 999, "status " .. found.status)
  local content, problem = read(reader, found, LIMIT)
  if content == nil then return refused("body", problem) end
  assert(#content.text <= LIMIT, "the body is longer than its limit")
  return string.format("%d %s %s", found.status, tostring(content.is_bounded), content.text)
end

--- Returns the lines of a stream of events.
local function read_stream(reader)
  local found, cause = head.read_head(reader)
  if found == nil then return refused("head", cause) end
  local framing, unclear = head.body_framing(found)
  if framing == nil then return refused("body", unclear) end
  local source = lines.new_lines(reader, LONGEST_LINE, framing)
  local found_lines = {}
  for index = 1, 200 do
    local line, ended = lines.read_line(source)
    found_lines[index] = line or refused("line", ended)
    if line == nil then break end
    assert(#line <= LONGEST_LINE and not line:find("\n", 1, true), "a line is too long")
  end
  return table.concat(found_lines, "\n")
end

local READERS = {
  function(reader) return read_answer(reader, body.read_body) end,
  read_stream,
}

return {
  run = function(input)
    -- What has not arrived with the header is not waited for here, so the pieces matter.
    for size = 1, 20, 19 do read_answer(pieces.reader(input, size), body.skip_body) end
    for index, read in ipairs(READERS) do
      local whole = read(pieces.reader(input, #input))
      for _, size in ipairs({ 1, 7 }) do
        local cut = read(pieces.reader(input, size))
        assert(cut == whole, string.format("reader %d, in pieces of %d: %q, at once: %q", index, size, cut, whole))
      end
    end
  end,
  per_byte = 600,
  longest = 1024,
  seeds = {
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{\"a\":1\r\n3;x=y\r\n}\n\n\r\n0\r\nTrailer: 1\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 503 Busy\r\nRetry-After: 1\r\n\r\nuntil the end\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" .. ("x"):rep(80) .. "\r\nhello\r\n0\r\n\r\n",
  },
  tokens = {
    "HTTP/1.1 200 OK\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "Transfer-Encoding: chunked\r\n", "\r\n\r\n",
    "Content-Length: ", "Content-Length: 0\r\n", "Connection: close\r\n", "0\r\n\r\n", "ffffffff\r\n", "1\r\na\r\n", "\n", ": ",
  },
}
