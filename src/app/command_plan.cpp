// forewarm plan: what to set at a target, and when

#include <boost/json.hpp>
#include <iostream>

#include "app/admin_client.h"
#include "app/commands.h"
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

}  // namespace

int run_plan(const ServerAddress& server, const std::string& queue, const std::string& target) {
  const Result<HttpResponse> response =
      call_admin(server, {"GET",
                          "/v1/queues/" + percent_encode(queue) + "/directives",
                          "target=" + percent_encode(target),
                          {},
                          ""});
  if (!response) return failed(response.error());
  if (server.json) {
    std::cout << response->body << "\n";
    return 0;
  }
  const boost::json::value answer = boost::json::parse(response->body);
  const boost::json::array& directives = answer.at("directives").as_array();
  std::cout << queue << ": " << boost::json::serialize(answer.at("set")) << " in force";
  if (directives.empty()) {
    std::cout << ", nothing to change as far as the forecast reaches\n";
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
  std::cout << table.text() << "\n" << std::string(directives.front().at("why").as_string()) << "\n";
  return 0;
}

}  // namespace forewarm
