#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "edge/net/http.h"
#include "edge/net/loop.h"

namespace forewarm {

/// One side of a protocol on one connection: bytes come in, and bytes are asked for when the other side
/// takes some, so that a slow reader costs no memory. No input or output of its own; time is told. Destroyed
/// with its connection.
class BytePeer {
 public:
  virtual ~BytePeer() = default;
  /// False: nothing more is read, and the connection ends when next() has nothing.
  virtual bool received(std::string_view bytes) = 0;
  /// What is to be written next, valid until the next call; empty: nothing now.
  virtual std::string_view next() = 0;
  /// False: the connection ends at once.
  virtual bool passed(Loop::Clock::time_point now) = 0;
};

/// A server of any protocol over TCP or TLS. On the loop's thread.
class ByteServer {
 public:
  struct Options {
    Endpoint listen{};
    std::size_t connections_max = 64;           ///< more are closed at once
    std::shared_ptr<TlsIdentity> tls{};         ///< null: in the clear
    std::chrono::milliseconds tells_time{500};  ///< how often passed() is called
  };
  static Result<std::unique_ptr<ByteServer>> listen(Loop& loop, const Options& options,
                                                    std::function<std::unique_ptr<BytePeer>()> make);
  virtual ~ByteServer() = default;  ///< closes everything; what could be written at once, was

  virtual Endpoint endpoint() const = 0;  ///< with the real port
  virtual std::size_t connections() const = 0;
  /// Calls `each` with every peer, and writes what it then has to say.
  virtual void visit(const std::function<void(BytePeer&)>& each) = 0;
};

}  // namespace forewarm
