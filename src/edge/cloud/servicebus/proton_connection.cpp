#include "edge/cloud/servicebus/proton_connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/sasl.h>
#include <proton/ssl.h>
#include <proton/transport.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <system_error>
#include <utility>

#include "edge/net/egress.h"

namespace forewarm {
namespace {

constexpr std::chrono::milliseconds kConnectWithin{5000};
constexpr std::chrono::milliseconds kStep{100};
constexpr std::chrono::milliseconds kGoodbye{500};

struct FreeAddresses {
  void operator()(::addrinfo* addresses) const { ::freeaddrinfo(addresses); }
};

std::string random_name() {
  std::random_device random;
  return "forewarm-" + std::to_string(random()) + "-" + std::to_string(random());
}

std::int64_t clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             ProtonConnection::Clock::now().time_since_epoch())
      .count();
}

/// Until it is connected, refused, or the time is over.
bool connected_within(int socket, std::chrono::milliseconds at_most, const std::atomic<bool>& hurry,
                      std::string& why) {
  const auto until = ProtonConnection::Clock::now() + at_most;
  ::pollfd descriptor{socket, POLLOUT, 0};
  while (::poll(&descriptor, 1, static_cast<int>(kStep.count())) <= 0) {
    if (hurry.load() || ProtonConnection::Clock::now() >= until) {
      why = "no answer";
      return false;
    }
  }
  int failure = 0;
  socklen_t size = sizeof failure;
  ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &failure, &size);
  if (failure != 0) why = std::generic_category().message(failure);
  return failure == 0;
}

}  // namespace

std::string condition_text(pn_condition_t* condition) {
  if (condition == nullptr || !pn_condition_is_set(condition)) return "";
  const char* name = pn_condition_get_name(condition);
  const char* description = pn_condition_get_description(condition);
  std::string text = name == nullptr ? "" : name;
  if (description != nullptr && *description != '\0') text += std::string(": ") + description;
  return text;
}

Result<std::unique_ptr<ProtonConnection>> ProtonConnection::open(const ServiceBusOptions& options,
                                                                 const std::atomic<bool>& hurry) {
  std::unique_ptr<ProtonConnection> made(new ProtonConnection(options, hurry));
  if (auto connected = made->connect_socket(); !connected) return std::unexpected(connected.error());
  if (auto begun = made->begin(); !begun) return std::unexpected(begun.error());
  return made;
}

ProtonConnection::ProtonConnection(const ServiceBusOptions& options, const std::atomic<bool>& hurry)
    : options_(options), hurry_(hurry) {
  pn_connection_driver_init(&driver_, nullptr, nullptr);
}

ProtonConnection::~ProtonConnection() {
  pn_connection_driver_destroy(&driver_);
  if (socket_ >= 0) ::close(socket_);
}

Result<void> ProtonConnection::connect_socket() {
  if (auto allowed = check_egress({options_.host, options_.port}); !allowed) return allowed;
  ::addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  ::addrinfo* found = nullptr;
  const int failure =
      ::getaddrinfo(options_.host.c_str(), std::to_string(options_.port).c_str(), &hints, &found);
  if (failure != 0)
    return error(ErrorCode::Io, place() + " cannot be found (" + ::gai_strerror(failure) +
                                    "); check the namespace's name and this machine's DNS");
  const std::unique_ptr<::addrinfo, FreeAddresses> owned(found);
  std::string why = "no address";
  for (const auto* one = found; one != nullptr; one = one->ai_next) {
    socket_ = ::socket(one->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, one->ai_protocol);
    if (socket_ < 0) continue;
    const int begun = ::connect(socket_, one->ai_addr, one->ai_addrlen);
    if (begun != 0 && errno != EINPROGRESS) why = std::generic_category().message(errno);
    if ((begun == 0 || errno == EINPROGRESS) && connected_within(socket_, kConnectWithin, hurry_, why)) {
      const int yes = 1;
      ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      return {};
    }
    ::close(std::exchange(socket_, -1));
  }
  return error(ErrorCode::Io,
               place() + " cannot be reached (" + why + "); check that the network lets AMQP's port out");
}

Result<void> ProtonConnection::begin() {
  pn_connection_set_container(driver_.connection, random_name().c_str());
  pn_connection_set_hostname(driver_.connection, options_.name_space.c_str());
  if (options_.tls) {
    if (auto secured = secure(); !secured) return secured;
  }
  // Who we are is said to $cbs, once the connection is there.
  pn_sasl_allowed_mechs(pn_sasl(driver_.transport), "ANONYMOUS");
  pn_transport_set_idle_timeout(
      driver_.transport, static_cast<pn_millis_t>(std::chrono::milliseconds(2 * options_.heartbeat).count()));
  pn_connection_driver_bind(&driver_);
  pn_connection_open(driver_.connection);
  const auto open = [this] { return (pn_connection_state(driver_.connection) & PN_REMOTE_ACTIVE) != 0; };
  return turn_until(
      open, kConnectWithin, [](pn_event_t*) {}, "opening the connection");
}

Result<void> ProtonConnection::secure() {
  const std::unique_ptr<pn_ssl_domain_t, decltype(&pn_ssl_domain_free)> domain(
      pn_ssl_domain(PN_SSL_MODE_CLIENT), &pn_ssl_domain_free);
  if (!domain) return error(ErrorCode::Exhausted, place() + ": there is no TLS");
  if (!options_.ca_file.empty() &&
      pn_ssl_domain_set_trusted_ca_db(domain.get(), options_.ca_file.c_str()) != 0) {
    return error(ErrorCode::Invalid, place() + ": \"" + options_.ca_file +
                                         "\" cannot be read as certificates of authorities (PEM)");
  }
  pn_ssl_t* tls = pn_ssl(driver_.transport);
  if (pn_ssl_domain_set_peer_authentication(domain.get(), PN_SSL_VERIFY_PEER_NAME, nullptr) != 0 ||
      pn_ssl_init(tls, domain.get(), nullptr) != 0 ||
      pn_ssl_set_peer_hostname(tls, options_.host.c_str()) != 0)
    return error(ErrorCode::Exhausted, place() + ": TLS cannot be set up");
  pn_transport_require_encryption(driver_.transport, true);
  return {};
}

Result<void> ProtonConnection::turn(const Take& take) {
  pn_transport_tick(driver_.transport, clock_ms());
  bool moved = true;
  while (moved) {
    dispatch(take);
    moved = write_some();
    moved = read_some() || moved;
  }
  dispatch(take);
  const bool remote_closed = (pn_connection_state(driver_.connection) & PN_REMOTE_CLOSED) != 0;
  if (remote_closed || pn_connection_driver_read_closed(&driver_) ||
      pn_connection_driver_write_closed(&driver_))
    return std::unexpected(ended());
  return {};
}

void ProtonConnection::dispatch(const Take& take) {
  while (pn_event_t* event = pn_connection_driver_next_event(&driver_)) take(event);
}

bool ProtonConnection::write_some() {
  blocked_ = false;
  bool moved = false;
  while (true) {
    const pn_bytes_t bytes = pn_connection_driver_write_buffer(&driver_);
    if (bytes.size == 0) return moved;
    const auto sent = ::send(socket_, bytes.start, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      blocked_ = errno == EAGAIN;
      if (!blocked_) {
        io_error_ = std::generic_category().message(errno);
        pn_connection_driver_write_close(&driver_);
      }
      return moved;
    }
    pn_connection_driver_write_done(&driver_, static_cast<std::size_t>(sent));
    moved = true;
  }
}

bool ProtonConnection::read_some() {
  const pn_rwbytes_t buffer = pn_connection_driver_read_buffer(&driver_);
  if (buffer.size == 0) return false;
  const auto got = ::recv(socket_, buffer.start, buffer.size, MSG_DONTWAIT);
  if (got > 0) {
    pn_connection_driver_read_done(&driver_, static_cast<std::size_t>(got));
    return true;
  }
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  io_error_ = got == 0 ? "it was closed" : std::generic_category().message(errno);
  pn_connection_driver_read_close(&driver_);
  return false;
}

Result<void> ProtonConnection::turn_until(const std::function<bool()>& reached,
                                          std::chrono::milliseconds at_most, const Take& take,
                                          const std::string& what) {
  const auto until = Clock::now() + at_most;
  while (true) {
    if (auto turned = turn(take); !turned) return turned;
    if (reached()) return {};
    if (hurry_.load() || Clock::now() >= until)
      return error(ErrorCode::Io, place() + " did not answer: " + what + " took too long");
    ::pollfd descriptor{socket_, static_cast<short>(blocked_ ? POLLIN | POLLOUT : POLLIN), 0};
    ::poll(&descriptor, 1, static_cast<int>(kStep.count()));
  }
}

void ProtonConnection::close() {
  pn_connection_close(driver_.connection);
  const auto until = Clock::now() + kGoodbye;
  while (!pn_connection_driver_finished(&driver_) && Clock::now() < until && !hurry_.load()) {
    if (!turn([](pn_event_t*) {})) return;
    ::pollfd descriptor{socket_, POLLIN, 0};
    ::poll(&descriptor, 1, 20);
  }
}

Error ProtonConnection::ended() const {
  std::string why = condition_text(pn_connection_remote_condition(driver_.connection));
  if (!why.empty()) {
    const bool busy = why.starts_with("com.microsoft:server-busy");
    return {busy ? ErrorCode::Exhausted : ErrorCode::Io,
            place() + " ended the connection (" + why + "); it is tried again until it is back"};
  }
  why = condition_text(pn_transport_condition(driver_.transport));
  if (why.empty()) why = io_error_;
  if (options_.tls && (why.find("SSL") != std::string::npos || why.find("ertificate") != std::string::npos)) {
    return {ErrorCode::Io, place() + ": TLS failed (" + why +
                               "); check that this is a port for AMQP over TLS, that its certificate names "
                               "this host, and that ca_file holds the authority that signed it"};
  }
  return {ErrorCode::Io, place() + ": the connection ended" + (why.empty() ? "" : " (" + why + ")") +
                             "; it is tried again until it is back"};
}

std::string ProtonConnection::place() const {
  return "Service Bus at " + options_.host + ":" + std::to_string(options_.port);
}

}  // namespace forewarm
