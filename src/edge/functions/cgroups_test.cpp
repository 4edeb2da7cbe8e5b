#include "edge/functions/cgroups.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "edge/files/temporary_folder.h"

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

/// What is written to version 2 and read from it, by the kernel's manual. That the kernel takes it so is not
/// shown by this: a machine whose controllers are all in version 1 has no version 2 to try it on.
class CgroupsOfVersion2InPlainFiles : public ::testing::Test {
 protected:
  CgroupsOfVersion2InPlainFiles() {
    write("cgroup.controllers", "cpu io memory pids\n");
    for (const char* file :
         {"cgroup.procs", "cgroup.subtree_control", "ours/cgroup.subtree_control", "ours/7/memory.max",
          "ours/7/memory.swap.max", "ours/7/memory.oom.group", "ours/7/pids.max"})
      write(file, "");
  }
  void write(const std::string& file, std::string_view text) const {
    std::filesystem::create_directories((place_ / file).parent_path());
    std::ofstream(place_ / file) << text;
  }
  std::string read(const std::string& file) const {
    std::ifstream text(place_ / file);
    return {std::istreambuf_iterator<char>(text), {}};
  }
  Cgroups open() const {
    return Cgroups::open_at({.unified = place_.string(), .memory = "/nowhere", .pids = "/nowhere"}, "ours");
  }

  TemporaryFolder temporary_;
  const std::filesystem::path place_ = temporary_.path();
};

TEST_F(CgroupsOfVersion2InPlainFiles, AreDividedAndLimited) {
  const Cgroups cgroups = open();
  EXPECT_EQ(cgroups.version(), "v2");
  EXPECT_EQ(cgroups.memory_why(), "");
  EXPECT_EQ(cgroups.processes_why(), "");
  EXPECT_EQ(read("cgroup.subtree_control"), "+memory +pids");
  EXPECT_EQ(read("ours/cgroup.subtree_control"), "+memory +pids");
  const auto made = cgroups.make(InstanceId(7), 64U << 20, 100);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(*made, std::vector<std::string>{(place_ / "ours/7/cgroup.procs").string()});
  EXPECT_EQ(read("ours/7/memory.max"), "67108864");
  EXPECT_EQ(read("ours/7/memory.swap.max"), "0");
  EXPECT_EQ(read("ours/7/memory.oom.group"), "1");
  EXPECT_EQ(read("ours/7/pids.max"), "100");
  EXPECT_EQ(cgroups.out_of_memory_kills(InstanceId(7)), 0U);
  write("ours/7/memory.events", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\noom_group_kill 1\n");
  EXPECT_EQ(cgroups.out_of_memory_kills(InstanceId(7)), 2U);
}

TEST_F(CgroupsOfVersion2InPlainFiles, WithoutMemoryAreNotUsed) {
  write("cgroup.controllers", "hugetlb\n");
  EXPECT_EQ(open().version(), "v1");
}

TEST_F(CgroupsOfVersion2InPlainFiles, ThatCannotBeDividedSayWhy) {
  std::filesystem::remove(place_ / "cgroup.subtree_control");
  EXPECT_NE(open().memory_why().find("cannot be divided"), std::string::npos) << open().memory_why();
}

}  // namespace
}  // namespace forewarm
