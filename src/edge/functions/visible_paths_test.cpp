#include "edge/functions/visible_paths.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "edge/files/temporary_folder.h"

namespace forewarm {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<std::string>;

class VisiblePathsTest : public ::testing::Test {
 protected:
  VisiblePathsTest() {
    fs::create_directories(root_ + "/code/deep");
    fs::create_directories(root_ + "/data/inner");
    std::ofstream(root_ + "/file") << "x";
  }

  TemporaryFolder temporary_;
  const std::string root_ = temporary_.path();
};

TEST_F(VisiblePathsTest, AFolderAboveAHiddenOneIsTakenApart) {
  EXPECT_EQ(without_hidden(root_, {}), Paths{root_});
  EXPECT_EQ(without_hidden(root_, {root_ + "/data"}), (Paths{root_ + "/code", root_ + "/file"}));
  EXPECT_EQ(without_hidden(root_, {root_ + "/code/deep"}), (Paths{root_ + "/data", root_ + "/file"}));
  EXPECT_EQ(without_hidden(root_ + "/code", {root_ + "/data"}), Paths{root_ + "/code"});
  EXPECT_EQ(without_hidden(root_ + "/data/inner", {root_ + "/data"}), Paths{});
}

TEST_F(VisiblePathsTest, ANameThatBeginsAlikeIsNotWithin) {
  EXPECT_TRUE(is_within("/a/b", "/a"));
  EXPECT_TRUE(is_within("/a", "/a"));
  EXPECT_TRUE(is_within("/a", "/"));
  EXPECT_FALSE(is_within("/ab", "/a"));
  EXPECT_FALSE(is_within("/", "/a"));
}

TEST_F(VisiblePathsTest, LinksAreFollowedSoThatNothingHidesBehindOne) {
  fs::create_directory_symlink(root_ + "/data", root_ + "/link");
  const std::string data = fs::canonical(root_ + "/data");
  EXPECT_EQ(real_path("link/inner/new", root_), data + "/inner/new");
  EXPECT_EQ(real_path(root_ + "/code/../link/", "/"), data);
}

TEST_F(VisiblePathsTest, SaysWhatOthersLackAndHowToGiveIt) {
  ::chmod(root_.c_str(), 0711);
  ::chmod((root_ + "/code").c_str(), 0755);
  ::chmod((root_ + "/data").c_str(), 0700);
  ::chmod((root_ + "/file").c_str(), 0644);
  EXPECT_EQ(what_others_lack(root_ + "/code", false), "");
  EXPECT_EQ(what_others_lack(root_ + "/file", false), "");
  EXPECT_EQ(what_others_lack(root_ + "/no/such", false), "");
  const std::string data = root_ + "/data";
  EXPECT_EQ(what_others_lack(data, false),
            data + " is not readable for other users (chmod o+rX " + data + ")");
  EXPECT_EQ(what_others_lack(data + "/inner", false),
            data + " is not passable for other users (chmod o+x " + data + ")");
  EXPECT_EQ(what_others_lack(root_ + "/file", true),
            root_ + "/file is not writable for other users (chmod o+rwX " + root_ + "/file)");
}

TEST_F(VisiblePathsTest, SecretsOfTheSystemAreForAUserOfItsOwnOnlyInSoFarAsItsBitsAllow) {
  const Paths all = system_paths(true), without = system_paths(false);
  EXPECT_NE(std::ranges::find(all, "/etc"), all.end());
  EXPECT_EQ(std::ranges::find(without, "/etc"), without.end());
  EXPECT_EQ(std::ranges::find(without, "/etc/shadow"), without.end());
  EXPECT_NE(std::ranges::find(without, "/etc/passwd"), without.end());
}

}  // namespace
}  // namespace forewarm
