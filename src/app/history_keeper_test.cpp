#include "app/history_keeper.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <vector>

#include "app/config.h"
#include "app/history_tiers.h"
#include "edge/files/temporary_folder.h"

namespace forewarm {
namespace {

TEST(HistoryKeeper, WhatComesFirstKeepsItsOrder) {
  const TemporaryFolder folder;
  Loop loop;
  std::vector<int> order;
  std::promise<void> begun, go_on;  // outlive the keeper's thread, which may come to them late
  {
    auto keeper = HistoryKeeper::open(
        loop, {.directory = folder.path(), .tiers = history_tiers({}), .warn = [](const auto&) {}});
    ASSERT_TRUE(keeper) << keeper.error().message;
    (*keeper)->give([&](HistoryDatabase&) -> Result<void> {
      begun.set_value();
      go_on.get_future().wait();
      return {};
    });
    begun.get_future().wait();
    const auto note = [&order](int number) {
      return [&order, number](HistoryDatabase&) -> Result<void> {
        order.push_back(number);
        return {};
      };
    };
    (*keeper)->give(note(3));
    (*keeper)->give_first(note(1));
    (*keeper)->give_first(note(2));
    (*keeper)->give(note(4));
    go_on.set_value();
  }
  EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
}

}  // namespace
}  // namespace forewarm
