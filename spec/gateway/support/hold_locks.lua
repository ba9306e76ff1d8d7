-- Reads positions of bytes in a file, one per line. Locks each byte, prints its position when the lock is
-- taken, and holds all locks.
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
