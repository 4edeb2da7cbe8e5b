// forewarm doctor

#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <iostream>

#include "app/commands.h"
#include "app/config.h"
#include "app/doctor.h"
#include "app/terminal.h"

namespace forewarm {
namespace {

namespace json = boost::json;

std::string_view word_of(Health health) {
  return health == Health::Ok ? "ok" : health == Health::Weak ? "weak" : "failed";
}

}  // namespace

std::string to_json(const std::vector<DoctorCheck>& checks) {
  json::array list;
  for (const DoctorCheck& check : checks) {
    list.push_back(json::object{{"name", check.name},
                                {"status", word_of(check.health)},
                                {"detail", check.detail},
                                {"remedy", check.remedy}});
  }
  return json::serialize(json::object{{"checks", std::move(list)}});
}

std::string to_text(const std::vector<DoctorCheck>& checks) {
  std::string text;
  for (const DoctorCheck& check : checks) {
    std::string state(word_of(check.health));
    state.resize(8, ' ');
    text += state + check.name + ": " + check.detail + "\n";
    if (!check.remedy.empty()) text += "        remedy: " + check.remedy + "\n";
  }
  return text;
}

void add_doctor_route(Routes& routes, const ServerConfig& config, const ProcessPool& pool) {
  routes.add(
      {.path = "/v1/doctor",
       .id = "doctor",
       .summary = "What this machine gives the server and what it lacks, with remedies",
       .schema =
           R"({"type":"object","properties":{"checks":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"status":{"type":"string","enum":["ok","weak","failed"]},"detail":{"type":"string"},"remedy":{"type":"string"}},"required":["name","status","detail","remedy"]}}},"required":["checks"]})",
       .handle = [&config, &pool](const RouteRequest&, const std::shared_ptr<HttpReply>& reply) {
         reply->send(json_response(to_json(check_isolation(config, pool.isolation()))));
       }});
}

int run_doctor(const std::string& path, bool as_json) {
  Result<ServerConfig> config = path.empty() ? ServerConfig{} : read_config_file(path);
  if (!config) return failed(config.error());
  if (const Result<void> environment = apply_environment(*config); !environment)
    return failed(environment.error());
  const Result<IsolationLevel> level = parse_isolation(config->isolation);
  if (!level) return failed(level.error());
  std::vector<LayerState> layers;
  if (*level != IsolationLevel::Off) {
    layers = Isolation::open({.level = *level,
                              .user_first = static_cast<std::uint32_t>(config->isolation_user_first),
                              .data_folder = config->data,
                              .name = "forewarm-doctor-" + std::to_string(::getpid())})
                 ->layers();
  }
  const std::vector<DoctorCheck> checks = check_isolation(*config, layers);
  std::cout << (as_json ? to_json(checks) + "\n" : to_text(checks));
  const bool bad =
      std::ranges::any_of(checks, [](const auto& each) { return each.health == Health::Failed; });
  return bad ? 1 : 0;
}

}  // namespace forewarm
