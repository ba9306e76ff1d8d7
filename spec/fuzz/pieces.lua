--- A connection that delivers a text in pieces of one size, and then is closed.
local pieces = {}

local function pause() end

--- Returns a reader of a text.
function pieces.reader(text, size)
  local at = 0
  local function receive()
    if at >= #text then return nil, "closed" end
    local piece = text:sub(at + 1, at + math.max(1, size))
    at = at + #piece
    return piece
  end
  return { buffer = "", used = 0, steps = 0, receive = receive, pause = pause }
end

return pieces
