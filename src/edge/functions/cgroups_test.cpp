#include "edge/functions/cgroups.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

TEST(FindCgroups, KnowsBothVersionsAndControllersThatShareAMount) {
  const CgroupPlaces both =
      find_cgroups("8:cpu,pids:/jobs\n5:memory:/\n1:name=systemd:/x\n0::/user.slice/a:b\n",
                   "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
                   "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\n"
                   "cgroup /sys/fs/cgroup/cpu,pids cgroup rw,cpu,pids 0 0\n"
                   "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n");
  EXPECT_EQ(both.memory, "/sys/fs/cgroup/memory");
  EXPECT_EQ(both.pids, "/sys/fs/cgroup/cpu,pids/jobs");
  EXPECT_EQ(both.unified, "/sys/fs/cgroup/unified/user.slice/a:b");
}

TEST(FindCgroups, WhatIsNotMountedIsNotThere) {
  const CgroupPlaces none =
      find_cgroups("5:memory:/\n0::/\nnonsense\n:\n", "proc /proc proc rw 0 0\nshort\n\n");
  EXPECT_EQ(none.memory, "");
  EXPECT_EQ(none.pids, "");
  EXPECT_EQ(none.unified, "");
}

TEST(Cgroups, WhatCannotBeLimitedSaysWhy) {
  const Cgroups cgroups = Cgroups::open("no/such/parent");
  EXPECT_FALSE(cgroups.memory_why().empty());
  EXPECT_FALSE(cgroups.processes_why().empty());
  const auto made = cgroups.make(InstanceId(1), 1, 1);
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->empty());
  EXPECT_EQ(cgroups.out_of_memory_kills(InstanceId(1)), 0U);
  EXPECT_TRUE(cgroups.remove(InstanceId(1)));
}

}  // namespace
}  // namespace forewarm
