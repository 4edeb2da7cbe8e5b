#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/function_runtime.h"
#include "app/message_receiver.h"
#include "app/message_sender.h"
#include "app/move_tasks.h"
#include "app/queue_actions.h"
#include "app/queue_context.h"

namespace forewarm {

/// The queues of a server behind the SQS API: carries out requests through the core and the store.
///
/// Life: feed recover() with the store's records, tell the core events(), then the messages, then attach().
/// All calls and replies on the loop's thread. A reply says yes only when what it says is durable.
class QueueService {
 public:
  using Options = QueueServiceOptions;

  explicit QueueService(Options options)
      : context_(std::move(options)),
        actions_(context_),
        sender_(context_),
        receiver_(context_),
        move_tasks_(context_) {}
  QueueService(const QueueService&) = delete;
  QueueService& operator=(const QueueService&) = delete;

  /// One record of the store. False if it is not this service's; Corrupt if it is and cannot be read.
  Result<bool> recover(std::string_view key, std::string_view value);
  std::vector<QueueChanged> events() const { return context_.directory.events(); }
  /// All records were given; these are the messages, in the order of their ids.
  void recovered(std::span<const Message> messages) { context_.dead_letters.recovered(messages); }
  /// The gate must outlive this. On a new store draws its secret and writes it.
  Result<void> attach(CoreGate& gate);

  /// Calls `reply` exactly once, now or later, unless the client goes away while it waits for messages.
  void handle(const sqs::Request& request, const RequestContext& from, QueueReply reply);

  /// From now on nothing is handed out, to receivers or functions, though nothing durable says so: for the
  /// end. A function that runs goes on; ReceiveMessage is refused; everything else is answered.
  void stop_consumption();
  /// True once the core has heard of it.
  bool consumption_stopped() const { return stopping_ && pausing_ == 0; }

  /// Does what time asks for. False when there is nothing left to wait for.
  bool tick();
  /// What else is to be written in the commit of an action; every action of the core.
  void accompany(const Action& action, TimePoint now, std::vector<Write>& writes);

  DeadLetters& dead_letters() { return context_.dead_letters; }
  const DeadLetters& dead_letters() const { return context_.dead_letters; }
  /// MessageId of the SQS API.
  std::string public_id(MessageId message) const { return context_.identity->message_id(message); }
  std::optional<MessageId> message_of_public_id(std::string_view id) const {
    return context_.identity->open_message_id(id);
  }
  TimePoint now() const { return context_.gate->now(); }
  MoveTasks& move_tasks() { return move_tasks_; }

  const QueueDirectory& directory() const { return context_.directory; }
  struct Listing {
    QueueId id;
    std::string name;
    QueueView view;
    std::string dead_letter_queue;  ///< name; empty for none
  };
  /// All queues with what they hold, in the order of names.
  std::vector<Listing> list() const;
  /// Moves up to `messages_max` available messages; `done` is called when that has begun. NotFound names the
  /// queue that is not there; Conflict where the kinds of the queues differ.
  Result<void> redrive(std::string_view from, std::string_view to, std::uint32_t messages_max,
                       std::function<void(const Result<void>&)> done);

  struct Peeked {
    MessageView view;
    std::string id;  ///< MessageId of the SQS API
    std::string body;
    std::string unreadable;  ///< why there is no body
  };
  /// The first messages of a queue, with their bodies, without receiving them. NotFound for no such queue.
  Result<std::vector<Peeked>> peek(std::string_view queue, std::size_t limit);
  /// Stops or goes on handing out messages of a queue; durable (attribute ForewarmPaused).
  Result<void> order_pause(std::string_view queue, bool paused,
                           std::function<void(const Result<void>&)> done);

  /// Tells a queue to scale otherwise than planned from now on, for a while or for ever; `done` is called
  /// with what is in force then. NotFound where there is no such queue.
  struct OrderRequest {
    OrderKind kind = OrderKind::None;
    std::uint32_t instances = 0;  ///< forced
    std::optional<Duration> lasts;
  };
  Result<void> order_scaling(std::string_view queue, const OrderRequest& request,
                             std::function<void(const Result<ScalingOrder>&)> done);

  /// These messages of a queue, for the function that runs them. Those that cannot be read are left out,
  /// warned of, and counted as failed whatever the function says; Corrupt if none can be read.
  Result<QueueMessages> function_messages(QueueId queue, std::span<const Lease> leases);
  /// The messages that a function's response names as failed; all of them if it is malformed. `response` of
  /// a runtime that names none: empty.
  std::vector<MessageId> failed_messages(std::span<const Lease> leases, std::string_view response);

 private:
  std::optional<sqs::SqsError> refuse_elsewhere(const sqs::Request& request) const;
  Result<void> pause(QueueId queue, bool paused);
  QueueReply audited(const sqs::Request& request, const RequestContext& from, QueueReply reply) const;

  QueueContext context_;
  QueueActions actions_;
  MessageSender sender_;
  MessageReceiver receiver_;
  bool stopping_ = false;
  std::size_t pausing_ = 0;  ///< queues that the core is still to hear of
  MoveTasks move_tasks_;
  std::vector<ScalingOrdered> ordered_;  ///< as recovered, until the core can be told
  std::set<MessageId> unreadable_;       ///< messages of runs under way that their functions never saw
};

}  // namespace forewarm
