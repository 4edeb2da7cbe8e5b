#include "app/price_sheet.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <span>
#include <sstream>
#include <utility>

#include "app/toml_reader.h"

namespace forewarm {

/// The files of src/app/prices, from the build.
std::span<const std::pair<std::string_view, std::string_view>> texts_of_prices();

namespace {

// Above any currency's price of anything, and far from where sums lose their cents.
constexpr Bounds<double> kPrice{0, 1e6};
constexpr Bounds<double> kMemoryGb{0.001, 100'000};
constexpr Bounds<Duration> kRounding{Duration(0), 24h * 366};
constexpr std::size_t kNameMost = 80;
// What has no price yet; no file can say it, since bounds refuse it.
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

void describe_prices(FieldVisitor& visitor, PriceSheet& sheet, CommittedPrice& committed) {
  visitor.text({"name", "what reports call the sheet"}, sheet.name);
  visitor.text({"currency", "three capital letters such as USD"}, sheet.currency);
  visitor.real({"memory_gb", "the memory of an instance, by which all prices of seconds are multiplied"},
               sheet.memory_gb, kMemoryGb);
  visitor.begin_table({"second", "prices of an instance's second"});
  visitor.real({"starting", "the price of a second in which an instance starts"}, sheet.starting_second,
               kPrice);
  visitor.real({"idle", "the price of a second in which an instance waits for work"}, sheet.idle_second,
               kPrice);
  visitor.real({"frozen", "the price of a second in which an instance is frozen; not said: of an idle one"},
               sheet.frozen_second, kPrice);
  visitor.real({"busy", "the price of a second in which an instance works"}, sheet.busy_second, kPrice);
  visitor.end_table();
  visitor.begin_table({"each", "prices of what is counted"});
  visitor.real({"start", "the price of each start of an instance"}, sheet.start, kPrice);
  visitor.real({"million_requests", "the price of a million runs"}, sheet.million_requests, kPrice);
  visitor.end_table();
  visitor.begin_table({"billing", "how time is rounded up"});
  visitor.duration({"instance_minimum", "the least that is charged of an instance's life"},
                   sheet.billing.instance_minimum, kRounding);
  visitor.duration({"instance_step", "the step to which an instance's life is rounded up; 0s: not rounded"},
                   sheet.billing.instance_step, kRounding);
  visitor.duration({"run_minimum", "the least that is charged of a run"}, sheet.billing.run_minimum,
                   kRounding);
  visitor.duration({"run_step", "the step to which a run is rounded up; 0s: not rounded"},
                   sheet.billing.run_step, kRounding);
  visitor.end_table();
  visitor.begin_table({"committed", "instances that are paid for all the time"});
  visitor.real({"second", "the price of a committed instance's second, whatever it does"}, committed.second,
               kPrice);
  visitor.real({"busy_second", "the price on top of a second in which it works"}, committed.busy_second,
               kPrice);
  visitor.duration({"step", "the step to which the committed time is rounded up; 0s: not rounded"},
                   committed.step, kRounding);
  visitor.end_table();
}

bool is_currency(std::string_view text) {
  return text.size() == 3 && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

/// Names go into tables: no line ends in them.
bool is_sheet_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameMost &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

/// What a sheet cannot do without, and what is more than any text.
Result<void> check_sheet(const toml::table& root, std::string_view file, const PriceSheet& sheet,
                         const CommittedPrice& committed) {
  const auto problem = [&](const toml::node* node, const std::string& wrong) {
    return error(ErrorCode::Invalid,
                 toml_place(file, (node != nullptr ? *node : root).source()) + ": " + wrong);
  };
  if (!is_sheet_name(sheet.name))
    return problem(root.get("name"), "a sheet needs name = \"NAME\", up to " + std::to_string(kNameMost) +
                                         " characters on one line");
  if (!is_currency(sheet.currency))
    return problem(root.get("currency"), "a sheet needs currency = \"USD\" or other three capital letters");
  const std::array needed{std::pair{"starting", sheet.starting_second}, std::pair{"idle", sheet.idle_second},
                          std::pair{"busy", sheet.busy_second}};
  for (const auto& [key, price] : needed) {
    if (std::isnan(price))
      return problem(root.get("second"), "second." + std::string(key) +
                                             " is missing: a sheet needs starting, idle and busy in "
                                             "[second]; write 0 for what costs nothing");
  }
  if (root.get("committed") != nullptr && std::isnan(committed.second))
    return problem(
        root.get("committed"),
        "committed.second is missing: the price of a committed instance's second, whatever it does");
  return {};
}

}  // namespace

Result<PriceSheet> read_price_sheet(std::string_view text, std::string_view file) {
  const Result<toml::table> root = parse_toml(text, file);
  if (!root) return std::unexpected(root.error());
  PriceSheet sheet;
  sheet.starting_second = sheet.idle_second = sheet.frozen_second = sheet.busy_second = kMissing;
  CommittedPrice committed;
  committed.second = kMissing;
  TomlReader reader(*root, file);
  describe_prices(reader, sheet, committed);
  if (Result<void> read = reader.finish(); !read) return std::unexpected(read.error());
  if (Result<void> right = check_sheet(*root, file, sheet, committed); !right)
    return std::unexpected(right.error());
  if (std::isnan(sheet.frozen_second)) sheet.frozen_second = sheet.idle_second;
  if (root->get("committed") != nullptr) sheet.committed = committed;
  return sheet;
}

std::vector<std::string_view> built_in_price_sheets() {
  std::vector<std::string_view> names;
  for (const auto& [name, text] : texts_of_prices()) names.push_back(name);
  return names;
}

Result<PriceSheet> find_price_sheet(const std::string& name_or_path) {
  for (const auto& [name, text] : texts_of_prices()) {
    if (name == name_or_path) return read_price_sheet(text, name);
  }
  std::error_code unknown;
  std::ifstream file;
  if (std::filesystem::is_regular_file(name_or_path, unknown)) file.open(name_or_path, std::ios::binary);
  if (!file.is_open()) {
    std::string wrong = name_or_path + ": no price sheet has this name and no file this path.";
    const std::vector<std::string_view> names = built_in_price_sheets();
    const std::string_view meant = nearest_name(name_or_path, names);
    if (!meant.empty())
      return error(ErrorCode::NotFound, wrong + " Did you mean " + std::string(meant) + "?");
    wrong += " Known here:";
    for (const std::string_view name : names) wrong += " " + std::string(name);
    return error(ErrorCode::NotFound, wrong + "; or a TOML file (docs/formats/prices.md).");
  }
  std::ostringstream text;
  text << file.rdbuf();
  return read_price_sheet(text.str(), name_or_path);
}

}  // namespace forewarm
