#include "app/source_check.h"

#include <future>
#include <memory>
#include <mutex>
#include <utility>

#include "app/source_factory.h"

namespace forewarm {
namespace {

/// A source's first word on whether it is connected. Shared with its thread, which may speak again later.
class FirstState {
 public:
  void say(const Result<void>& connected) {
    std::call_once(said_, [&] { promise_.set_value(connected); });
  }
  std::future<Result<void>> future() { return promise_.get_future(); }

 private:
  std::once_flag said_;
  std::promise<Result<void>> promise_;
};

struct Asked {
  std::unique_ptr<MessageSource> source;
  bool makes_consumer = false;  ///< serve would; NATS alone
  std::future<Result<void>> connected;
};

Result<Asked> ask(SourceConfig config) {
  const bool nats = config.url.starts_with("nats://") || config.url.starts_with("tls://");
  const bool creates = nats && !config.options.contains("create") && !config.url.contains("create=");
  if (creates) config.options["create"] = "false";
  auto made = make_source(config);
  if (!made) return std::unexpected(made.error());
  const auto first = std::make_shared<FirstState>();
  Asked asked{.source = std::move(*made), .makes_consumer = creates, .connected = first->future()};
  asked.source->set_window(0);
  asked.source->start({.lent = [](const std::vector<LentMessage>&) {},
                       .settled = [](const std::string&, SettleKind, const Result<void>&) {},
                       .lost = [](const std::vector<std::string>&) {},
                       .extended = [](const std::vector<std::pair<std::string, TimePoint>>&) {},
                       .state = [first](const Result<void>& connected) { first->say(connected); }});
  return asked;
}

std::string said_of(const SourceConfig& config, Result<Asked>& asked,
                    std::chrono::steady_clock::time_point end) {
  const std::string of = "the source of queue '" + config.queue + "': ";
  if (!asked) return of + asked.error().message;
  if (asked->connected.wait_until(end) != std::future_status::ready)
    return of + "its engine did not answer; look at the address, and whether it is reached from here";
  const Result<void> connected = asked->connected.get();
  if (!connected && asked->makes_consumer && connected.error().message.contains(", consumer \""))
    return of + "the consumer is not there yet; serve creates it";
  if (!connected) return of + connected.error().message;
  return delivery_limit_warning(config, asked->source->traits());
}

}  // namespace

std::string delivery_limit_warning(const SourceConfig& source, const EngineTraits& engine) {
  if (!engine.deliveries_max || *engine.deliveries_max > static_cast<std::uint64_t>(source.attempts_max))
    return {};
  return "the source of queue '" + source.queue + "': its engine dead-letters a message by itself after " +
         std::to_string(*engine.deliveries_max) + " deliveries, and attempts_max is " +
         std::to_string(source.attempts_max) +
         ". Restarts and lost connections cost deliveries, so a message may be gone before its attempts are "
         "used. Raise the engine's limit well above attempts_max, or lower attempts_max";
}

std::vector<std::string> check_sources(const std::vector<SourceConfig>& sources,
                                       std::chrono::milliseconds patience) {
  std::vector<Result<Asked>> asked;
  asked.reserve(sources.size());
  for (const SourceConfig& source : sources) asked.push_back(ask(source));
  const auto end = std::chrono::steady_clock::now() + patience;
  std::vector<std::string> said;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (std::string line = said_of(sources[i], asked[i], end); !line.empty()) said.push_back(std::move(line));
  }
  return said;
}

}  // namespace forewarm
