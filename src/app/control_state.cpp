#include "app/control_state.h"

#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <set>
#include <system_error>
#include <utility>

#include "edge/files/whole_file.h"

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
                                     .since = time_point_us(since->get_int64()),
                                     .beside = count_of(*from, "beside")};
  }
  return all;
}

class StateFile : public ControlState {
 public:
  explicit StateFile(const std::string& data) : path_(data + "/control-state.json") {}

  Result<void> load() {
    const Result<std::optional<std::string>> text = read_file_if_any(path_);
    if (!text)
      return error(ErrorCode::Io,
                   text.error().message + ". It tells what a rollback puts back: let it be read");
    if (!*text) return {};
    std::optional<std::map<std::string, KeptTarget>> kept = read_kept(**text);
    if (!kept)
      return error(ErrorCode::Corrupt,
                   path_ +
                       ": is not what forewarm wrote. Move it away: the targets' present settings are "
                       "then what a rollback puts back");
    kept_ = std::move(*kept);
    return {};
  }
  Result<void> move_aside() const {
    if (kept_.empty() || std::rename(path_.c_str(), (path_ + ".taken-over").c_str()) == 0) return {};
    return error(ErrorCode::Io,
                 path_ + ": cannot be moved aside (" + std::generic_category().message(errno) + ")");
  }

  void keep_found(const std::string& queue, KeptTarget found, Done done) override {
    if (const KeptTarget* kept = find(queue, found.target); kept != nullptr && kept->changed) return done({});
    change([&](auto& all) { all[queue] = std::move(found); }, done);
  }
  void keep_told(const std::string& queue, const std::string& target, std::uint32_t told,
                 Done done) override {
    const KeptTarget* kept = find(queue, target);
    if (kept == nullptr || kept->told == told) return done({});
    change([&](auto& all) { all[queue].told = told; }, done);
  }
  void forget(const std::string& queue, Done done) override {
    change([&](auto& all) { all.erase(queue); }, done);
  }

 private:
  Result<void> save(const std::map<std::string, KeptTarget>& kept) const;
  /// Where it cannot be written, nothing has changed.
  template <class Change>
  void change(const Change& how, const Done& done) {
    std::map<std::string, KeptTarget> all = kept_;
    how(all);
    Result<void> saved = save(all);
    if (saved) kept_ = std::move(all);
    done(std::move(saved));
  }

  std::string path_;
};

Result<void> StateFile::save(const std::map<std::string, KeptTarget>& kept) const {
  json::object queues;
  for (const auto& [queue, one] : kept)
    queues[queue] = json::object{
        {"target", one.target},   {"found", count_value(one.found)}, {"told", count_value(one.told)},
        {"changed", one.changed}, {"since_us", count_us(one.since)}, {"beside", count_value(one.beside)}};
  const std::string text = json::serialize(json::object{{"schema", 1}, {"queues", std::move(queues)}}) + "\n";
  const Result<void> replaced = replace_file(path_, text, {.mode = 0600});
  if (replaced) return {};
  return error(ErrorCode::Io, replaced.error().message + "; no target is told anything before it can");
}

/// What needs the database is done elsewhere, and may come back after others have led.
class SharedState : public ControlState {
 public:
  explicit SharedState(SharedStateRunner runner) : runner_(std::move(runner)) {}

  Result<void> load(HistoryDatabase& database) {
    auto all = database.targets();
    if (!all) return std::unexpected(all.error());
    kept_ = std::move(*all);
    return {};
  }

  void keep_found(const std::string& queue, KeptTarget found, Done done) override {
    if (confirmed_.contains(queue) && find(queue, found.target) != nullptr) return done({});
    run([queue,
         found = std::move(found)](HistoryDatabase& database) { return database.keep_target(queue, found); },
        [this, queue, term = term_, done](Result<KeptTarget> kept) {
          if (!kept)
            return done(
                error(kept.error().code,
                      kept.error().message + "; no target is told anything before what was found is kept"));
          if (term != term_)
            return done(error(ErrorCode::Conflict, "not sent: another copy may have led meanwhile"));
          kept_[queue] = std::move(*kept);
          confirmed_.insert(queue);
          done({});
        },
        done);
  }
  void keep_told(const std::string& queue, const std::string& target, std::uint32_t told,
                 Done done) override {
    const KeptTarget* kept = find(queue, target);
    if (kept == nullptr || kept->told == told) return done({});
    kept_[queue].told = told;
    run([queue, now = kept_[queue]](HistoryDatabase& database) { return database.keep_told(queue, now); },
        [done](Result<void> kept_so) { done(std::move(kept_so)); }, done);
  }
  void forget(const std::string& queue, Done done) override {
    run([queue](HistoryDatabase& database) { return database.forget_target(queue); },
        [this, queue, done](Result<void> forgotten) {
          if (forgotten) kept_.erase(queue);
          done(std::move(forgotten));
        },
        done);
  }
  void doubt() override {
    ++term_;
    confirmed_.clear();
  }

 private:
  template <class Work, class Then>
  void run(Work work, Then then, const Done& done) {
    const bool taken =
        runner_.in_history([this, work = std::move(work), then = std::move(then)](HistoryDatabase& database) {
          runner_.back([then, result = work(database)] { then(result); });
        });
    if (!taken)
      done(error(ErrorCode::Exhausted, "the history's database is too slow: too much waits for it"));
  }

  SharedStateRunner runner_;
  std::set<std::string> confirmed_;  ///< kept in the database in this time of leading
  std::uint64_t term_ = 0;
};

}  // namespace

const KeptTarget* ControlState::find(const std::string& queue, const std::string& target) const {
  const auto found = kept_.find(queue);
  return found != kept_.end() && found->second.target == target ? &found->second : nullptr;
}

Result<std::unique_ptr<ControlState>> open_state_file(const std::string& data) {
  auto file = std::make_unique<StateFile>(data);
  if (Result<void> loaded = file->load(); !loaded) return std::unexpected(loaded.error());
  return file;
}

Result<std::unique_ptr<ControlState>> open_shared_state(const std::string& data, HistoryDatabase& database,
                                                        SharedStateRunner runner) {
  StateFile before(data);
  Result<void> done = before.load();
  for (const auto& [queue, kept] : before.all()) {
    if (!done || !kept.changed) continue;
    if (const auto taken = database.keep_target(queue, kept); !taken) done = std::unexpected(taken.error());
  }
  if (done) done = before.move_aside();
  auto state = std::make_unique<SharedState>(std::move(runner));
  if (done) done = state->load(database);
  if (!done) return std::unexpected(done.error());
  return state;
}

}  // namespace forewarm
