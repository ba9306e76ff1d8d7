-- Locks the bytes of a file whose numbers it reads, one a line; prints each once it has it, and keeps them
-- all.
local ffi = require("ffi")

ffi.cdef([[
  struct sluice_flock { short type; short whence; int64_t start; int64_t length; int pid; };
  int open(const char *, int);
  int fcntl(int, int, struct sluice_flock *);
]])

local O_RDWR, F_SETLKW, F_WRLCK = 2, 7, 1

local fd = ffi.C.open(arg[1], O_RDWR)
assert(fd ~= -1, "could not open the file")
for line in io.lines() do
  local range = ffi.new("struct sluice_flock", { type = F_WRLCK, start = tonumber(line), length = 1 })
  assert(ffi.C.fcntl(fd, F_SETLKW, range) ~= -1, "could not lock")
  print(line)
  io.flush()
end
