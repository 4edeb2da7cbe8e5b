#include "edge/files/whole_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "edge/files/temporary_folder.h"

namespace forewarm {
namespace {

class WholeFile : public ::testing::Test {
 protected:
  std::string content() const {
    const auto read = read_file_if_any(path_);
    return !read ? read.error().message : read->value_or("no file");
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.path_of("file");
};

TEST_F(WholeFile, IsReadAsItWasWritten) {
  EXPECT_EQ(content(), "no file");
  const std::string large(100'000, 'x');
  ASSERT_TRUE(replace_file(path_, large, {.mode = 0600}));
  EXPECT_EQ(content(), large);
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  ASSERT_TRUE(replace_file(path_, ""));
  EXPECT_EQ(content(), "");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
}

TEST_F(WholeFile, WhatIsThereAndCannotBeReadIsNoMissingFile) {
  std::filesystem::create_directory(path_);
  const auto read = read_file_if_any(path_);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::Io);
  EXPECT_EQ(read.error().message, path_ + ": cannot be read (Is a directory)");
}

TEST_F(WholeFile, WhoNeedsItIsToldTheRemedy) {
  const Result<std::string> missing = read_whole_file(path_, "Make one");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
  EXPECT_EQ(missing.error().message, path_ + ": cannot be read (No such file or directory). Make one");
  std::filesystem::create_directory(path_);
  const Result<std::string> folder = read_whole_file(path_, "Make one");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().message, path_ + ": cannot be read (Is a directory). Make one");
  const std::string other = folder_.path_of("other");
  ASSERT_TRUE(replace_file(other, "x"));
  EXPECT_EQ(read_whole_file(other), "x");
}

TEST_F(WholeFile, TheFolderIsFoundHoweverItIsNamed) {
  EXPECT_TRUE(sync_folder_of_file(path_));
  EXPECT_TRUE(sync_folder_of_file(folder_.path_of("not/")));
  EXPECT_FALSE(sync_folder_of_file(folder_.path_of("no/such")));
}

TEST_F(WholeFile, AFullDiskLeavesTheOldOneAndSaysWhy) {
  ASSERT_TRUE(replace_file(path_, "old"));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 10, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Result<void> replaced = replace_file(path_, std::string(100, 'x'));  // the first ten are written
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(replaced);
  EXPECT_EQ(replaced.error().message, path_ + ": cannot be written (File too large)");
  EXPECT_EQ(content(), "old");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
}

TEST_F(WholeFile, AFolderInItsPlaceIsNamed) {
  std::filesystem::create_directories(path_ + "/inner");
  const Result<void> replaced = replace_file(path_, "x");
  ASSERT_FALSE(replaced);
  EXPECT_NE(replaced.error().message.find("Is a directory"), std::string::npos) << replaced.error().message;
  EXPECT_FALSE(replace_file(folder_.path_of("no/such/folder"), "x"));
}

}  // namespace
}  // namespace forewarm
