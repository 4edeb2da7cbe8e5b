#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/id_map.h"
#include "base/random.h"
#include "core/model/action.h"
#include "core/model/event.h"

namespace forewarm {

/// How plain SQS clients of a queue behave.
struct ClientOptions {
  std::uint32_t clients = 0;  ///< of this queue
  std::uint16_t messages_max = 10;
  Duration visibility_timeout = 30s;
  Duration wait = 20s;      ///< long polling
  Duration work_mean = 2s;  ///< exponential, for one message
  double dies = 0;          ///< share of messages whose client says nothing more
  double gives_back = 0;    ///< share whose visibility is set to 0
  double extends = 0;       ///< share whose visibility is prolonged before they are deleted
  double too_late = 0;      ///< share deleted only after the visibility timeout
  double deletes_twice = 0;
  double cancels = 0;  ///< share of receives given up while waiting
};

/// Something a client will do at a time.
struct ClientStep {
  enum class Kind : std::uint8_t { Poll, Cancel, Delete, ChangeVisibility };
  TimePoint at;
  Kind kind = Kind::Poll;
  std::uint32_t client = 0;
  std::uint16_t receive_count = 0;
  std::uint64_t id = 0;  ///< receiver or message
  Duration timeout = Duration(0);
};

/// Plain SQS clients: they receive, work, delete, prolong, give back, come too late, or die. They exercise
/// the lease path that function runs do not.
class Clients {
 public:
  explicit Clients(std::uint64_t seed) : random_(seed) {}

  /// First polls of a queue's clients are put into `steps`.
  void add(QueueId queue, const ClientOptions& options, TimePoint start, std::vector<ClientStep>& steps);
  /// What the core learns when a step's time has come, if anything; later steps are appended.
  std::optional<Event> take(const ClientStep& step, TimePoint now, std::vector<ClientStep>& steps);
  void delivered(const Deliver& action, TimePoint now, std::vector<ClientStep>& steps);

 private:
  struct Client {
    QueueId queue;
    ClientOptions options;
  };
  void work_on(std::uint32_t client, const Lease& lease, TimePoint done, std::vector<ClientStep>& steps);

  Random random_;
  std::vector<Client> clients_;
  IdMap<ReceiverId, std::uint32_t> waiting_;
  std::uint64_t next_receiver_ = 1;
};

}  // namespace forewarm
