#include "app/control_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace forewarm {
namespace {

namespace json = boost::json;

json::value count_value(const std::optional<std::uint32_t>& count) {
  return count ? json::value(*count) : json::value(nullptr);
}

std::optional<std::uint32_t> count_of(const json::object& from, std::string_view name) {
  const json::value* value = from.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  boost::system::error_code failed;
  const auto count = value->to_number<std::uint32_t>(failed);
  return failed ? std::nullopt : std::optional(count);
}

std::optional<std::map<std::string, KeptTarget>> read_kept(const std::string& text) {
  boost::system::error_code failed;
  const json::value document = json::parse(text, failed);
  if (failed || !document.is_object()) return std::nullopt;
  const json::value* queues = document.get_object().if_contains("queues");
  if (queues == nullptr || !queues->is_object()) return std::nullopt;
  std::map<std::string, KeptTarget> all;
  for (const auto& queue : queues->get_object()) {
    const json::object* from = queue.value().if_object();
    const json::value* target = from != nullptr ? from->if_contains("target") : nullptr;
    const json::value* changed = from != nullptr ? from->if_contains("changed") : nullptr;
    const json::value* since = from != nullptr ? from->if_contains("since_us") : nullptr;
    if (target == nullptr || !target->is_string() || changed == nullptr || !changed->is_bool() ||
        since == nullptr || !since->is_int64())
      return std::nullopt;
    all[std::string(queue.key())] = {.target = std::string(target->get_string()),
                                     .found = count_of(*from, "found"),
                                     .told = count_of(*from, "told"),
                                     .changed = changed->get_bool(),
                                     .since = time_point_us(since->get_int64())};
  }
  return all;
}

}  // namespace

Result<ControlState> ControlState::load(const std::string& data) {
  ControlState state(data + "/control-state.json");
  std::ifstream file(state.path_, std::ios::binary);
  if (!file && !std::filesystem::exists(state.path_)) return state;
  std::ostringstream text;
  text << file.rdbuf();
  std::optional<std::map<std::string, KeptTarget>> kept = read_kept(text.str());
  if (!kept)
    return error(ErrorCode::Corrupt,
                 state.path_ +
                     ": is not what forewarm wrote. Move it away: the targets' present settings are "
                     "then what a rollback puts back");
  state.kept_ = std::move(*kept);
  return state;
}

const KeptTarget* ControlState::find(const std::string& queue, const std::string& target) const {
  const auto found = kept_.find(queue);
  return found != kept_.end() && found->second.target == target ? &found->second : nullptr;
}

Result<void> ControlState::keep(const std::string& queue, KeptTarget kept) {
  if (const KeptTarget* same = find(queue, kept.target); same != nullptr && *same == kept) return {};
  std::map<std::string, KeptTarget> all = kept_;
  all[queue] = std::move(kept);
  if (Result<void> saved = save(all); !saved) return saved;
  kept_ = std::move(all);
  return {};
}

Result<void> ControlState::forget(const std::string& queue) {
  std::map<std::string, KeptTarget> all = kept_;
  all.erase(queue);
  if (Result<void> saved = save(all); !saved) return saved;
  kept_ = std::move(all);
  return {};
}

Result<void> ControlState::save(const std::map<std::string, KeptTarget>& kept) const {
  json::object queues;
  for (const auto& [queue, one] : kept)
    queues[queue] = json::object{{"target", one.target},
                                 {"found", count_value(one.found)},
                                 {"told", count_value(one.told)},
                                 {"changed", one.changed},
                                 {"since_us", count_us(one.since)}};
  const std::string text = json::serialize(json::object{{"schema", 1}, {"queues", std::move(queues)}}) + "\n";
  const std::string aside = path_ + ".new";
  const int file = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool written = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                 ::fsync(file) == 0;
  const int why = errno;
  if (file >= 0) ::close(file);
  written = written && std::rename(aside.c_str(), path_.c_str()) == 0;
  if (written) return {};
  return error(ErrorCode::Io, path_ + ": cannot be written (" + std::strerror(why) +
                                  "); no target is told anything before it can");
}

}  // namespace forewarm
