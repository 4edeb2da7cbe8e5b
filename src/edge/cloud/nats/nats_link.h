#pragma once

#include <nats/nats.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "edge/cloud/nats/nats_source.h"

namespace forewarm {

using NatsMessage = std::shared_ptr<natsMsg>;
using NatsHeaders = std::vector<std::pair<std::string, std::string>>;

std::string_view nats_data(const NatsMessage& message);
/// Empty for a message that asks for no answer.
std::string_view nats_reply_subject(const NatsMessage& message);
std::string_view nats_header(const NatsMessage& message, const char* name);
/// Those whose names and values are UTF-8, by name.
NatsHeaders nats_headers(const NatsMessage& message);

/// Interest in a subject. Messages are given to `take` on a thread of the library's; none any more once this
/// is gone.
class NatsSubscription {
 public:
  using Take = std::function<void(NatsMessage)>;
  NatsSubscription(natsConnection* connection, const std::string& subject, Take take);
  ~NatsSubscription();
  NatsSubscription(const NatsSubscription&) = delete;
  NatsSubscription& operator=(const NatsSubscription&) = delete;

  /// The server is to send no more; what it has sent still comes.
  void drain() { natsSubscription_Drain(subscription_); }
  /// Nothing comes any more.
  bool ended() const { return subscription_ == nullptr || !natsSubscription_IsValid(subscription_); }

 private:
  struct Receiver {
    std::mutex mutex;
    Take take;
  };
  static void receive(natsConnection*, natsSubscription*, natsMsg* message, void* closure);

  std::shared_ptr<Receiver> receiver_;
  natsSubscription* subscription_ = nullptr;
};

/// One connection; it is not the library's business to connect again, so that nothing that was written for a
/// connection that has ended is ever sent on another. Used on one thread.
class NatsLink {
 public:
  /// Blocks for some seconds at most. Errors are product text. `ended` is called on a thread of the library's
  /// when the connection is over.
  static Result<std::unique_ptr<NatsLink>> open(const NatsOptions& options, std::function<void()> ended);
  ~NatsLink();
  NatsLink(const NatsLink&) = delete;
  NatsLink& operator=(const NatsLink&) = delete;

  std::unique_ptr<NatsSubscription> subscribe(const std::string& subject, NatsSubscription::Take take) {
    return std::make_unique<NatsSubscription>(connection_, subject, std::move(take));
  }
  Result<void> publish(const std::string& subject, const std::string& reply, std::string_view data,
                       const NatsHeaders& headers = {});
  /// Blocks for the answer, some seconds at most.
  Result<std::string> ask(const std::string& subject, const std::string& data);
  /// A subject that nobody else uses.
  std::string inbox() const;
  /// "NATS at HOST:PORT".
  std::string place() const;
  /// What the server complained of last (permissions, mostly), in brackets after a space; or nothing.
  std::string complaint() const;

 private:
  struct Ended {
    std::mutex mutex;
    std::function<void()> call;
  };
  explicit NatsLink(const NatsOptions& options) : options_(options) {}
  Result<void> connect();
  Result<void> configure(natsOptions* made);
  Error refused(natsStatus status) const;
  Error ended() const;

  const NatsOptions& options_;
  std::shared_ptr<Ended> ended_{};
  natsConnection* connection_ = nullptr;
};

}  // namespace forewarm
