#include "edge/files/temporary_folder.h"

#include <gtest/gtest.h>

#include <fstream>

namespace forewarm {
namespace {

TEST(TemporaryFolder, IsGoneWithAllThatIsInIt) {
  std::string path;
  {
    const TemporaryFolder one;
    const TemporaryFolder other;
    EXPECT_NE(one.path(), other.path());
    path = one.path();
    std::filesystem::create_directory(one.path_of("inner"));
    std::ofstream(one.path_of("inner/file")) << "x";
    ASSERT_TRUE(std::filesystem::exists(path + "/inner/file"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(TemporaryFolder, SaysWhereNoneCanBeMade) {
  try {
    const TemporaryFolder folder("/nowhere/at/all");
    FAIL();
  } catch (const std::filesystem::filesystem_error& problem) {
    EXPECT_NE(std::string(problem.what()).find("/nowhere/at/all"), std::string::npos) << problem.what();
  }
}

}  // namespace
}  // namespace forewarm
