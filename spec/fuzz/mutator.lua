--- Makes new inputs out of known ones. All randomness comes from math.random, which a seed determines.
local mutator = {}

local random = math.random
local sub, char = string.sub, string.char

--- The length of the longest input, if the target sets none. Work that is not linear is seen well below it.
local LONGEST = 8192

local NUMBERS = {
  "0", "-1", "1", "255", "65535", "65536", "2147483647", "4294967296", "9007199254740993", "1e308", "1e999",
  "-0", "0.1", "nan", "inf", "00", "0x10",
}
local BYTES = { "\0", "\1", "\127", "\128", "\192", "\255", "\n", "\r\n", " ", "\"", "\\", "{", "[", ",", ":", "%" }

--- Returns the bounds of a random part of a text.
local function part(text, longest)
  local from = random(1, #text)
  return from, math.min(#text, from + random(1, longest) - 1)
end

local KINDS = {
  function(text)
    local at = random(1, #text)
    local flipped = bit.bxor(text:byte(at), bit.lshift(1, random(0, 7)))
    return sub(text, 1, at - 1) .. char(flipped) .. sub(text, at + 1)
  end,
  function(text)
    local at = random(1, #text)
    return sub(text, 1, at - 1) .. char(random(0, 255)) .. sub(text, at + 1)
  end,
  function(text)
    local at = random(0, #text)
    return sub(text, 1, at) .. BYTES[random(#BYTES)] .. sub(text, at + 1)
  end,
  function(text)
    local from, to = part(text, 32)
    return sub(text, 1, from - 1) .. sub(text, to + 1)
  end,
  function(text)
    local from, to = part(text, 64)
    return sub(text, 1, to) .. sub(text, from)
  end,
  function(text)
    local from, to = part(text, 32)
    local at = random(0, #text)
    return sub(text, 1, at) .. sub(text, from, to) .. sub(text, at + 1)
  end,
  function(text)
    return sub(text, 1, random(0, #text))
  end,
  -- Many times the same: work that is not linear shows here.
  function(text, target)
    local from, to = part(text, 24)
    local piece = sub(text, from, to)
    local times = math.floor(((target.longest or LONGEST) - #text) / #piece)
    if times < 1 then return text end
    return sub(text, 1, to) .. piece:rep(random(1, times)) .. sub(text, to + 1)
  end,
  -- Another number, where there is one.
  function(text)
    local from, to = text:find("%d[%d.]*", random(1, #text))
    if from == nil then return text end
    return sub(text, 1, from - 1) .. NUMBERS[random(#NUMBERS)] .. sub(text, to + 1)
  end,
  -- A token of the target, or the first part of this text and the last part of another one.
  function(text, target)
    local tokens = target.tokens
    local at = random(0, #text)
    local skip = random(0, 1) * random(0, 8)
    return sub(text, 1, at) .. tokens[random(#tokens)] .. sub(text, at + 1 + skip)
  end,
  function(text, _, corpus)
    local other = corpus[random(#corpus)]
    return sub(text, 1, random(0, #text)) .. sub(other, random(1, math.max(1, #other)))
  end,
}

--- Returns a change of an input: `target` has tokens, and `corpus` the interesting inputs.
function mutator.mutate(text, target, corpus)
  for _ = 1, random(1, 4) do
    if #text == 0 then text = BYTES[random(#BYTES)] end
    text = KINDS[random(#KINDS)](text, target, corpus)
  end
  return sub(text, 1, target.longest or LONGEST)
end

return mutator
