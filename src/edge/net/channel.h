#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "edge/net/loop_impl.h"

struct ssl_st;
struct ssl_ctx_st;

namespace forewarm {

/// The bytes of one connection, in the clear or under TLS.
///
/// Under TLS OpenSSL reads and writes the socket itself and says what it waits for: Asio's own stream keeps a
/// buffer of 17 kB for each direction of each connection and writes only asynchronously, while answers here
/// are written at once and mostly whole.
class Channel {
 public:
  using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, LoopExecutor>;
  using Failure = boost::system::error_code;

  /// Without a context: in the clear.
  Channel(Socket socket, std::shared_ptr<ssl_ctx_st> context);
  /// A client's: the peer has to be `server`, a name or an address, by a certificate that is trusted.
  Channel(Socket socket, std::shared_ptr<ssl_ctx_st> context, const std::string& server);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Reads up to `size` bytes into `into`, which stays where it is until `done`. `keep` is held meanwhile.
  void read(char* into, std::size_t size, std::shared_ptr<void> keep,
            std::function<void(const Failure&, std::size_t)> done);
  /// Writes of `head` and `body` what goes at once; would_block if nothing does. After that the next write
  /// must begin with the same bytes.
  std::size_t write_some(std::string_view head, std::string_view body, Failure& failed);
  /// Waits until writing may go on.
  void wait_writable(std::function<void(const Failure&)> ready);
  /// Says that nothing more will be written.
  void end_writing();
  void close();
  /// What is wrong with the peer's certificate; empty: nothing known.
  std::string distrust() const;

 private:
  void read_tls(char* into, std::size_t size, std::shared_ptr<void> keep,
                std::function<void(const Failure&, std::size_t)> done);
  std::size_t write_tls(std::string_view bytes, Failure& failed);
  Failure failure_of(int result, bool& wants_write) const;

  Socket socket_;
  std::shared_ptr<ssl_ctx_st> context_;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> tls_;
  bool write_wants_read_ = false;
};

}  // namespace forewarm
