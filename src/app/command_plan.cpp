// forewarm plan: what to set at a target, and when

#include <boost/json.hpp>
#include <iostream>

#include "app/admin_client.h"
#include "app/commands.h"
#include "app/price_sheet.h"
#include "app/terminal.h"

namespace forewarm {
namespace {

std::string clock_of(const boost::json::value& directive, const char* key) {
  const std::string text(directive.at(key).as_string());
  return text.size() > 19 ? text.substr(11, 8) : text;
}

std::string signed_text(double value, int digits) {
  return (value > 0 ? "+" : "") + fixed(value, digits);
}

/// As parameters of a request. Invalid where the sheet has no committed tier.
Result<std::string> price_parameters(const PriceSheet& sheet) {
  if (!sheet.committed)
    return error(ErrorCode::Invalid,
                 "--prices: the sheet '" + sheet.name + "' has no [committed] tier to choose");
  std::string text;
  for (const auto& [name, price] : {std::pair{"idle_second", sheet.idle_second},
                                    {"busy_second", sheet.busy_second},
                                    {"committed_second", sheet.committed->second},
                                    {"committed_busy_second", sheet.committed->busy_second}})
    text +=
        std::string("&") + name + "=" + boost::json::serialize(boost::json::value(price * sheet.memory_gb));
  return text;
}

/// What the answer says of tiers, for people.
std::string tiers_text(const boost::json::value& tiers, const std::string& currency) {
  const std::int64_t committed = tiers.at("committed").to_number<std::int64_t>();
  if (committed == 0) return "None of the instances is busy enough to be cheaper committed.\n";
  return "Commit " + std::to_string(committed) + " (provisioned, always ready, reserved) for this time: " +
         fixed(tiers.at("saves").to_number<double>(), 4) + " " + currency + " cheaper than on demand.\n";
}

}  // namespace

int run_plan(const ServerAddress& server, const PlanCommand& command) {
  const std::string& queue = command.queue;
  std::string parameters = "target=" + percent_encode(command.target), currency;
  if (!command.prices.empty()) {
    const Result<PriceSheet> sheet = find_price_sheet(command.prices);
    if (!sheet) return failed(sheet.error());
    const Result<std::string> prices = price_parameters(*sheet);
    if (!prices) return failed(prices.error());
    parameters += *prices;
    currency = sheet->currency;
  }
  const Result<HttpResponse> response =
      call_admin(server, {"GET", "/v1/queues/" + percent_encode(queue) + "/directives", parameters, {}, ""});
  if (!response) return failed(response.error());
  if (server.json) {
    std::cout << response->body << "\n";
    return 0;
  }
  const boost::json::value answer = boost::json::parse(response->body);
  const boost::json::array& directives = answer.at("directives").as_array();
  const auto* found = answer.as_object().if_contains("tiers");
  const std::string tiers = found == nullptr ? "" : tiers_text(*found, currency);
  std::cout << queue << ": " << boost::json::serialize(answer.at("set")) << " in force";
  if (directives.empty()) {
    std::cout << ", nothing to change as far as the forecast reaches\n";
    std::cout << tiers;
    return 0;
  }
  std::cout << "\n\n";
  TextTable table;
  table.row({"set at (UTC)", "needed from", "until", "instances", "instance-s", "late saved"});
  for (const boost::json::value& directive : directives) {
    table.row({clock_of(directive, "set_at"), clock_of(directive, "from"), clock_of(directive, "until"),
               boost::json::serialize(directive.at("before")) + " -> " +
                   boost::json::serialize(directive.at("instances")),
               signed_text(directive.at("cost_instance_seconds").to_number<double>(), 0),
               signed_text(directive.at("late_messages_saved").to_number<double>(), 1)});
  }
  std::cout << table.text() << "\n" << std::string(directives.front().at("why").as_string()) << "\n" << tiers;
  return 0;
}

}  // namespace forewarm
