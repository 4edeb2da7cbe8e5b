#include "edge/cloud/keda/grpc_session.h"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include "edge/cloud/keda/external_scaler.h"

namespace forewarm {
namespace {

using namespace std::string_literals;
using State = KedaNumber::State;

constexpr const char* kReference =
    "\x1a\x0f\x0a\x05queue\x12\x06orders";  // scalerMetadata {"queue": "orders"}

std::string prefixed(const std::string& message, char compressed = 0) {
  std::string out(1, compressed);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(message.size() >> shift & 0xFF);
  return out + message;
}

/// libnghttp2's client of a session, without a network between.
class Client {
 public:
  struct Call {
    std::map<std::string, std::string> headers;
    std::string data;
    std::string request;
    std::size_t sent = 0;
    bool ends = true;
    bool closed = false;
    std::uint32_t error = 0;
  };

  explicit Client(GrpcSession& server) : server_(server) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks,
        [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t size,
           const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
          self(user).calls[frame->hd.stream_id].headers[std::string(name, name + size)] =
              std::string(value, value + value_size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                      std::size_t size, void* user) {
          self(user).calls[id].data.append(bytes, bytes + size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t why, void* user) {
          self(user).calls[id].closed = true;
          self(user).calls[id].error = why;
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          ++self(user).frames[frame->hd.type];
          return 0;
        });
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~Client() { nghttp2_session_del(session_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  std::int32_t call(const std::string& path, std::string request, bool ends = true,
                    std::string type = "application/grpc", std::string method = "POST") {
    const auto field = [](std::string& name, std::string& value) {
      return nghttp2_nv{reinterpret_cast<std::uint8_t*>(name.data()),
                        reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(), 0};
    };
    std::vector<std::pair<std::string, std::string>> pairs{{":method", method},
                                                           {":scheme", "http"},
                                                           {":path", path},
                                                           {":authority", "x"},
                                                           {"content-type", type}};
    std::vector<nghttp2_nv> fields;
    for (auto& [name, value] : pairs) fields.push_back(field(name, value));
    nghttp2_data_provider body{.source = {}, .read_callback = &Client::read};
    const std::int32_t id =
        nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), &body, nullptr);
    calls[id].request = std::move(request);
    calls[id].ends = ends;
    exchange();
    return id;
  }
  void cancel(std::int32_t id) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    exchange();
  }
  /// Until neither side has anything to say.
  void exchange() {
    for (bool any = true; any && open;) {
      any = false;
      const std::uint8_t* bytes = nullptr;
      for (ssize_t size = 0; (size = nghttp2_session_mem_send(session_, &bytes)) > 0; any = true)
        open =
            server_.received({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)}) && open;
      for (std::string_view from; !deaf && !(from = server_.next()).empty(); any = true)
        nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(from.data()), from.size());
    }
  }

  std::map<std::int32_t, Call> calls;
  std::map<int, int> frames;
  bool open = true;
  bool deaf = false;

 private:
  static Client& self(void* user) { return *static_cast<Client*>(user); }
  static ssize_t read(nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t size,
                      std::uint32_t* flags, nghttp2_data_source*, void* user) {
    Call& call = self(user).calls[id];
    const std::size_t bytes = std::min(size, call.request.size() - call.sent);
    std::copy_n(call.request.begin() + static_cast<std::ptrdiff_t>(call.sent), bytes, into);
    call.sent += bytes;
    if (call.sent == call.request.size() && call.ends) *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (bytes == 0 && !call.ends) return NGHTTP2_ERR_DEFERRED;
    return static_cast<ssize_t>(bytes);
  }

  GrpcSession& server_;
  nghttp2_session* session_ = nullptr;
};

class GrpcSessionTest : public testing::Test {
 protected:
  static std::string method(const std::string& name) { return "/externalscaler.ExternalScaler/" + name; }
  std::int32_t ask(const std::string& name) { return client_.call(method(name), prefixed(kReference)); }
  Client::Call& after(std::int32_t id) { return client_.calls[id]; }
  void say(State state, std::uint32_t instances = 0) {
    number_ = {.state = state, .instances = instances, .why = "none: 100 % \xc3\xbc"};
    server_.changed();
    client_.exchange();
  }

  KedaNumber number_;
  ExternalScaler scaler_{[this](std::string_view queue) {
    return queue == "orders" ? number_ : KedaNumber{.state = State::Unknown, .why = "only orders"};
  }};
  Loop::Clock::time_point now_{};
  GrpcSession server_{scaler_, {}, now_};
  Client client_{server_};
};

TEST_F(GrpcSessionTest, SingleCallsAreAnswered) {
  number_.instances = 7;
  const Client::Call& metrics = after(client_.call(method("GetMetrics"), prefixed("\x0a\x11"s + kReference)));
  EXPECT_EQ(metrics.data, prefixed("\x0a\x16\x0a\x09instances\x10\x07\x19\x00\x00\x00\x00\x00\x00\x1c\x40"s));
  EXPECT_EQ(metrics.headers.at("grpc-status"), "0");
  EXPECT_EQ(metrics.headers.at(":status"), "200");
  EXPECT_TRUE(metrics.closed);
  EXPECT_EQ(after(ask("IsActive")).data, prefixed("\x08\x01"));
  number_.instances = 0;
  EXPECT_EQ(after(ask("IsActive")).data, prefixed(""));
  EXPECT_EQ(server_.calls(), 0U);
}

TEST_F(GrpcSessionTest, WithoutANumberSingleCallsFailAndStreamsWait) {
  say(State::Waiting);
  const Client::Call& refused = after(ask("IsActive"));
  EXPECT_EQ(refused.headers.at("grpc-status"), "14");
  EXPECT_EQ(refused.headers.at("grpc-message"), "none: 100 %25 %C3%BC");
  EXPECT_TRUE(refused.data.empty());
  EXPECT_EQ(after(ask("GetMetricSpec")).headers.at("grpc-status"), "0") << "the target size is no number";
  const std::int32_t stream = ask("StreamIsActive");
  EXPECT_EQ(after(stream).headers.at(":status"), "200") << "it is open at once";
  EXPECT_TRUE(after(stream).data.empty());
  say(State::Known, 3);
  EXPECT_EQ(after(stream).data, prefixed("\x08\x01"));
  say(State::Known, 4);
  say(State::Waiting);
  EXPECT_EQ(after(stream).data, prefixed("\x08\x01")) << "nothing new";
  say(State::Known, 0);
  EXPECT_EQ(after(stream).data, prefixed("\x08\x01") + prefixed(""));
  say(State::Elsewhere);
  EXPECT_EQ(after(stream).headers.at("grpc-status"), "0");
  EXPECT_TRUE(after(stream).closed);
  EXPECT_EQ(after(ask("StreamIsActive")).headers.at("grpc-status"), "14");
}

TEST_F(GrpcSessionTest, WhatIsWrongIsSaid) {
  const auto status = [this](std::int32_t id) { return after(id).headers["grpc-status"]; };
  EXPECT_EQ(status(client_.call(method("Scale"), prefixed(""))), "12");
  EXPECT_EQ(status(client_.call("/other.Service/IsActive", prefixed(""))), "12");
  EXPECT_EQ(status(client_.call("/" + std::string(5000, 'x'), prefixed(""))), "12");
  EXPECT_EQ(status(client_.call(method("IsActive"), prefixed(""))), "3") << "no queue is named";
  EXPECT_EQ(status(client_.call(method("IsActive"), prefixed("\x0a\x7f"))), "3");
  EXPECT_EQ(status(client_.call(method("IsActive"), "")), "3");
  EXPECT_EQ(status(client_.call(method("IsActive"), prefixed(kReference) + prefixed(kReference))), "3");
  EXPECT_EQ(status(client_.call(method("IsActive"), prefixed(kReference, 1))), "12");
  EXPECT_EQ(status(client_.call(method("IsActive"), prefixed("\x1a\x0f\x0a\x05queue\x12\x06others"))), "5");
  EXPECT_EQ(after(client_.call(method("IsActive"), "", true, "application/json")).headers.at(":status"),
            "415");
  EXPECT_EQ(
      after(client_.call(method("IsActive"), "", true, "application/grpc", "GET")).headers.at(":status"),
      "405");
  EXPECT_EQ(status(client_.call(method("IsActive"), prefixed(kReference))), "0") << "it goes on";
}

TEST_F(GrpcSessionTest, WhatIsTooLongIsRefusedBeforeItIsThere) {
  const Client::Call& call = after(client_.call(method("IsActive"), std::string(200'000, 'x'), false));
  EXPECT_EQ(call.headers.at("grpc-status"), "8");
  EXPECT_TRUE(call.closed);
  EXPECT_EQ(call.error, static_cast<std::uint32_t>(NGHTTP2_NO_ERROR));
  EXPECT_LT(call.sent, 70'000U) << "it need not send the rest";
  // Many that are not whole yet, none of them too long.
  int refused = 0;
  for (int i = 0; i < 40; ++i)
    refused += after(client_.call(method("IsActive"), std::string(10'000, 'x'), false))
                   .headers.contains("grpc-status");
  EXPECT_EQ(refused, 40 - 26) << "as many as have room together";
  for (const auto& [id, each] : client_.calls) client_.cancel(id);
  EXPECT_EQ(server_.calls(), 0U);
  EXPECT_EQ(after(ask("IsActive")).headers.at("grpc-status"), "0");
}

TEST_F(GrpcSessionTest, ACancelledStreamLeavesNothing) {
  std::vector<std::int32_t> streams;
  for (int i = 0; i < 300; ++i) streams.push_back(ask("StreamIsActive"));
  EXPECT_EQ(server_.calls(), 300U);
  for (const std::int32_t id : streams) client_.cancel(id);
  EXPECT_EQ(server_.calls(), 0U);
}

TEST_F(GrpcSessionTest, WhoDoesNotReadHearsTheLastThingOnly) {
  const std::int32_t stream = ask("StreamIsActive");
  EXPECT_EQ(after(stream).data, prefixed(""));
  client_.deaf = true;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    number_.instances = i % 2;
    server_.changed();
  }
  number_.instances = 1;
  client_.deaf = false;
  server_.changed();
  client_.exchange();
  EXPECT_LE(after(stream).data.size(), 3 * prefixed("\x08\x01").size());
  EXPECT_TRUE(after(stream).data.ends_with(prefixed("\x08\x01")));
}

TEST_F(GrpcSessionTest, AConnectionThatSaysNothingIsAskedAndThenEnded) {
  EXPECT_TRUE(server_.passed(now_ + std::chrono::seconds(9)));
  EXPECT_FALSE(server_.passed(now_ + std::chrono::seconds(10))) << "it never said who it is";
  ask("StreamIsActive");
  const auto heard = now_ + std::chrono::seconds(20);
  EXPECT_TRUE(server_.passed(heard));
  EXPECT_TRUE(server_.passed(heard + std::chrono::seconds(30)));
  client_.exchange();
  EXPECT_EQ(client_.frames[NGHTTP2_PING], 1);
  EXPECT_TRUE(server_.passed(heard + std::chrono::seconds(60))) << "it answered";
  client_.deaf = true;
  EXPECT_TRUE(server_.passed(heard + std::chrono::seconds(90)));
  EXPECT_TRUE(server_.passed(heard + std::chrono::seconds(109)));
  EXPECT_FALSE(server_.passed(heard + std::chrono::seconds(110)));
}

TEST_F(GrpcSessionTest, WhoGoesEndsTheStreamsAndTheConnection) {
  const std::int32_t stream = ask("StreamIsActive");
  server_.go_away();
  number_.state = State::Elsewhere;
  server_.changed();
  client_.exchange();
  EXPECT_EQ(after(stream).headers.at("grpc-status"), "0");
  EXPECT_EQ(client_.frames[NGHTTP2_GOAWAY], 1);
}

TEST_F(GrpcSessionTest, BytesThatAreNoHttp2EndTheConnection) {
  EXPECT_FALSE(server_.received("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_FALSE(server_.received("more"));
  GrpcSession other(scaler_, {}, now_);
  other.received("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  other.received(std::string(64, '\xff'));
  EXPECT_TRUE(other.passed(now_));
  while (!other.next().empty()) continue;
  EXPECT_FALSE(other.passed(now_)) << "why was said, and there is nothing more";
  EXPECT_FALSE(other.received("more"));
}

}  // namespace
}  // namespace forewarm
