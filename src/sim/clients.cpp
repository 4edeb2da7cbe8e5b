#include "sim/clients.h"

#include "base/check.h"

namespace forewarm {

using Kind = ClientStep::Kind;

void Clients::add(QueueId queue, const ClientOptions& options, TimePoint start,
                  std::vector<ClientStep>& steps) {
  for (std::uint32_t i = 0; i < options.clients; ++i) {
    const auto client = static_cast<std::uint32_t>(clients_.size());
    clients_.push_back({queue, options});
    steps.push_back({.at = start + from_seconds(random_.uniform()), .kind = Kind::Poll, .client = client});
  }
}

std::optional<Event> Clients::take(const ClientStep& step, TimePoint now, std::vector<ClientStep>& steps) {
  const Client& client = clients_[step.client];
  switch (step.kind) {
    case Kind::Poll: {
      const ReceiverId receiver(next_receiver_++);
      waiting_.insert(receiver, step.client);
      const auto most = static_cast<std::uint16_t>(1 + random_.below(client.options.messages_max));
      if (random_.chance(client.options.cancels)) {
        const Duration patience = from_seconds(random_.uniform() * seconds(client.options.wait));
        steps.push_back(
            {.at = now + patience, .kind = Kind::Cancel, .client = step.client, .id = receiver.value()});
      }
      return ReceiveRequested{receiver, client.queue, most, client.options.visibility_timeout,
                              now + client.options.wait};
    }
    case Kind::Cancel:
      if (!waiting_.erase(ReceiverId(step.id))) return std::nullopt;
      steps.push_back({.at = now + 1s, .kind = Kind::Poll, .client = step.client});
      return ReceiveCancelled{ReceiverId(step.id)};
    case Kind::Delete:
      return MessageDeleted{MessageId(step.id), step.receive_count};
    case Kind::ChangeVisibility:
      return VisibilityChanged{MessageId(step.id), step.receive_count, step.timeout};
  }
  return std::nullopt;
}

void Clients::delivered(const Deliver& action, TimePoint now, std::vector<ClientStep>& steps) {
  const std::uint32_t* found = waiting_.find(action.receiver);
  check(found != nullptr, "a delivery answers a client that waits");
  const std::uint32_t client = *found;
  waiting_.erase(action.receiver);
  TimePoint done = now + 10ms;
  for (const Lease& lease : action.leases) {
    done += from_seconds(random_.exponential(seconds(clients_[client].options.work_mean)));
    work_on(client, lease, done, steps);
  }
  steps.push_back({.at = done, .kind = Kind::Poll, .client = client});
}

void Clients::work_on(std::uint32_t client, const Lease& lease, TimePoint done,
                      std::vector<ClientStep>& steps) {
  const ClientOptions& options = clients_[client].options;
  ClientStep step{.at = done,
                  .kind = Kind::Delete,
                  .client = client,
                  .receive_count = lease.receive_count,
                  .id = lease.message.value()};
  double left = random_.uniform();
  const auto falls_to = [&left](double share) {
    left -= share;
    return left < 0;
  };
  if (falls_to(options.dies)) return;
  if (falls_to(options.gives_back)) {
    step.kind = Kind::ChangeVisibility;
    steps.push_back(step);
    return;
  }
  if (falls_to(options.extends)) {
    ClientStep longer = step;
    longer.kind = Kind::ChangeVisibility;
    longer.timeout = options.visibility_timeout * 2;
    steps.push_back(longer);
    step.at += options.visibility_timeout;
  } else if (falls_to(options.too_late)) {
    step.at = lease.visible_at + from_seconds(random_.exponential(1));
  }
  steps.push_back(step);
  if (random_.chance(options.deletes_twice)) {
    step.at += 1s;
    steps.push_back(step);
  }
}

}  // namespace forewarm
