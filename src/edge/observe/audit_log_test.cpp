#include "edge/observe/audit_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include <filesystem>

#include "edge/files/temporary_folder.h"

namespace forewarm {
namespace {

AuditEntry entry_of(int number) {
  return {.time = time_point_us(1'700'000'000'000'000 + number),
          .principal = "ops",
          .action = "admin:putFunction",
          .target = "/v1/functions/\"f\"",
          .result = "ok " + std::to_string(number),
          .details = number == 2 ? "{\"paused\": true}" : ""};
}

TEST(AuditLog, WritesALineForEachCallAndReadsTheNewestInOrder) {
  const TemporaryFolder folder;
  {
    AuditLog log({.directory = folder.path() + "/audit"});
    for (int n = 0; n < 3; ++n) ASSERT_TRUE(log.append(entry_of(n)));
  }
  AuditLog again({.directory = folder.path() + "/audit"});
  ASSERT_TRUE(again.append(entry_of(3)));
  const auto lines = read_audit(folder.path() + "/audit", 2);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find("\"result\":\"ok 2\""), std::string::npos);
  EXPECT_NE(lines[0].find(R"("details":"{\"paused\": true}")"), std::string::npos);
  EXPECT_EQ(lines[1].find("details"), std::string::npos);
  EXPECT_NE(lines[1].find("\"result\":\"ok 3\""), std::string::npos);
  EXPECT_NE(lines[1].find(R"("target":"/v1/functions/\"f\"")"), std::string::npos);
  EXPECT_EQ(read_audit(folder.path() + "/audit", 100).size(), 4U);
}

TEST(AuditLog, RotatesItsFilesAndDropsTheOldest) {
  const TemporaryFolder folder;
  AuditLog log({.directory = folder.path(), .file_bytes_max = 400, .files_max = 3});
  for (int n = 0; n < 40; ++n) ASSERT_TRUE(log.append(entry_of(n)));
  int files = 0;
  for (const auto& each : std::filesystem::directory_iterator(folder.path())) {
    EXPECT_LE(each.file_size(), 400U);
    ++files;
  }
  EXPECT_EQ(files, 3);
  const auto lines = read_audit(folder.path(), 100);
  EXPECT_LT(lines.size(), 40U);
  EXPECT_NE(lines.back().find("ok 39"), std::string::npos);
}

TEST(AuditLog, SaysWhatItCannotWrite) {
  AuditLog log({.directory = "/proc/nothing/here"});
  const auto failed = log.append(entry_of(1));
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("/proc/nothing/here"), std::string::npos);
  EXPECT_TRUE(read_audit("/proc/nothing/here", 10).empty());
}

TEST(AuditLog, AFullDiskLeavesNoHalfLine) {
  const TemporaryFolder folder;
  AuditLog log({.directory = folder.path()});
  ASSERT_TRUE(log.append(entry_of(1)));
  const auto size = std::filesystem::file_size(folder.path_of("audit.jsonl"));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit nearly_full{.rlim_cur = size + 10, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &nearly_full), 0);
  const Result<void> refused = log.append(entry_of(2));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(refused);
  ASSERT_TRUE(log.append(entry_of(3)));
  EXPECT_EQ(read_audit(folder.path(), 10).size(), 2U);
}

}  // namespace
}  // namespace forewarm
