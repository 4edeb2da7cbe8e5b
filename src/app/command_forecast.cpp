// forewarm forecast: what a running server expects of a queue

#include <unistd.h>

#include <boost/json.hpp>
#include <cmath>
#include <functional>
#include <iostream>

#include "app/admin_client.h"
#include "app/commands.h"
#include "app/config.h"
#include "app/fan_chart.h"
#include "app/terminal.h"
#include "edge/observe/clock_text.h"

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::size_t kRowsShown = 12;
constexpr std::size_t kReasonsShown = 5;
constexpr std::size_t kMedianLevel = 4;
constexpr std::size_t kHighLevel = 7;                   // 95 %
constexpr std::size_t kBandLevels[] = {1, 3, 4, 5, 7};  // 5, 25, 50, 75 and 95 %

std::vector<float> numbers_in(const json::value& list) {
  std::vector<float> numbers;
  for (const json::value& value : list.as_array())
    numbers.push_back(value.is_null() ? std::numeric_limits<float>::quiet_NaN() : value.to_number<float>());
  return numbers;
}

FanPicture picture_of(const json::value& answer) {
  FanPicture picture;
  picture.start = TimePoint(from_seconds(answer.at("start").to_number<double>()));
  picture.step = from_seconds(answer.at("step_seconds").to_number<double>());
  picture.past = numbers_in(answer.at("history"));
  const json::array& quantiles = answer.at("quantiles").as_array();
  std::vector<float>* const bands[] = {&picture.low, &picture.lower, &picture.median, &picture.upper,
                                       &picture.high};
  for (std::size_t i = 0; i < std::size(bands); ++i) *bands[i] = numbers_in(quantiles.at(kBandLevels[i]));
  picture.came = numbers_in(answer.at("came"));
  // As much past as future is enough to see what the forecast goes on from.
  const std::size_t most = std::max<std::size_t>(picture.median.size(), 24);
  if (picture.past.size() > most)
    picture.past.erase(picture.past.begin(), picture.past.end() - static_cast<std::ptrdiff_t>(most));
  return picture;
}

std::string count_text(float value) {
  if (!(value == value)) return "-";
  return value < 10 && value != static_cast<float>(static_cast<int>(value))
             ? fixed(static_cast<double>(value), 1)
             : grouped(static_cast<std::uint64_t>(std::llround(value)));
}

/// Every so many steps, so that the table fits a screen.
std::string table_of(const FanPicture& picture) {
  const std::size_t apart = (picture.median.size() + kRowsShown - 1) / kRowsShown;
  TextTable table;
  std::vector<std::string> head = {"from", "5 %", "25 %", "median", "75 %", "95 %"};
  if (!picture.came.empty()) head.emplace_back("came");
  table.row(std::move(head));
  for (std::size_t h = 0; h < picture.median.size(); h += apart) {
    std::vector<std::string> row = {utc_text(picture.start + picture.step * static_cast<Duration::rep>(h))};
    row[0] = row[0].substr(0, 19) + "Z";
    for (const auto* band : {&picture.low, &picture.lower, &picture.median, &picture.upper, &picture.high})
      row.push_back(count_text((*band)[h]));
    if (!picture.came.empty()) row.push_back(h < picture.came.size() ? count_text(picture.came[h]) : "-");
    table.row(std::move(row));
  }
  return table.text();
}

/// What carries the forecast, the most first, and the batches that are due.
std::string reasons_of(const json::value& reasons) {
  std::string carried, scheduled;
  std::size_t shown = 0, signals = 0;
  for (const json::value& reason : reasons.as_array()) {
    const std::string text(reason.at("text").as_string());
    const std::string share = fixed(100 * reason.at("share").to_number<double>(), 0) + " %";
    if (reason.at("kind") == "batch")
      scheduled += "  " + text + "\n";
    else if ((reason.at("kind") == "signal" ? signals++ : shown++) < kReasonsShown)
      carried += std::string(share.size() < 6 ? 6 - share.size() : 0, ' ') + share + "  " + text + "\n";
  }
  if (!carried.empty()) carried.insert(0, "\nCarried by\n");
  if (!scheduled.empty()) scheduled.insert(0, "\nScheduled\n");
  return carried + scheduled;
}

/// A number of messages at a time, processors or instances.
std::string few_text(double value) {
  return value < 10 ? fixed(value, value < 1 ? 2 : 1)
                    : grouped(static_cast<std::uint64_t>(std::llround(value)));
}

std::string memory_text(double bytes) {
  const double mib = bytes / (1 << 20);
  return mib < 10'000 ? grouped(static_cast<std::uint64_t>(std::llround(mib))) + " MiB"
                      : fixed(mib / 1024, 1) + " GiB";
}

/// Median and 95 % of one resource at a step; nothing where it was not measured.
std::vector<std::string> need_cells(const json::value& quantiles, std::size_t h,
                                    const std::function<std::string(double)>& text) {
  const json::array& levels = quantiles.as_array();
  if (levels.empty()) return {"-", "-"};
  const auto at = [&](std::size_t level) {
    return text(levels.at(level).as_array().at(h).to_number<double>());
  };
  return {at(kMedianLevel), at(kHighLevel)};
}

/// What the forecast needs, every so many steps, and the priorities' shares of it.
std::string demand_of(const json::value& answer) {
  const json::value& demand = answer.at("demand");
  const std::size_t steps = answer.at("quantiles").as_array().at(0).as_array().size();
  const TimePoint start(from_seconds(answer.at("start").to_number<double>()));
  const Duration step = from_seconds(answer.at("step_seconds").to_number<double>());
  std::string text;
  if (!demand.at("concurrency").as_array().empty()) {
    TextTable table;
    table.row({"from", "at a time", "95 %", "cores", "95 %", "memory", "95 %"});
    const std::size_t apart = (steps + kRowsShown - 1) / kRowsShown;
    for (std::size_t h = 0; h < steps; h += apart) {
      std::vector<std::string> row = {utc_text(start + step * static_cast<Duration::rep>(h)).substr(0, 19) +
                                      "Z"};
      for (const auto& cells :
           {need_cells(demand.at("concurrency"), h, few_text), need_cells(demand.at("cores"), h, few_text),
            need_cells(demand.at("memory_bytes"), h, memory_text)})
        row.insert(row.end(), cells.begin(), cells.end());
      table.row(std::move(row));
    }
    text += "\nNeeds: messages at a time, processors and memory, median and 95 %\n" + table.text();
  }
  const json::array& priorities = demand.at("priorities").as_array();
  if (priorities.empty()) return text;
  TextTable table;
  table.row({"priority", "share", "messages", "95 %", "at a time", "95 %"});
  for (const json::value& one : priorities) {
    // The step with the most messages: what has to be ready for.
    const json::array& medians = one.at("messages").as_array().at(kMedianLevel).as_array();
    std::size_t fullest = 0;
    for (std::size_t h = 1; h < medians.size(); ++h)
      if (medians[h].to_number<double>() > medians[fullest].to_number<double>()) fullest = h;
    std::vector<std::string> row = {std::to_string(one.at("priority").to_number<int>()),
                                    fixed(100 * one.at("share").to_number<double>(), 1) + " %"};
    for (const auto& cells : {need_cells(one.at("messages"), fullest, few_text),
                              need_cells(one.at("concurrency"), fullest, few_text)})
      row.insert(row.end(), cells.begin(), cells.end());
    table.row(std::move(row));
  }
  return text + "\nBy priority, in the step with the most of it\n" + table.text();
}

}  // namespace

int run_forecast(const ServerAddress& server, const ForecastCommand& command) {
  std::string query = "horizon=" + percent_encode(command.horizon);
  if (!command.at.empty()) query += "&at=" + percent_encode(command.at);
  const Result<HttpResponse> response =
      call_admin(server, {"GET", "/v1/queues/" + percent_encode(command.queue) + "/forecast", query, {}, ""});
  if (!response) return failed(response.error());
  if (server.json) {
    std::cout << response->body;
    return 0;
  }
  const json::value answer = json::parse(response->body);
  const FanPicture picture = picture_of(answer);
  std::cout << command.queue << ": messages per " << format_duration(picture.step) << ", by "
            << std::string(answer.at("model").as_string()) << ", times in UTC\n\n"
            << fan_chart(picture, {.width = static_cast<std::size_t>(terminal_width(STDOUT_FILENO)),
                                   .colour = may_colour(STDOUT_FILENO)})
            << "\n"
            << (picture.came.empty() ? "█ came  ━ median  ▒ 50 %  ░ 90 %\n\n"
                                     : "█ known  ● came  ━ median  ▒ 50 %  ░ 90 %\n\n")
            << table_of(picture) << reasons_of(answer.at("reasons")) << demand_of(answer);
  return 0;
}

}  // namespace forewarm
