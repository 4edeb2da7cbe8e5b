// forewarm forecast: what a running server expects of a queue

#include <unistd.h>

#include <boost/json.hpp>
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
             : grouped(static_cast<std::uint64_t>(value + 0.5F));
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
  std::size_t shown = 0;
  for (const json::value& reason : reasons.as_array()) {
    const std::string text(reason.at("text").as_string());
    const std::string share = fixed(100 * reason.at("share").to_number<double>(), 0) + " %";
    if (reason.at("kind") == "batch")
      scheduled += "  " + text + "\n";
    else if (shown++ < kReasonsShown)
      carried += std::string(share.size() < 6 ? 6 - share.size() : 0, ' ') + share + "  " + text + "\n";
  }
  if (!carried.empty()) carried.insert(0, "\nCarried by\n");
  if (!scheduled.empty()) scheduled.insert(0, "\nScheduled\n");
  return carried + scheduled;
}

}  // namespace

int run_forecast(const ServerAddress& server, const ForecastCommand& command) {
  std::string query = "horizon=" + percent_encode(command.horizon);
  if (!command.at.empty()) query += "&at=" + percent_encode(command.at);
  const Result<HttpResponse> response = call_server(
      server.admin, {"GET", "/v1/queues/" + percent_encode(command.queue) + "/forecast", query, {}, ""});
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
            << table_of(picture) << reasons_of(answer.at("reasons"));
  return 0;
}

}  // namespace forewarm
