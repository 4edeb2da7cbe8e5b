#include "edge/functions/process_tree.h"

#include <gtest/gtest.h>
#include <unistd.h>

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

}  // namespace
}  // namespace forewarm
