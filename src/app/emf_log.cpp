#include "app/emf_log.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace forewarm {
namespace {

constexpr std::size_t kPieceBytes = 4096;  // a pipe that can be written to takes so many at once (PIPE_BUF)
constexpr int kLookMs = 100;

/// Why not, or nothing. A pipe that nobody reads does not keep it from ending.
std::string append_all(const std::string& path, const std::string& text, const std::stop_token& stop) {
  const bool standard = path == "-";
  const int descriptor =
      standard ? STDOUT_FILENO : ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return path + ": " + std::generic_category().message(errno);
  std::string problem;
  for (std::size_t done = 0; done < text.size() && problem.empty() && !stop.stop_requested();) {
    pollfd ready{.fd = descriptor, .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, kLookMs) == 0) continue;
    const ssize_t written =
        ::write(descriptor, text.data() + done, std::min(text.size() - done, kPieceBytes));
    if (written >= 0)
      done += static_cast<std::size_t>(written);
    else if (errno != EINTR)
      problem = path + ": " + std::generic_category().message(errno);
  }
  if (!standard) ::close(descriptor);
  return problem;
}

}  // namespace

std::unique_ptr<EmfLog> EmfLog::make(Server server, const EmfConfig& config) {
  if (config.path.empty()) return nullptr;
  return std::unique_ptr<EmfLog>(new EmfLog(std::move(server), config));
}

EmfLog::EmfLog(Server server, EmfConfig config)
    : server_(std::move(server)),
      config_(std::move(config)),
      documents_(
          {.space = config_.space, .dimensions = {config_.dimensions.begin(), config_.dimensions.end()}}) {
  timer_ = server_.loop->call_after(config_.every, [this] { write(); });
}

void EmfLog::write() {
  timer_ = server_.loop->call_after(config_.every, [this] { write(); });
  // What is not written now is in the next lot: counters wait with it.
  if (busy_.exchange(true)) return;
  const std::vector<MetricPoints> metrics = server_.metrics([this](std::string_view name) {
    return std::ranges::find(config_.metrics, name) != config_.metrics.end();
  });
  std::string text;
  for (const std::string& line : documents_.lines(server_.now(), metrics)) text += line + "\n";
  thread_.give([this, text = std::move(text)](const std::stop_token& stop) {
    const std::string problem = append_all(config_.path, text, stop);
    if (!problem.empty() && !complained_)
      server_.log->warning("metrics are not written for CloudWatch", {{"reason", problem}});
    complained_ = !problem.empty();
    busy_ = false;
  });
}

}  // namespace forewarm
