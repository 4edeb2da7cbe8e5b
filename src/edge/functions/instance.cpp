#include "edge/functions/instance.h"

#include <signal.h>
#include <sys/wait.h>

#include <cstring>
#include <utility>

#include "edge/functions/function_environment.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kOutputPieceBytes = 16U << 10;
constexpr int kPiecesBeforeFinish = 8;  // more than a pipe holds
constexpr std::chrono::milliseconds kKillPauseMax = 100ms;
/// What resists SIGKILL for so long is stuck in the kernel or not ours to kill.
constexpr std::chrono::seconds kKillPatience = 30s;

std::chrono::microseconds since(Loop::Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Loop::Clock::now() - start);
}

}  // namespace

Instance::Instance(InstanceHost& host, InstanceId id, std::shared_ptr<const FunctionCommand> function,
                   std::shared_ptr<SettledMemory> settled)
    : host_(host),
      id_(id),
      function_(std::move(function)),
      settled_(std::move(settled)),
      memory_(*settled_),
      link_(make_link(*this)) {}

Result<std::uint16_t> Instance::open() {
  return link_->open();
}

void Instance::spawned(Result<SpawnedProcess> process) {
  spawn_pending_ = false;
  if (!process) {
    end(LossReason::StartFailed, process.error().message, ErrorClass::Capacity);
    return;
  }
  process_ = std::move(*process);
  family_ = {.leader = process_.pid, .mark = instance_mark(id_)};
  host_.add_leader(process_.pid);
  exit_watch_ = host_.loop().watch_readable(process_.exited.get(), [this] { exited(); });
  output_watch_ = host_.loop().watch_readable(process_.output.get(), [this] { read_output(); });
  if (ending_) {
    kill_until_gone();
  } else if (stopping_) {
    end(LossReason::Stopped, {}, ErrorClass::Capacity);
  } else {
    arm(function_->init_timeout, &Instance::timed_out);
    link_->process_started();
  }
}

void Instance::become_ready() {
  ready_ = true;
  timer_.reset();
  host_.report(PoolReady{.instance = id_, .start_time = since(asked_)});
}

void Instance::fail_start(std::string detail) {
  end(LossReason::StartFailed, std::move(detail), ErrorClass::Capacity);
}

void Instance::arm(std::chrono::milliseconds delay, void (Instance::*what)()) {
  timer_ = host_.loop().call_after(delay, [this, what] { (this->*what)(); });
}

void Instance::run(Invocation invocation) {
  if (!ready_ || run_ || ending_ || stopping_) {
    host_.loop().post([self = shared_from_this(), run = invocation.run] {
      self->host_.report(PoolFinished{.instance = self->id_,
                                      .run = run,
                                      .error = ErrorClass::Capacity,
                                      .error_type = "Instance.NotReady",
                                      .error_message = "the instance was not free to run it",
                                      .response = {}});
    });
    return;
  }
  thaw();
  run_ = CurrentRun{.invocation = std::move(invocation), .delivered = {}};
  arm(function_->timeout, &Instance::timed_out);
  link_->offer();
}

Invocation Instance::begin_run() {
  arm(function_->timeout, &Instance::timed_out);
  begin_measuring();
  run_->delivered = Clock::now();
  Invocation handed = std::move(run_->invocation);
  run_->invocation.run = handed.run;
  run_->invocation.request_id = handed.request_id;
  return handed;
}

void Instance::begin_measuring() {
  const auto now = Clock::now();
  if (exit_status_ || !memory_.due(now, host_.leaders().size())) {
    memory_.begin_unmeasured();
    return;
  }
  memory_.begin(family_.leader, now);
  look_later();
}

void Instance::look_later() {
  if (memory_.measuring())
    look_timer_ = host_.loop().call_after(memory_.pause(), [this] { look_at_memory(); });
}

void Instance::look_at_memory() {
  if (!memory_.measuring() || exit_status_) return;
  memory_.look(family_.leader);
  look_later();
}

void Instance::stop() {
  if (stopping_ || ending_) return;
  stopping_ = true;
  thaw();  // else it could not end by itself
  if (spawn_pending_) return;
  ::kill(-family_.leader, SIGTERM);
  link_->dismiss();
  timer_ = host_.loop().call_after(host_.stop_grace(),
                                   [this] { end(LossReason::Stopped, {}, ErrorClass::Crash); });
}

void Instance::freeze() {
  if (!ready_ || run_ || ending_ || stopping_) return;
  freezing_ = true;
  stand_still();
}

/// Only where the runtime has nothing left to do: a request that is half sent would time out.
void Instance::stand_still() {
  if (!freezing_ || frozen_ || !link_->at_rest() || exit_status_) return;
  frozen_ = ::kill(-family_.leader, SIGSTOP) == 0;
}

void Instance::thaw() {
  freezing_ = false;
  if (std::exchange(frozen_, false) && !exit_status_) ::kill(-family_.leader, SIGCONT);
}

void Instance::finish_run(PoolFinished finished) {
  // What was written before the response belongs to this run, though the pipe may be read after the socket.
  for (int piece = 0; piece < kPiecesBeforeFinish && process_.output; ++piece) {
    const std::size_t before = lines_.bytes_fed();
    read_output();
    if (lines_.bytes_fed() == before) break;
  }
  finished.instance = id_;
  finished.run = run_->invocation.run;
  if (run_->delivered) finished.service_time = since(*run_->delivered);
  look_timer_.reset();
  finished.memory_bytes = memory_.end(exit_status_ ? 0 : family_.leader);
  last_request_id_ = std::move(run_->invocation.request_id);
  run_.reset();
  if (!stopping_) timer_.reset();
  host_.report(std::move(finished));
}

void Instance::timed_out() {
  if (!ready_) {
    end(LossReason::StartTimeout,
        "not ready after " + std::to_string(function_->init_timeout.count()) + " ms (" +
            std::string(link_->sign_of_ready()) + ")" +
            (last_line_.empty() ? "" : "; last output: " + last_line_),
        ErrorClass::Capacity);
    return;
  }
  look_at_memory();  // while it is there
  const std::string limit = std::to_string(function_->timeout.count()) + " ms";
  if (run_->delivered)
    end(LossReason::Killed, "timed out after " + limit, ErrorClass::Timeout, "Function.TimedOut");
  else
    end(LossReason::Killed, "did not ask for the next invocation within " + limit, ErrorClass::Capacity,
        "Instance.NotReady");
}

void Instance::exited() {
  exit_watch_.reset();
  if (!reap_leader() || ending_) return;
  const ErrorClass run_error = run_ && run_->delivered ? ErrorClass::Crash : ErrorClass::Capacity;
  if (stopping_) {
    end(LossReason::Stopped, {}, run_error, "Instance.Stopped");
    return;
  }
  read_output();
  std::string detail = exit_text();
  if (!ready_) {
    detail += " before it was ready";
    if (!last_line_.empty()) detail += "; last output: " + last_line_;
    end(LossReason::StartFailed, std::move(detail), ErrorClass::Capacity);
    return;
  }
  const bool killed = WIFSIGNALED(*exit_status_) && WTERMSIG(*exit_status_) == SIGKILL;
  end(killed ? LossReason::Killed : LossReason::Crashed, std::move(detail), run_error, "Runtime.ExitError");
}

std::string Instance::exit_text() const {
  const int status = *exit_status_;
  if (WIFEXITED(status)) return "exited with status " + std::to_string(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  const char* known_as = ::sigdescr_np(signal);
  std::string text =
      "ended by signal " + std::to_string(signal) + " (" + (known_as != nullptr ? known_as : "unknown") + ")";
  if (signal == SIGKILL) {
    const std::string known = host_.last_words(id_);
    text += "; " + (known.empty() ? "the system may have run out of memory" : known);
  }
  return text;
}

bool Instance::reap_leader() {
  if (exit_status_) return true;
  int status = 0;
  if (family_.leader == 0 || ::waitpid(family_.leader, &status, WNOHANG) != family_.leader) return false;
  // Where the leader is the first process of a namespace, it says how the program ended.
  int of_program = 0;
  if (process_.status && ::read(process_.status.get(), &of_program, sizeof of_program) == sizeof of_program)
    status = of_program;
  exit_status_ = status;
  family_.leader_reaped = true;
  host_.remove_leader(family_.leader);
  return true;
}

void Instance::end(LossReason reason, std::string detail, ErrorClass run_error, std::string run_error_type) {
  if (ending_) return;
  ending_ = Ending{.reason = reason,
                   .detail = std::move(detail),
                   .run_error = run_error,
                   .run_error_type = std::move(run_error_type),
                   .since = Clock::now()};
  // From a timer, so that nothing is ever reported from inside a call.
  if (!spawn_pending_) arm(0ms, &Instance::kill_until_gone);
}

bool Instance::kill_round() {
  if (family_.leader == 0) return !spawn_pending_;
  // Listed before the leader dies, while who descends from whom can still be seen.
  const std::vector<pid_t> members = members_of(family_, host_.leaders());
  bool left = !reap_leader();
  if (left) ::kill(-family_.leader, SIGKILL);
  for (const pid_t member : members) {
    if (member == family_.leader) continue;
    doom(member);
    left = true;  // even if it dies at once: it may have had a child since it was listed
  }
  return doomed_are_gone() && !left;
}

void Instance::doom(pid_t member) {
  if (const auto stat = read_process_stat(member)) doomed_[member] = stat->started_ticks;
  ::kill(member, SIGKILL);
}

/// Dead processes lose their mark, so those that were killed are remembered until they are reaped. Those
/// whose parent has ended are our children by now.
bool Instance::doomed_are_gone() {
  std::erase_if(doomed_, [](const auto& entry) {
    const auto& [pid, started_ticks] = entry;
    if (::waitpid(pid, nullptr, WNOHANG) == pid) return true;
    const auto stat = read_process_stat(pid);
    return !stat || stat->started_ticks != started_ticks;
  });
  return doomed_.empty();
}

void Instance::kill_until_gone() {
  if (kill_round()) {
    gone({});
    return;
  }
  if (Clock::now() - ending_->since > kKillPatience) {
    gone("some of its processes could not be ended (check their owner and state with ps)");
    return;
  }
  const auto pause = ending_->pause;
  ending_->pause = std::min(pause * 2, kKillPauseMax);
  arm(pause, &Instance::kill_until_gone);
}

void Instance::gone(std::string_view left_over) {
  if (std::exchange(gone_, true)) return;
  const auto self = shared_from_this();
  if (!left_over.empty())
    ending_->detail += std::string(ending_->detail.empty() ? "" : "; ") + std::string(left_over);
  exit_watch_.reset();
  if (run_) {
    PoolFinished finished;
    finished.error = ending_->run_error;
    finished.error_type = ending_->run_error_type;
    finished.error_message = ending_->detail;
    finish_run(std::move(finished));
  } else if (process_.output) {
    read_output();
  }
  lines_.finish([this](std::string text) { log_line(std::move(text)); });
  output_watch_.reset();
  if (!exit_status_) host_.remove_leader(family_.leader);
  process_ = {};
  link_->close();
  host_.report(PoolLost{.instance = id_, .reason = ending_->reason, .detail = ending_->detail});
  host_.forget(id_);
}

void Instance::read_output() {
  char piece[kOutputPieceBytes];
  const ssize_t size = ::read(process_.output.get(), piece, sizeof piece);
  if (size > 0) {
    lines_.feed(std::string_view(piece, static_cast<std::size_t>(size)),
                [this](std::string text) { log_line(std::move(text)); });
  } else if (size == 0 || errno != EAGAIN) {
    output_watch_.reset();
    process_.output.reset();
  }
}

void Instance::log_line(std::string text) {
  if (!text.empty()) last_line_ = text.substr(0, 512);
  host_.log({.at = std::chrono::system_clock::now(),
             .function = function_->name,
             .instance = id_,
             .run = run_ ? run_->invocation.run : RunId(),
             .text = std::move(text)});
}

}  // namespace forewarm
