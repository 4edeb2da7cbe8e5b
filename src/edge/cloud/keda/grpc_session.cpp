#include "edge/cloud/keda/grpc_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace forewarm {
namespace {

constexpr std::size_t kPrefixBytes = 5;  ///< of a message: whether it is compressed, and its length
constexpr std::size_t kPathBytes = 200;  ///< longer ones are of no method
constexpr std::uint32_t kHeaderListBytes = 16U << 10;

nghttp2_nv header_of(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

/// The header grpc-message: percent-encoded but for what is readable (PROTOCOL-HTTP2, "Status-Message").
std::string encoded_message(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte <= 0x7E && c != '%') {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 0xF];
    }
  }
  return out;
}

std::string framed(std::string_view message) {
  std::string out(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(message.size() >> shift & 0xFF);
  return out.append(message);
}

std::size_t length_of(std::string_view prefix) {
  std::size_t length = 0;
  for (std::size_t i = 1; i < kPrefixBytes; ++i) length = length << 8 | static_cast<unsigned char>(prefix[i]);
  return length;
}

}  // namespace

/// What libnghttp2 calls.
struct GrpcSession::Callbacks {
  static GrpcSession& self(void* user) { return *static_cast<GrpcSession*>(user); }
  static std::string_view text(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
  }

  static int began(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
      self(user).calls_.try_emplace(frame->hd.stream_id);
    return 0;
  }
  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                    void* user) {
    self(user).header(frame->hd.stream_id, text(name, name_size), text(value, value_size));
    return 0;
  }
  static int data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                  std::size_t size, void* user) {
    self(user).data(id, text(bytes, size));
    return 0;
  }
  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    self(user).greeted_ = true;
    const bool request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (request && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
      self(user).request_is_whole(frame->hd.stream_id);
    return 0;
  }
  /// Who is answered before all of the request is there need not send the rest (RFC 9113 section 8.1).
  static int sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    const auto call = self(user).calls_.find(frame->hd.stream_id);
    if (call != self(user).calls_.end() && !call->second.whole)
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    return 0;
  }
  static int closed(nghttp2_session*, std::int32_t id, std::uint32_t, void* user) {
    const auto call = self(user).calls_.find(id);
    if (call == self(user).calls_.end()) return 0;
    self(user).forget_request(call->second);
    self(user).calls_.erase(call);
    return 0;
  }
  static ssize_t read(nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t size,
                      std::uint32_t* flags, nghttp2_data_source*, void* user) {
    return self(user).read_answer(id, into, size, *flags);
  }

  static nghttp2_session* make(GrpcSession* user) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, began);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, closed);
    nghttp2_session* session = nullptr;
    nghttp2_session_server_new(&session, callbacks, user);
    nghttp2_session_callbacks_del(callbacks);
    return session;
  }
};

GrpcSession::GrpcSession(GrpcService& service, const Limits& limits, Loop::Clock::time_point now)
    : service_(service),
      limits_(limits),
      session_(Callbacks::make(this), nghttp2_session_del),
      began_(now),
      heard_at_(now) {
  const std::array settings{
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.calls},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kHeaderListBytes},
  };
  broken_ = session_ == nullptr ||
            nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size()) != 0;
}

bool GrpcSession::received(std::string_view bytes) {
  if (broken_) return false;
  heard_ = true;
  const ssize_t taken = nghttp2_session_mem_recv(
      session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0) broken_ = true;
  return !broken_ && nghttp2_session_want_read(session_.get()) != 0;
}

std::string_view GrpcSession::next() {
  if (broken_) return {};
  const std::uint8_t* bytes = nullptr;
  const ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
  if (size < 0) broken_ = true;
  return size > 0 ? Callbacks::text(bytes, static_cast<std::size_t>(size)) : std::string_view();
}

bool GrpcSession::passed(Loop::Clock::time_point now) {
  const bool over = broken_ || (nghttp2_session_want_read(session_.get()) == 0 &&
                                nghttp2_session_want_write(session_.get()) == 0);
  if (over) return false;
  if (std::exchange(heard_, false)) {
    heard_at_ = now;
    asked_ = false;
  }
  if (!greeted_) return now - began_ < limits_.greeting;
  if (now - heard_at_ < limits_.silence) return true;
  if (!asked_) {
    asked_ = true;
    nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
  }
  return now - heard_at_ < limits_.silence + limits_.patience;
}

void GrpcSession::changed() {
  for (auto& [id, call] : calls_)
    if (call.handler && call.sent == call.out.size() && !call.end && take_turn(call))
      nghttp2_session_resume_data(session_.get(), id);
}

void GrpcSession::go_away() {
  if (!broken_)
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_.get()), NGHTTP2_NO_ERROR, nullptr,
                          0);
}

void GrpcSession::header(std::int32_t id, std::string_view name, std::string_view value) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  if (name == ":path") found->second.path = value.substr(0, kPathBytes);
  if (name == ":method") found->second.post = value == "POST";
  if (name == "content-type")
    found->second.grpc = value == "application/grpc" || value.starts_with("application/grpc+proto") ||
                         value.starts_with("application/grpc;");
}

void GrpcSession::data(std::int32_t id, std::string_view bytes) {
  const auto found = calls_.find(id);
  if (found == calls_.end() || found->second.answered) return;
  Call& call = found->second;
  if (call.request.size() + bytes.size() > kPrefixBytes + limits_.request_bytes)
    return refuse(id, call,
                  {GrpcStatus::ResourceExhausted,
                   "a request has " + std::to_string(limits_.request_bytes) + " bytes at most"});
  if (waiting_bytes_ + bytes.size() > limits_.waiting_bytes)
    return refuse(id, call,
                  {GrpcStatus::ResourceExhausted, "too many requests of this connection are not whole yet"});
  waiting_bytes_ += bytes.size();
  call.request.append(bytes);
}

void GrpcSession::forget_request(Call& call) {
  waiting_bytes_ -= call.request.size();
  std::string().swap(call.request);
}

void GrpcSession::request_is_whole(std::int32_t id) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  Call& call = found->second;
  call.whole = true;
  if (!call.answered) begin(id, call);
  forget_request(call);
}

void GrpcSession::begin(std::int32_t id, Call& call) {
  if (!call.post || !call.grpc) {
    // Who does not speak gRPC gets a status of HTTP.
    const std::array headers{header_of(":status", call.post ? "415" : "405")};
    call.answered = true;
    nghttp2_submit_response(session_.get(), id, headers.data(), headers.size(), nullptr);
    return;
  }
  const std::string_view request = call.request;
  if (request.size() < kPrefixBytes || length_of(request) != request.size() - kPrefixBytes)
    return refuse(id, call, {GrpcStatus::InvalidArgument, "expected one message with its length before it"});
  if (request[0] != '\0')
    return refuse(id, call, {GrpcStatus::Unimplemented, "compressed messages are not understood"});
  call.handler = service_.call(call.path, request.substr(kPrefixBytes));
  if (!call.handler) return refuse(id, call, {GrpcStatus::Unimplemented, "there is no method " + call.path});
  take_turn(call);
  if (call.out.empty() && call.end) return refuse(id, call, *call.end);
  const std::array headers{header_of(":status", "200"), header_of("content-type", "application/grpc")};
  const nghttp2_data_provider answer{.source = {}, .read_callback = Callbacks::read};
  call.answered = true;
  nghttp2_submit_response(session_.get(), id, headers.data(), headers.size(), &answer);
}

/// An answer of a status alone: headers and trailers are one ("Trailers-Only").
void GrpcSession::refuse(std::int32_t id, Call& call, const GrpcStatus& why) {
  const std::string code = std::to_string(why.code), message = encoded_message(why.message);
  const std::array headers{header_of(":status", "200"), header_of("content-type", "application/grpc"),
                           header_of("grpc-status", code), header_of("grpc-message", message)};
  call.answered = true;
  forget_request(call);
  nghttp2_submit_response(session_.get(), id, headers.data(), headers.size(), nullptr);
}

/// True if the call has something to say.
bool GrpcSession::take_turn(Call& call) {
  GrpcTurn turn = call.handler->turn();
  call.sent = 0;
  call.out = turn.message ? framed(*turn.message) : std::string();
  call.end = std::move(turn.end);
  return turn.message || call.end;
}

ssize_t GrpcSession::read_answer(std::int32_t id, std::uint8_t* into, std::size_t size,
                                 std::uint32_t& flags) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  Call& call = found->second;
  if (call.sent == call.out.size() && !call.end && !take_turn(call)) return NGHTTP2_ERR_DEFERRED;
  const std::size_t bytes = std::min(size, call.out.size() - call.sent);
  std::copy_n(call.out.begin() + static_cast<std::ptrdiff_t>(call.sent), bytes, into);
  call.sent += bytes;
  if (call.sent < call.out.size() || !call.end) return static_cast<ssize_t>(bytes);
  flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
  const std::string code = std::to_string(call.end->code), message = encoded_message(call.end->message);
  const std::array trailers{header_of("grpc-status", code), header_of("grpc-message", message)};
  nghttp2_submit_trailer(session_.get(), id, trailers.data(),
                         call.end->message.empty() ? trailers.size() - 1 : trailers.size());
  return static_cast<ssize_t>(bytes);
}

}  // namespace forewarm
