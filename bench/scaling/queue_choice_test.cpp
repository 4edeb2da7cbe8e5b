#include "scaling/queue_choice.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace forewarm::bench {
namespace {

class QueueChoiceTest : public testing::Test {
 protected:
  QueueChoiceTest() {
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ / "trace.csv") << "timestamp_s,queue,count\n"
                                            "0,small,1\n0,huge,900\n0,gauge,2.5\n0,middle,20\n0,large,40\n"
                                            "60,huge,200\n60,gauge,3\n60,middle,10\n60,small,1\n";
  }
  ~QueueChoiceTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / ("queue_choice_" + std::to_string(::getpid()));
};

TEST_F(QueueChoiceTest, takes_queues_of_every_volume_but_no_gauge_and_none_too_large) {
  const Result<QueueChoice> all = choose_queues(folder_.string(), 10, 1000);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->queues, (std::vector<std::string>{"large", "middle", "small"}));
  EXPECT_EQ(all->left_out, std::vector<std::string>{"huge"});
  const Result<QueueChoice> few = choose_queues((folder_ / "trace.csv").string(), 2, 2000);
  ASSERT_TRUE(few);
  EXPECT_EQ(few->queues, (std::vector<std::string>{"huge", "middle"}));
  EXPECT_TRUE(few->left_out.empty());
}

TEST_F(QueueChoiceTest, says_which_file_is_not_there) {
  const Result<QueueChoice> none = choose_queues((folder_ / "other.csv").string(), 2);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("other.csv"), std::string::npos);
}

}  // namespace
}  // namespace forewarm::bench
