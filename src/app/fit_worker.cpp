#include "app/fit_worker.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <deque>
#include <optional>

#include "app/fit_codec.h"
#include "core/forecast/ensemble/fit.h"

extern char** environ;

namespace forewarm {
namespace {

constexpr std::uint32_t kFrameMax = 64U << 20;
constexpr int kPipeBytes = 1 << 20;  ///< a request fits in whole, so writing one never blocks

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string frame(const std::string& content) {
  const auto size = static_cast<std::uint32_t>(content.size());
  std::string bytes(reinterpret_cast<const char*>(&size), sizeof size);
  return bytes + content;
}

/// The first whole frame of `buffer`, taken out of it.
std::optional<std::string> take_frame(std::string& buffer) {
  std::uint32_t size = 0;
  if (buffer.size() < sizeof size) return std::nullopt;
  std::memcpy(&size, buffer.data(), sizeof size);
  if (buffer.size() < sizeof size + size) return std::nullopt;
  std::string content = buffer.substr(sizeof size, size);
  buffer.erase(0, sizeof size + size);
  return content;
}

class FitProcess : public FitWorker {
 public:
  FitProcess(Loop& loop, Options options, std::function<void(FitAnswer)> done)
      : loop_(loop), options_(std::move(options)), done_(std::move(done)) {}
  ~FitProcess() override { end(); }

  void fit(FitRequest request) override {
    if (waiting_.size() >= options_.waiting_max) {
      ++statistics_.failed;
      loop_.post([done = done_, failed = FitAnswer{{request.queue, request.serial, {}}}] { done(failed); });
      return;
    }
    waiting_.push_back(std::move(request));
    send_next();
  }

  Statistics statistics() const override { return statistics_; }

 private:
  void send_next() {
    if (current_ || waiting_.empty()) return;
    if (child_ == 0 && !spawn()) {
      fail(std::exchange(waiting_, {}));
      return;
    }
    current_ = std::move(waiting_.front());
    waiting_.pop_front();
    timer_ = loop_.call_after(options_.deadline, [this] { give_up(); });
    if (!write_all(input_, frame(encode(*current_)))) give_up();
  }

  bool spawn() {
    int to_child[2];
    int from_child[2];
    if (::pipe2(to_child, O_CLOEXEC) != 0) return false;
    if (::pipe2(from_child, O_CLOEXEC) != 0) {
      ::close(to_child[0]);
      ::close(to_child[1]);
      return false;
    }
    ::fcntl(to_child[1], F_SETPIPE_SZ, kPipeBytes);
    ::fcntl(from_child[0], F_SETFL, O_NONBLOCK);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, to_child[0], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, from_child[1], STDOUT_FILENO);
    std::vector<char*> arguments;
    arguments.reserve(options_.command.size() + 1);
    for (std::string& word : options_.command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const int code = ::posix_spawn(&child_, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(to_child[0]);
    ::close(from_child[1]);
    input_ = to_child[1];
    output_ = from_child[0];
    if (code != 0) {
      child_ = 0;
      end();
      return false;
    }
    watch_ = loop_.watch_readable(output_, [this] { read(); });
    return true;
  }

  void read() {
    char chunk[65536];
    for (;;) {
      const ssize_t got = ::read(output_, chunk, sizeof chunk);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) break;
      if (got <= 0) return give_up();  // it ended
      buffer_.append(chunk, static_cast<std::size_t>(got));
    }
    while (const std::optional<std::string> content = take_frame(buffer_)) {
      Result<FitAnswer> answer = decode_fit_answer(*content);
      if (!answer || !current_ || answer->fitted.serial != current_->serial ||
          answer->fitted.queue != current_->queue)
        return give_up();
      timer_.reset();
      current_.reset();
      ++(answer->fitted.forecasts.empty() ? statistics_.failed : statistics_.fitted);
      done_(std::move(*answer));
    }
    send_next();
  }

  /// The worker hangs, died or talks nonsense: it is ended, the fit failed, and the next one gets a new
  /// worker.
  void give_up() {
    end();
    ++statistics_.restarts;
    if (current_) fail({std::move(*std::exchange(current_, std::nullopt))});
    loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired()) send_next();
    });
  }

  void fail(const std::deque<FitRequest>& requests) {
    for (const FitRequest& request : requests) {
      ++statistics_.failed;
      done_(FitAnswer{{request.queue, request.serial, {}}});
    }
  }

  void end() {
    timer_.reset();
    watch_.reset();
    buffer_.clear();
    for (int* descriptor : {&input_, &output_}) {
      if (*descriptor >= 0) ::close(*descriptor);
      *descriptor = -1;
    }
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    child_ = 0;
  }

  Loop& loop_;
  Options options_;
  std::function<void(FitAnswer)> done_;
  std::deque<FitRequest> waiting_;
  std::optional<FitRequest> current_;
  std::unique_ptr<Loop::Timer> timer_;
  std::unique_ptr<Loop::Watch> watch_;
  std::string buffer_;
  pid_t child_ = 0;
  int input_ = -1;
  int output_ = -1;
  Statistics statistics_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

void limit_myself() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setpriority(PRIO_PROCESS, 0, 10);
#ifndef __SANITIZE_ADDRESS__
  constexpr rlimit kMemory{3UL << 30, 3UL << 30};
  ::setrlimit(RLIMIT_AS, &kMemory);
#endif
}

}  // namespace

std::unique_ptr<FitWorker> FitWorker::make(Loop& loop, Options options, std::function<void(FitAnswer)> done) {
  return std::make_unique<FitProcess>(loop, std::move(options), std::move(done));
}

int run_fit_worker(bool explain) {
  limit_myself();
  ::signal(SIGINT, SIG_IGN);  // the server ends the worker, not the terminal
  Fitter fitter(explain ? EnsembleSize::Whole : EnsembleSize::Light);
  std::string buffer;
  char chunk[65536];
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0 ? 0 : 1;
    buffer.append(chunk, static_cast<std::size_t>(got));
    if (buffer.size() > kFrameMax) return 1;
    while (const std::optional<std::string> content = take_frame(buffer)) {
      const Result<FitRequest> request = decode_fit_request(*content);
      if (!request) return 1;
      FitAnswer answer{.fitted = fitter.fit(*request)};
      answer.reasons = explain ? fitter.reasons(request->queue) : fitter.signals(request->queue);
      for (ForecastReason& reason : answer.reasons) {
        if (reason.kind == ForecastReason::Kind::Signal && reason.signal < request->regressors.size())
          reason.signal = request->regressors[reason.signal].signal.value();
      }
      if (!write_all(STDOUT_FILENO, frame(encode(answer)))) return 0;
    }
  }
}

}  // namespace forewarm
