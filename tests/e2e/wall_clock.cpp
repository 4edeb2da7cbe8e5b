// Preloaded into a program: its wall clock is off by the seconds in the file that WALL_CLOCK_OFFSET names.
// Clocks that nobody sets go on as they are, and so do all other programs.

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace {

long offset_seconds() {
  const char* path = std::getenv("WALL_CLOCK_OFFSET");
  const int before = errno;
  const int file = path != nullptr ? ::open(path, O_RDONLY | O_CLOEXEC) : -1;
  char text[32] = {};
  if (file >= 0) {
    if (::read(file, text, sizeof text - 1) < 0) text[0] = '\0';
    ::close(file);
  }
  errno = before;
  return std::atol(text);
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* at) noexcept {
  const int result = static_cast<int>(::syscall(SYS_clock_gettime, clock, at));
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    at->tv_sec += offset_seconds();
  return result;
}

int gettimeofday(timeval* at, void* /*zone*/) noexcept {
  timespec now{};
  const int result = clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return result;
}

time_t time(time_t* at) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (at != nullptr) *at = now.tv_sec;
  return now.tv_sec;
}
}
