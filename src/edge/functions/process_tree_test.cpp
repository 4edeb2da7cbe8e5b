#include "edge/functions/process_tree.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace forewarm {
namespace {

TEST(ProcessStat, SurvivesAnyProcessName) {
  const auto stat = parse_process_stat(
      "42 (a) R (b) Z 7 40 41 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 18446744073709551615 9");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->parent, 7);
  EXPECT_EQ(stat->session, 41);
  EXPECT_TRUE(stat->zombie);
  EXPECT_EQ(stat->started_ticks, 987654U);
  EXPECT_EQ(stat->cpu_ticks, 5U + 6 + 7 + 8);
}

TEST(ProcessStat, RefusesWhatIsNoStatLine) {
  for (const char* line :
       {"", "42", "42 (x)", "42 (x) ", "42 (x) R", "42 (x) R 1 2", "42 (x) R 1 2 3 4 5 6 7"})
    EXPECT_FALSE(parse_process_stat(line)) << line;
}

TEST(ProcessTree, SeesItself) {
  const auto self = read_process_stat(getpid());
  ASSERT_TRUE(self);
  EXPECT_EQ(self->parent, getppid());
  EXPECT_EQ(self->session, getsid(0));
  EXPECT_FALSE(self->zombie);
  EXPECT_GT(resident_bytes(getpid()), 1U << 20);
  EXPECT_EQ(descendants_of(getpid()), std::vector<pid_t>{getpid()});
  EXPECT_FALSE(has_environment_entry(getpid(), "FOREWARM_NO_SUCH=1"));
  EXPECT_FALSE(read_process_stat(1 << 30));
}

TEST(ProcessTree, APeakIsOfTheTimeSinceItWasSetBack) {
  constexpr std::size_t kBytes = 64U << 20;
  const std::uint64_t before = peak_resident_bytes(getpid());
  EXPECT_GT(before, 1U << 20);
  // From the kernel and back to it: an allocator, a sanitizer's above all, keeps what it is given back.
  void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  ::memset(memory, 'x', kBytes);
  ::munmap(memory, kBytes);
  const std::uint64_t peak = peak_resident_bytes(getpid());
  EXPECT_GT(peak, kBytes);
  ASSERT_TRUE(reset_peak(getpid()));
  EXPECT_LT(peak_resident_bytes(getpid()), peak - kBytes / 2);
  EXPECT_EQ(peak_resident_bytes(1 << 30), 0U);
  EXPECT_FALSE(reset_peak(1 << 30));
}

/// A process of a session of its own that leaves a child behind and ends at once. The child's number.
pid_t leave_behind(pid_t& middle) {
  int ends[2] = {};
  if (::pipe(ends) != 0) return 0;
  middle = ::fork();
  if (middle == 0) {
    ::setsid();
    // Giving this back takes a while, in which the process has no environment any more and is not a zombie
    // yet.
    const std::string memory(32U << 20, 'x');
    if (::fork() > 0) ::_exit(memory.back() == 'x' ? 0 : 1);
    const pid_t self = ::getpid();
    if (::write(ends[1], &self, sizeof self) != sizeof self) ::_exit(1);
    for (;;) ::pause();
  }
  pid_t left = 0;
  if (::read(ends[0], &left, sizeof left) != sizeof left) left = 0;
  ::close(ends[0]);
  ::close(ends[1]);
  return left;
}

TEST(ProcessTree, AMemberIsFoundWhileItChangesParents) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const char* path = ::getenv("PATH");
  ASSERT_NE(path, nullptr);
  const ProcessFamily family{.leader = 1 << 30, .leader_reaped = true, .mark = std::string("PATH=") + path};
  for (int i = 0; i < 40; ++i) {
    pid_t middle = 0;
    const pid_t left = leave_behind(middle);
    ASSERT_GT(left, 0);
    for (bool over = false; !over;) {
      const auto stat = read_process_stat(middle);
      over = !stat || stat->zombie;
      const std::vector<pid_t> members = members_of(family, {});
      const auto has = [&](pid_t pid) { return std::ranges::find(members, pid) != members.end(); };
      // Where the middle one was still alive, whoever kills it looks again.
      const bool found = has(left) || has(middle);
      EXPECT_TRUE(found) << i;
      over |= !found;
    }
    ::kill(left, SIGKILL);
    ::waitpid(middle, nullptr, 0);
    EXPECT_EQ(::waitpid(left, nullptr, 0), left) << "it is ours by now";
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace
}  // namespace forewarm
