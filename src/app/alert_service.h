#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/alerts_config.h"
#include "edge/history/history_database.h"
#include "edge/net/loop.h"
#include "edge/observe/log.h"
#include "edge/observe/metric_points.h"
#include "edge/observe/notify/alert_book.h"
#include "edge/observe/notify/alert_evaluator.h"
#include "edge/observe/notify/notification_text.h"
#include "edge/observe/routes.h"
#include "edge/observe/snapshot.h"

namespace forewarm {

/// Looks at the metrics, by the rules that Prometheus gets too, and tells the receivers of the configuration.
///
/// Looking is done on the loop's thread and takes about a millisecond; each receiver has a thread that waits
/// for it, so one that hangs holds up neither the server nor another.
class AlertService {
 public:
  struct Server {
    Loop* loop = nullptr;
    Log* log = nullptr;
    std::function<TimePoint()> now{};
    std::function<std::vector<MetricPoints>(const MetricFilter&)> metrics{};
    /// Who tells; `receiver` is filled in.
    std::function<NotificationSender()> sender{};
    /// True: somebody else tells the receivers now. Empty: nobody else ever does.
    std::function<bool()> quiet{};
    /// Takes what has to outlive this, when it has changed; empty: nothing does.
    std::function<void(std::string text)> keep{};
    /// Asked when this begins to tell: gives what was kept, by this program before or by the copy that told
    /// before, on the loop's thread; until then nobody is told. False: nothing is given.
    using Recalled = std::function<void(const std::optional<SavedMemory>&)>;
    std::function<bool(Recalled)> recall{};
  };
  AlertService(Server server, const AlertsConfig& alerts, const std::vector<NotifyConfig>& notify);
  ~AlertService();

  /// Receivers that are as they were go on as they are. Never waits.
  void configure(const AlertsConfig& alerts, const std::vector<NotifyConfig>& notify);
  /// What holds and who is told: GET /v1/alerts.
  std::string json() const;
  void add_route(Routes& routes);
  /// What became of the messages.
  std::vector<ReceiverSnapshot> receivers() const;

 private:
  struct Receiver;

  void tick();
  void look(TimePoint now);
  void send(TimePoint now, Receiver& receiver);
  void settled(Receiver& receiver, const DeliveryOutcome& outcome);
  Duration lasting(const AlertRule& rule) const;
  bool tells() const { return !quiet_ && !awaits_memory_; }
  void keep();
  void begin_or_cease_to_tell();
  /// Nobody is told again of what was told, and whoever was told that an alert fires is told that it is over.
  /// What cannot be read is passed over, and said.
  void remember(const std::optional<SavedMemory>& saved);

  Server server_;
  AlertsConfig alerts_;
  AlertEvaluator evaluator_;
  AlertBook book_;
  std::vector<std::unique_ptr<Receiver>> receivers_;
  std::vector<std::unique_ptr<Receiver>> leaving_;  ///< their last message is under way
  TimePoint looked_at_;
  bool quiet_ = true;  ///< somebody else tells, or this has not begun to
  bool awaits_memory_ = false;
  std::string kept_;  ///< as it was kept last
  TimePoint kept_at_;
  std::unique_ptr<Loop::Timer> timer_;
};

/// HOST:PORT by which this machine's servers are told apart.
std::string instance_label(std::uint16_t port);

}  // namespace forewarm
