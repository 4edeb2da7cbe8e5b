#include "app/price_sheet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "edge/files/temporary_folder.h"

namespace forewarm {
namespace {

const std::string kSmallest =
    "name = \"own\"\ncurrency = \"EUR\"\n[second]\nstarting = 1\nidle = 0.5\nbusy = 2.0\n";

std::string sheet_refusal(std::string_view toml) {
  const Result<PriceSheet> read = read_price_sheet(toml, "own.toml");
  return read ? "accepted" : read.error().message;
}

std::string with(const std::string& from, const std::string& to) {
  std::string text = kSmallest;
  return text.replace(text.find(from), from.size(), to);
}

TEST(PriceSheet, the_smallest_has_prices_of_seconds_and_nothing_else) {
  const Result<PriceSheet> read = read_price_sheet(kSmallest, "own.toml");
  ASSERT_TRUE(read) << read.error().message;
  PriceSheet expected;
  expected.name = "own";
  expected.currency = "EUR";
  expected.starting_second = 1;
  expected.idle_second = expected.frozen_second = 0.5;
  expected.busy_second = 2;
  EXPECT_EQ(*read, expected);
}

TEST(PriceSheet, everything_that_can_be_said_is_read) {
  const Result<PriceSheet> read =
      read_price_sheet("memory_gb = 4\n" + kSmallest +
                           "frozen = 0.125\n[each]\nstart = 0.1\nmillion_requests = 3\n"
                           "[billing]\ninstance_minimum = \"60s\"\ninstance_step = \"1s\"\nrun_minimum = "
                           "\"2s\"\nrun_step = \"1ms\"\n"
                           "[committed]\nsecond = 0.25\nbusy_second = 0.75\nstep = \"5m\"\n",
                       "own.toml");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->memory_gb, 4);
  EXPECT_EQ(read->frozen_second, 0.125);
  EXPECT_EQ(read->start, 0.1);
  EXPECT_EQ(read->million_requests, 3);
  EXPECT_EQ(read->billing.instance_minimum, 60s);
  EXPECT_EQ(read->billing.instance_step, 1s);
  EXPECT_EQ(read->billing.run_minimum, 2s);
  EXPECT_EQ(read->billing.run_step, 1ms);
  ASSERT_TRUE(read->committed);
  EXPECT_EQ(*read->committed, (CommittedPrice{.second = 0.25, .busy_second = 0.75, .step = 5min}));
}

TEST(PriceSheet, an_unknown_key_is_refused_with_the_nearest_name) {
  EXPECT_EQ(sheet_refusal(with("idle", "idel")), "own.toml:5:1: unknown key second.idel. Did you mean idle?");
  EXPECT_NE(sheet_refusal("curency = \"EUR\"\n" + kSmallest)
                .find("own.toml:1:1: unknown key curency. Did you "
                      "mean currency?"),
            std::string::npos);
}

TEST(PriceSheet, a_negative_or_endless_price_is_refused) {
  EXPECT_NE(sheet_refusal(with("2.0", "-2.0")).find("own.toml:6:8: second.busy: expected a number from 0 to"),
            std::string::npos);
  for (const char* wrong : {"nan", "inf", "1e300", "\"2\"", "[2]"})
    EXPECT_NE(sheet_refusal(with("2.0", wrong)).find("second.busy: expected a number"), std::string::npos);
  EXPECT_NE(sheet_refusal("memory_gb = 0\n" + kSmallest).find("memory_gb: expected a number from 0.001"),
            std::string::npos);
}

TEST(PriceSheet, a_missing_price_is_named_with_the_table_it_belongs_to) {
  EXPECT_NE(sheet_refusal(with("idle = 0.5\n", "")).find("own.toml:3:1: second.idle is missing"),
            std::string::npos);
  EXPECT_NE(sheet_refusal("name = \"own\"\ncurrency = \"EUR\"\n").find("second.starting is missing"),
            std::string::npos);
  EXPECT_NE(
      sheet_refusal(kSmallest + "[committed]\nstep = \"5m\"\n").find("own.toml:7:1: committed.second is"),
      std::string::npos);
}

TEST(PriceSheet, a_sheet_has_a_name_and_a_currency) {
  EXPECT_NE(sheet_refusal(with("name = \"own\"\n", "")).find("needs name"), std::string::npos);
  EXPECT_NE(sheet_refusal(with("\"own\"", "\"a\\nb\"")).find("own.toml:1:8: a sheet needs name"),
            std::string::npos);
  EXPECT_NE(sheet_refusal(with("EUR", "Euro")).find("own.toml:2:12: a sheet needs currency"),
            std::string::npos);
  EXPECT_NE(sheet_refusal(with("currency = \"EUR\"\n", "")).find("needs currency"), std::string::npos);
}

TEST(PriceSheet, a_duration_needs_a_unit_and_a_table_is_a_table) {
  EXPECT_NE(
      sheet_refusal(kSmallest + "[billing]\ninstance_minimum = 60\n").find("expected a duration such as"),
      std::string::npos);
  EXPECT_NE(sheet_refusal("committed = 3\n" + kSmallest).find("expected a table [committed]"),
            std::string::npos);
  EXPECT_NE(sheet_refusal("name = ").find("own.toml:1:"), std::string::npos);
}

TEST(PriceSheet, those_in_the_program_are_right_and_called_as_they_are_found) {
  const std::vector<std::string_view> names = built_in_price_sheets();
  for (const char* expected :
       {"machine", "aws-lambda", "aws-lambda-provisioned", "azure-functions", "google-cloud-run"})
    EXPECT_NE(std::ranges::find(names, expected), names.end()) << expected;
  for (const std::string_view name : names) {
    const Result<PriceSheet> sheet = find_price_sheet(std::string(name));
    ASSERT_TRUE(sheet) << sheet.error().message;
    EXPECT_EQ(sheet->name, name);
    EXPECT_GT(sheet->busy_second, 0);
  }
}

TEST(PriceSheet, a_file_is_found_by_its_path_and_a_wrong_name_by_the_nearest) {
  const TemporaryFolder folder;
  std::ofstream(folder.path_of("own.toml")) << kSmallest;
  const Result<PriceSheet> own = find_price_sheet(folder.path_of("own.toml"));
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_EQ(own->name, "own");
  EXPECT_FALSE(find_price_sheet(folder.path()));
  EXPECT_NE(find_price_sheet("aws-lamda").error().message.find("Did you mean aws-lambda?"),
            std::string::npos);
  EXPECT_NE(find_price_sheet("cheap").error().message.find("Known here: aws-lambda"), std::string::npos);
}

TEST(PriceSheet, any_bytes_give_a_sheet_within_bounds_or_an_error) {
  Random random(7);
  for (int n = 0; n < 3000; ++n) {
    std::string text = kSmallest + "[committed]\nsecond = 0.25\nstep = \"5m\"\n";
    for (std::uint64_t edits = 1 + random.below(6); edits > 0; --edits) {
      const auto at = static_cast<std::size_t>(random.below(text.size()));
      if (random.below(3) == 0)
        text.erase(at, 1 + static_cast<std::size_t>(random.below(9)));
      else
        text[at] = static_cast<char>(random.below(256));
      if (text.empty()) break;
    }
    const Result<PriceSheet> read = read_price_sheet(text, "own.toml");
    if (!read) {
      EXPECT_FALSE(read.error().message.empty());
      continue;
    }
    for (const double price : {read->starting_second, read->idle_second, read->busy_second})
      EXPECT_TRUE(price >= 0 && price <= 1e6) << text;
  }
}

}  // namespace
}  // namespace forewarm
