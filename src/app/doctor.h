#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/config.h"
#include "edge/functions/process_pool.h"
#include "edge/observe/routes.h"

namespace forewarm {

// What `forewarm doctor` looks at. Each subject has a file of its own, doctor_SUBJECT.cpp, with one function
// that returns its checks.

enum class Health : std::uint8_t {
  Ok,
  Weak,    ///< works, with less than there could be
  Failed,  ///< what the configuration asks for cannot be had
};

struct DoctorCheck {
  std::string name{};  ///< "SUBJECT: WHAT"
  Health health = Health::Ok;
  std::string detail{};  ///< a sentence
  std::string remedy{};  ///< what to do; empty where nothing is to be done
};

/// One check a layer. `layers`: as Isolation found them; empty where it is off.
std::vector<DoctorCheck> check_isolation(const ServerConfig& config, const std::vector<LayerState>& layers);
/// The same in one line, for the log of a server.
std::string isolation_line(const ServerConfig& config, const std::vector<LayerState>& layers);

/// {"checks": [{"name", "status": ok, weak or failed, "detail", "remedy"}]}
std::string to_json(const std::vector<DoctorCheck>& checks);
/// One check a line, remedies beneath.
std::string to_text(const std::vector<DoctorCheck>& checks);
/// GET /v1/doctor; `config` and `pool` are looked at by each request.
void add_doctor_route(Routes& routes, const ServerConfig& config, const ProcessPool& pool);

/// 1 where something that the configuration (empty: the default) asks for cannot be had.
int run_doctor(const std::string& path, bool as_json);

}  // namespace forewarm
