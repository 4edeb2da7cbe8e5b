#include "scaling/start_times.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "edge/trace/gzip.h"

namespace forewarm::bench {
namespace {

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("start_times_" + std::to_string(getpid()));
  Folder() { std::filesystem::create_directories(path / "coldstart"); }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const std::string& text) const {
    std::ofstream(path / "coldstart/cold_latency_samples_2019_2021.csv.gz", std::ios::binary)
        << gzip_text(text);
  }
  Result<std::vector<StartModel>> read() const { return start_models(path.string()); }
};

TEST(StartTimes, AreThoseRecordedForTheCloudAndFittedOnesElsewhere) {
  const Folder folder;
  folder.write("cloud,variant,latency_ms\naws,a,100\nazure,a,5000\naws,b,300\ngcp,a,7000\naws,c,200\n");
  const auto starts = folder.read();
  ASSERT_TRUE(starts) << starts.error().message;
  ASSERT_EQ(starts->size(), 4U);
  EXPECT_TRUE((*starts)[0].recorded);
  EXPECT_TRUE((*starts)[1].recorded);
  EXPECT_FALSE((*starts)[2].recorded);
  EXPECT_FALSE((*starts)[3].recorded) << "its file is not there";
  Random random(1);
  for (int i = 0; i < 100; ++i) {
    const Duration lambda = (*starts)[0].time.draw(random), functions = (*starts)[1].time.draw(random);
    EXPECT_TRUE(lambda >= 100ms && lambda <= 300ms);
    EXPECT_TRUE(functions >= 5s && functions <= 7s);
  }
}

TEST(StartTimes, WhatIsNoStartTimeIsNamedWithItsPlace) {
  const Folder folder;
  folder.write("cloud,latency_ms\naws,100\naws,-3\n");
  EXPECT_NE(folder.read().error().message.find(":3:5: expected milliseconds"), std::string::npos);
  folder.write("cloud,ms\naws,100\n");
  EXPECT_NE(folder.read().error().message.find(":1:1: expected the columns cloud and latency_ms"),
            std::string::npos);
  folder.write("cloud,latency_ms\n");
  EXPECT_NE(folder.read().error().message.find("no start times"), std::string::npos);
}

}  // namespace
}  // namespace forewarm::bench
