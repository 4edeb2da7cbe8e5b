#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "app/store_copy.h"
#include "edge/net/loop.h"
#include "edge/observe/routes.h"

namespace forewarm {

/// POST and GET /v1/backup: copies the store of the running server on a thread of its own, one at a time.
///
/// All calls on the loop's thread. Destroying it gives up a copy that is under way and waits for its thread.
class BackupService {
 public:
  /// `data` is the folder of the running server.
  BackupService(Loop& loop, std::string data, Routes& routes);
  ~BackupService();

 private:
  using Reply = std::shared_ptr<HttpReply>;
  /// What the thread shares with the loop.
  struct Work {
    std::atomic<std::uint64_t> copied{0}, total{0};
    std::atomic<bool> give_up{false};
  };

  void begin(const RouteRequest& request, const Reply& reply);
  std::string status() const;

  Loop& loop_;
  std::string data_;
  std::string target_;
  std::shared_ptr<Work> work_;
  std::optional<Result<Inspection>> outcome_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::thread thread_;
};

}  // namespace forewarm
