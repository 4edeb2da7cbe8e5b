#include "app/archive_file.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

constexpr TimePoint kFirstOfMarch = time_point_us(1772323200'000'000);  // 2026-03-01T00:00:00Z

TEST(ArchiveFile, NamesReadBack) {
  for (const Duration step :
       {Duration(1500ms), Duration(10s), Duration(1min), Duration(5min), Duration(1h)}) {
    for (const SeriesKind kind : {SeriesKind::Queue, SeriesKind::Signal}) {
      const ArchiveFile file{kind, step, kFirstOfMarch};
      const auto again = ArchiveFile::parse(file.name());
      ASSERT_TRUE(again) << file.name();
      EXPECT_EQ(again->kind, kind);
      EXPECT_EQ(again->step, step);
      EXPECT_EQ(again->day, kFirstOfMarch);
    }
  }
  EXPECT_EQ((ArchiveFile{SeriesKind::Queue, 10s, kFirstOfMarch}.name()), "queue/step=10s/2026-03-01.csv.gz");
}

TEST(ArchiveFile, OtherObjectsAreLeftAlone) {
  for (const char* name : {"", "queue", "step=10s/2026-03-01.csv.gz", "queue/step=10s/2026-03-01.csv",
                           "queue/step=/2026-03-01.csv.gz", "queue/step=10s/2026-02-30.csv.gz",
                           "queue/step=10s/x/2026-03-01.csv.gz", "queue/step=60s/2026-03-01.csv.gz",
                           "function/step=10s/2026-03-01.csv.gz", "queue/step=10s/2026-03-01.csv.gz.part"})
    EXPECT_FALSE(ArchiveFile::parse(name)) << name;
}

TEST(ArchiveFile, MergingKeepsAllRowsAndPrefersOurs) {
  EXPECT_EQ(merged_csv("h\n10,b,10,1\n100,b,10,2\n", "h\n9,b,10,3\n10,b,10,4\n5,a,10,5\n"),
            "h\n5,a,10,5\n9,b,10,3\n10,b,10,1\n100,b,10,2\n");
  EXPECT_EQ(merged_csv("h\n1,a,10,1\n", "h\n"), "h\n1,a,10,1\n");
}

}  // namespace
}  // namespace forewarm
