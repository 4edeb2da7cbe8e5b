#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "edge/net/byte_server.h"

struct nghttp2_session;

namespace forewarm {

/// How a call ended ("Status codes and their use in gRPC").
struct GrpcStatus {
  enum Code : std::uint8_t {
    Ok = 0,
    InvalidArgument = 3,
    NotFound = 5,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Unavailable = 14
  };
  Code code = Ok;
  std::string message{};

  friend bool operator==(const GrpcStatus&, const GrpcStatus&) = default;
};

/// What a call has to say now. Neither: nothing, and it stays open.
struct GrpcTurn {
  std::optional<std::string> message{};
  std::optional<GrpcStatus> end{};  ///< after the message
};

/// One call on the server's side. Destroyed when it has ended, or the client has cancelled it or gone.
class GrpcCall {
 public:
  virtual ~GrpcCall() = default;
  /// Asked when the client can take something, and whenever something may have changed: so what was not said
  /// in time is never said, and a client that reads slowly costs one message.
  virtual GrpcTurn turn() = 0;
};

class GrpcService {
 public:
  virtual ~GrpcService() = default;
  /// The call of "/package.Service/Method" with its only request; null: there is no such method.
  virtual std::unique_ptr<GrpcCall> call(std::string_view path, std::string_view message) = 0;
};

/// gRPC over HTTP/2 on one connection, the server's side: calls with one request, and one answer or a stream
/// of them ("gRPC over HTTP2", PROTOCOL-HTTP2). HTTP/2 is libnghttp2's.
class GrpcSession : public BytePeer {
 public:
  struct Limits {
    std::size_t request_bytes = 16U << 10;
    std::size_t waiting_bytes = 256U << 10;                     ///< of all requests that are not whole yet
    std::uint32_t calls = 1000;                                 ///< at a time; the client is told
    Loop::Clock::duration greeting = std::chrono::seconds(10);  ///< until its first frame
    /// A peer that said nothing for so long is asked whether it is there (PING), and ...
    Loop::Clock::duration silence = std::chrono::seconds(30);
    Loop::Clock::duration patience = std::chrono::seconds(20);  ///< ... has so long to say so.
  };
  /// `service` outlives it.
  GrpcSession(GrpcService& service, const Limits& limits, Loop::Clock::time_point now);
  ~GrpcSession() override = default;
  GrpcSession(const GrpcSession&) = delete;
  GrpcSession& operator=(const GrpcSession&) = delete;

  bool received(std::string_view bytes) override;
  std::string_view next() override;
  bool passed(Loop::Clock::time_point now) override;

  /// Asks all open calls for their turn.
  void changed();
  /// Takes no more calls and says so; those that are open go on.
  void go_away();
  std::size_t calls() const { return calls_.size(); }

 private:
  struct Call {
    std::string path;
    bool post = false;
    bool grpc = false;
    bool answered = false;  ///< an answer has begun
    bool whole = false;     ///< the request has come
    std::string request;
    std::unique_ptr<GrpcCall> handler;
    std::string out;  ///< what of its answer is on the way
    std::size_t sent = 0;
    std::optional<GrpcStatus> end;
  };
  struct Callbacks;

  void header(std::int32_t id, std::string_view name, std::string_view value);
  void data(std::int32_t id, std::string_view bytes);
  void request_is_whole(std::int32_t id);
  void begin(std::int32_t id, Call& call);
  void refuse(std::int32_t id, Call& call, const GrpcStatus& why);
  void forget_request(Call& call);
  static bool take_turn(Call& call);
  ssize_t read_answer(std::int32_t id, std::uint8_t* into, std::size_t size, std::uint32_t& flags);

  GrpcService& service_;
  Limits limits_;
  std::unique_ptr<nghttp2_session, void (*)(nghttp2_session*)> session_;
  std::map<std::int32_t, Call> calls_;
  std::size_t waiting_bytes_ = 0;
  bool greeted_ = false;
  bool broken_ = false;
  bool heard_ = false;  ///< since passed() was called last
  bool asked_ = false;  ///< a PING is out
  Loop::Clock::time_point began_;
  Loop::Clock::time_point heard_at_;
};

}  // namespace forewarm
