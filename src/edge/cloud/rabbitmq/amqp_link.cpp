#include "edge/cloud/rabbitmq/amqp_link.h"

#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <utility>

#include "edge/net/egress.h"

namespace forewarm {
namespace {

constexpr timeval kAnswerWithin{10, 0};
constexpr int kFrameMax = 131'072;
constexpr int kChannels = 8;

// What the broker keeps reading but not answering ends as well: with its window closed nothing else would.
void bound_writes(int socket, std::chrono::seconds heartbeat) {
  const auto unacknowledged_ms =
      static_cast<unsigned>(std::chrono::duration_cast<std::chrono::milliseconds>(heartbeat).count() * 2);
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
}

std::string remedy(std::uint16_t code, std::string_view text) {
  if (code == AMQP_ACCESS_REFUSED && text.contains("Login was refused"))
    return "check the user and the password";
  if (code == AMQP_ACCESS_REFUSED) return "give the user the permission (rabbitmqctl set_permissions)";
  if (code == AMQP_NOT_ALLOWED) {
    return "check the virtual host in the URL, and the user's permissions (rabbitmqctl set_permissions)";
  }
  if (code == AMQP_NOT_FOUND) return "declare the queue, or correct the URL";
  if (code == AMQP_RESOURCE_LOCKED)
    return "another consumer has the queue to itself; stop it, or let it share";
  if (code == AMQP_PRECONDITION_FAILED && text.contains("timed out")) {
    return "tell forewarm the broker's consumer_timeout, or raise it there";
  }
  if (code == AMQP_CONNECTION_FORCED) return "it is tried again until the broker is back";
  return "see the broker's log";
}

}  // namespace

void SocketBreaker::watch(int socket) {
  const std::lock_guard lock(mutex_);
  socket_ = socket;
  if (shut_ && socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
}

void SocketBreaker::shut() {
  const std::lock_guard lock(mutex_);
  shut_ = true;
  if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
}

Result<std::unique_ptr<AmqpLink>> AmqpLink::open(const RabbitMqOptions& options, SocketBreaker& breaker) {
  std::unique_ptr<AmqpLink> link(new AmqpLink(options, breaker));
  if (auto connected = link->connect(); !connected) return std::unexpected(connected.error());
  if (auto logged_in = link->log_in(); !logged_in) return std::unexpected(logged_in.error());
  return link;
}

AmqpLink::AmqpLink(const RabbitMqOptions& options, SocketBreaker& breaker)
    : options_(options), breaker_(breaker), state_(amqp_new_connection()) {}

AmqpLink::~AmqpLink() {
  if (alive_) {
    const timeval goodbye{1, 0};
    amqp_set_rpc_timeout(state_, &goodbye);
    amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
  }
  breaker_.forget();
  amqp_destroy_connection(state_);
}

Result<amqp_socket_t*> AmqpLink::make_socket() {
  if (!options_.tls) return amqp_tcp_socket_new(state_);
  amqp_socket_t* socket = amqp_ssl_socket_new(state_);
  if (socket == nullptr) return error(ErrorCode::Io, place() + ": no TLS context could be made");
  if (options_.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(socket)));
  } else if (amqp_ssl_socket_set_cacert(socket, options_.ca_file.c_str()) != AMQP_STATUS_OK) {
    return error(ErrorCode::Invalid, place() + ": \"" + options_.ca_file +
                                         "\" cannot be read as certificates of authorities (PEM)");
  }
  amqp_ssl_socket_set_verify_peer(socket, 1);
  amqp_ssl_socket_set_verify_hostname(socket, 1);
  amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
  return socket;
}

Result<void> AmqpLink::connect() {
  if (auto allowed = check_egress({options_.host, options_.port}); !allowed) return allowed;
  auto socket = make_socket();
  if (!socket) return std::unexpected(socket.error());
  amqp_set_handshake_timeout(state_, &kAnswerWithin);
  amqp_set_rpc_timeout(state_, &kAnswerWithin);
  timeval within{5, 0};
  const int status = amqp_socket_open_noblock(*socket, options_.host.c_str(), options_.port, &within);
  if (status == AMQP_STATUS_OK) {
    breaker_.watch(amqp_get_sockfd(state_));
    bound_writes(amqp_get_sockfd(state_), options_.heartbeat);
    return {};
  }
  if (status == AMQP_STATUS_SSL_PEER_VERIFY_FAILED || status == AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED ||
      status == AMQP_STATUS_SSL_CONNECTION_FAILED || status == AMQP_STATUS_SSL_ERROR) {
    return error(ErrorCode::Io,
                 place() + ": TLS failed (" + amqp_error_string2(status) +
                     "); check that this is its TLS port, that its certificate names this host, "
                     "and that ca_file holds the authority that signed it");
  }
  return error(ErrorCode::Io, place() + " cannot be reached (" + amqp_error_string2(status) +
                                  "); check that it runs and that this is its AMQP port");
}

Result<void> AmqpLink::log_in() {
  amqp_table_entry_t capabilities[2] = {};
  capabilities[0].key = amqp_cstring_bytes("consumer_cancel_notify");
  capabilities[1].key = amqp_cstring_bytes("connection.blocked");
  for (auto& capability : capabilities) {
    capability.value.kind = AMQP_FIELD_KIND_BOOLEAN;
    capability.value.value.boolean = 1;
  }
  amqp_table_entry_t properties[2] = {};
  properties[0].key = amqp_cstring_bytes("capabilities");
  properties[0].value.kind = AMQP_FIELD_KIND_TABLE;
  properties[0].value.value.table = {2, capabilities};
  properties[1].key = amqp_cstring_bytes("connection_name");
  properties[1].value.kind = AMQP_FIELD_KIND_UTF8;
  properties[1].value.value.bytes = amqp_cstring_bytes("forewarm");
  const amqp_table_t table{2, properties};
  const auto password = options_.password_now();
  if (!password) return error(password.error().code, place() + ": " + password.error().message);
  const auto reply = amqp_login_with_properties(
      state_, options_.vhost.c_str(), kChannels, kFrameMax, static_cast<int>(options_.heartbeat.count()),
      &table, AMQP_SASL_METHOD_PLAIN, options_.user.c_str(), password->c_str());
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) {
    return error(ErrorCode::Io,
                 place() + " ended the login (" + amqp_error_string2(reply.library_error) +
                     "); check that this is its AMQP port, with TLS if it asks for it (amqps)");
  }
  return taken(reply);
}

Result<void> AmqpLink::open_channel(amqp_channel_t channel) {
  amqp_channel_open(state_, channel);
  return taken(amqp_get_rpc_reply(state_));
}

Result<std::uint32_t> AmqpLink::ready_messages(amqp_channel_t channel) {
  const auto* declared =
      amqp_queue_declare(state_, channel, amqp_borrow(options_.queue), 1, 0, 0, 0, amqp_empty_table);
  if (auto ok = taken(amqp_get_rpc_reply(state_)); !ok) return std::unexpected(ok.error());
  return declared->message_count;
}

Result<void> AmqpLink::select_confirms(amqp_channel_t channel) {
  amqp_confirm_select(state_, channel);
  return taken(amqp_get_rpc_reply(state_));
}

Result<bool> AmqpLink::receive(amqp_frame_t& frame) {
  timeval at_once{0, 0};
  const int status = amqp_simple_wait_frame_noblock(state_, &frame, &at_once);
  if (status == AMQP_STATUS_OK) return true;
  if (status == AMQP_STATUS_TIMEOUT) return false;
  abandon();
  return std::unexpected(broken(status));
}

Result<void> AmqpLink::send(amqp_channel_t channel, amqp_method_number_t method, void* arguments) {
  const int status = amqp_send_method(state_, channel, method, arguments);
  if (status == AMQP_STATUS_OK) return {};
  abandon();
  return std::unexpected(broken(status));
}

Result<void> AmqpLink::publish(amqp_channel_t channel, std::string_view routing_key,
                               const amqp_basic_properties_t& properties, std::string_view body) {
  const int status = amqp_basic_publish(state_, channel, amqp_empty_bytes, amqp_borrow(routing_key), 1, 0,
                                        &properties, amqp_borrow(body));
  if (status == AMQP_STATUS_OK) return {};
  abandon();
  return std::unexpected(broken(status));
}

Error AmqpLink::closed(std::uint16_t code, std::string_view text) const {
  const auto kind = code == AMQP_NOT_FOUND           ? ErrorCode::NotFound
                    : code == AMQP_RESOURCE_LOCKED   ? ErrorCode::Conflict
                    : code == AMQP_CONNECTION_FORCED ? ErrorCode::Io
                                                     : ErrorCode::Invalid;
  return {kind, place() + " says for user \"" + options_.user + "\", queue \"" + options_.queue +
                    "\" in virtual host \"" + options_.vhost + "\": " + std::string(text) + "; " +
                    remedy(code, text)};
}

Error AmqpLink::blocked(std::string_view reason) const {
  return {ErrorCode::Exhausted,
          place() + " has blocked the connection, which has published: " + std::string(reason) +
              "; until the broker's alarm is over (rabbitmq-diagnostics alarms) it reads nothing of it, no "
              "acknowledgements either"};
}

std::string AmqpLink::place() const {
  return "RabbitMQ at " + options_.host + ":" + std::to_string(options_.port);
}

Result<void> AmqpLink::taken(amqp_rpc_reply_t reply) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
    alive_ = true;
    return {};
  }
  if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION) {
    abandon();
    return std::unexpected(broken(reply.library_error));
  }
  if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto* close = static_cast<amqp_channel_close_t*>(reply.reply.decoded);
    return std::unexpected(closed(close->reply_code, amqp_view(close->reply_text)));
  }
  abandon();
  const auto* close = static_cast<amqp_connection_close_t*>(reply.reply.decoded);
  return std::unexpected(closed(close->reply_code, amqp_view(close->reply_text)));
}

Error AmqpLink::broken(int status) const {
  return {ErrorCode::Io, place() + ": the connection ended (" + amqp_error_string2(status) +
                             "); it is tried again until it is back"};
}

}  // namespace forewarm
