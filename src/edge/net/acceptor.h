#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "edge/net/channel.h"
#include "edge/net/http.h"
#include "edge/net/loop.h"

namespace forewarm {

/// A socket that listens. On the loop's thread.
class Acceptor {
 public:
  /// `accepted` owns the descriptor that it gets. Io, with the remedy, where the address cannot be had.
  static Result<std::unique_ptr<Acceptor>> listen(Loop& loop, const Endpoint& at,
                                                  std::function<void(int)> accepted);
  virtual ~Acceptor() = default;
  virtual Endpoint endpoint() const = 0;  ///< with the real port
  virtual void stop() = 0;                ///< takes no more

  /// The socket of an accepted connection, without delay of small packets. None, and it is closed, where the
  /// system refuses.
  static std::optional<Channel::Socket> socket_of(Loop& loop, int fd);
};

}  // namespace forewarm
