#include "edge/net/channel.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <climits>
#include <string>
#include <utility>

namespace forewarm {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kSpeakTls =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: "
    "56\r\n\r\nThis port speaks HTTPS only; use https:// instead of it\n";

int int_size(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

}  // namespace

Channel::Channel(Socket socket, std::shared_ptr<ssl_ctx_st> context)
    : socket_(std::move(socket)), context_(std::move(context)), tls_(nullptr, [](ssl_st*) {}) {
  if (!context_) return;
  tls_ = {SSL_new(context_.get()), SSL_free};
  if (!tls_) return;
  SSL_set_fd(tls_.get(), socket_.native_handle());
  SSL_set_accept_state(tls_.get());
}

Channel::Channel(Socket socket, std::shared_ptr<ssl_ctx_st> context, const std::string& server)
    : Channel(std::move(socket), std::move(context)) {
  if (!tls_) return;
  SSL_set_connect_state(tls_.get());
  X509_VERIFY_PARAM* wanted = SSL_get0_param(tls_.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, server.c_str()) == 1) return;
  SSL_set_tlsext_host_name(tls_.get(), server.c_str());
  if (X509_VERIFY_PARAM_set1_host(wanted, server.c_str(), server.size()) != 1) tls_.reset();
}

Channel::~Channel() = default;

void Channel::read(char* into, std::size_t size, std::shared_ptr<void> keep,
                   std::function<void(const Failure&, std::size_t)> done) {
  if (context_) {
    read_tls(into, size, std::move(keep), std::move(done));
    return;
  }
  socket_.async_read_some(asio::buffer(into, size),
                          [keep = std::move(keep), done = std::move(done)](
                              const Failure& failed, std::size_t bytes) { done(failed, bytes); });
}

/// Tries first: what OpenSSL has decrypted already does not make the socket readable again.
void Channel::read_tls(char* into, std::size_t size, std::shared_ptr<void> keep,
                       std::function<void(const Failure&, std::size_t)> done) {
  const auto answer = [&](Failure failed, std::size_t bytes) {
    // Never from within: who reads may be in the middle of something.
    asio::post(socket_.get_executor(),
               [keep = std::move(keep), done = std::move(done), failed, bytes] { done(failed, bytes); });
  };
  if (!socket_.is_open() || !tls_) return answer(asio::error::bad_descriptor, 0);
  ERR_clear_error();
  const int got = SSL_read(tls_.get(), into, int_size(size));
  if (got > 0) return answer({}, static_cast<std::size_t>(got));
  bool wants_write = false;
  const Failure failed = failure_of(got, wants_write);
  if (failed != asio::error::would_block) {
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) {
      Failure ignored;
      socket_.write_some(asio::buffer(kSpeakTls.data(), kSpeakTls.size()), ignored);
      socket_.shutdown(Socket::shutdown_send, ignored);
    }
    ERR_clear_error();
    return answer(failed, 0);
  }
  socket_.async_wait(
      wants_write ? Socket::wait_write : Socket::wait_read,
      [this, into, size, keep = std::move(keep), done = std::move(done)](const Failure& broken) mutable {
        if (broken) return done(broken, 0);
        read_tls(into, size, std::move(keep), std::move(done));
      });
}

std::size_t Channel::write_some(std::string_view head, std::string_view body, Failure& failed) {
  if (context_) {
    // Head and body in one record if they fit, as they share a packet in the clear.
    if (body.empty()) return write_tls(head, failed);
    return write_tls(std::string(head).append(body), failed);
  }
  const std::array<asio::const_buffer, 2> parts{asio::buffer(head.data(), head.size()),
                                                asio::buffer(body.data(), body.size())};
  return body.empty() ? socket_.write_some(asio::buffer(head.data(), head.size()), failed)
                      : socket_.write_some(parts, failed);
}

std::size_t Channel::write_tls(std::string_view bytes, Failure& failed) {
  failed = {};
  if (!tls_) failed = asio::error::bad_descriptor;
  std::size_t written = 0;
  // A record holds 16 KiB at most, and each call writes one.
  while (!failed && written < bytes.size()) {
    ERR_clear_error();
    const int sent = SSL_write(tls_.get(), bytes.data() + written, int_size(bytes.size() - written));
    if (sent > 0) {
      written += static_cast<std::size_t>(sent);
      continue;
    }
    bool wants_write = false;
    failed = failure_of(sent, wants_write);
    write_wants_read_ = !wants_write;
  }
  if (written > 0 && failed == asio::error::would_block) failed = {};
  return written;
}

Channel::Failure Channel::failure_of(int result, bool& wants_write) const {
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_WRITE:
      wants_write = true;
      return asio::error::would_block;
    case SSL_ERROR_WANT_READ:
      return asio::error::would_block;
    case SSL_ERROR_ZERO_RETURN:
      return asio::error::eof;
    default:
      return asio::error::connection_reset;
  }
}

void Channel::wait_writable(std::function<void(const Failure&)> ready) {
  const bool read_first = std::exchange(write_wants_read_, false);
  socket_.async_wait(read_first ? Socket::wait_read : Socket::wait_write, std::move(ready));
}

void Channel::end_writing() {
  Failure ignored;
  if (tls_) {
    ERR_clear_error();
    SSL_shutdown(tls_.get());
    ERR_clear_error();
  }
  socket_.shutdown(Socket::shutdown_send, ignored);
}

std::string Channel::distrust() const {
  const long verified = tls_ ? SSL_get_verify_result(tls_.get()) : X509_V_OK;
  return verified == X509_V_OK ? "" : X509_verify_cert_error_string(verified);
}

void Channel::close() {
  Failure ignored;
  socket_.close(ignored);
}

}  // namespace forewarm
