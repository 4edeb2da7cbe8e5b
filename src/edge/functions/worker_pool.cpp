#include "edge/functions/worker_pool.h"

#include <algorithm>

#include "base/check.h"
#include "edge/functions/output_lines.h"

namespace forewarm {
namespace {

using namespace std::chrono_literals;

std::string in_words(std::chrono::milliseconds time) {
  return time % 1s == 0ms ? std::to_string(time / 1s) + " s" : std::to_string(time.count()) + " ms";
}

PoolFinished not_run(InstanceId instance, RunId run, std::string why) {
  return {.instance = instance,
          .run = run,
          .error = ErrorClass::Capacity,
          .error_type = "Instance.NotReady",
          .error_message = std::move(why)};
}

}  // namespace

WorkerPool::WorkerPool(Loop& loop, Options options, std::function<void(PoolEvent)> report)
    : loop_(loop), options_(std::move(options)), report_(std::move(report)) {}

void WorkerPool::define(FunctionId function, WorkerFunction as) {
  functions_.insert_or_assign(function, std::move(as));
}

void WorkerPool::start(InstanceId instance, FunctionId function, std::uint16_t) {
  check(functions_.contains(function), "a function is defined before it is started");
  waiting_[function].push_back({instance, Clock::now()});
  arm();
  WorkerPtr spare;
  for (auto each = workers_.lower_bound({function, ""});
       each != workers_.end() && each->first.first == function; ++each) {
    const WorkerPtr& worker = each->second;
    if (worker->instance || worker->ending) continue;
    // One that asks already, if there is one; of those, the one that has been idle for the shortest time.
    if (!spare || std::pair(worker->next != nullptr, worker->next_since) >
                      std::pair(spare->next != nullptr, spare->next_since))
      spare = worker;
  }
  if (spare)
    loop_.post([this, spare, alive = std::weak_ptr(alive_)] {
      if (alive.lock() && !spare->instance && !spare->ending) use(spare);
    });
}

/// Gives it the oldest start that waits for one.
void WorkerPool::use(const WorkerPtr& worker) {
  const auto waiting = waiting_.find(worker->function);
  if (waiting == waiting_.end() || waiting->second.empty() || find(worker->function, worker->name) != worker)
    return;
  const WaitingStart start = waiting->second.front();
  waiting->second.pop_front();
  worker->instance = start.instance;
  worker->turned = Clock::now();
  bound_.insert_or_assign(start.instance, worker);
  report_(PoolReady{
      .instance = start.instance,
      .start_time = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start.since)});
}

void WorkerPool::run(InstanceId instance, Invocation invocation) {
  const WorkerPtr worker = bound(instance);
  if (!worker || worker->ending)
    return report_later(not_run(instance, invocation.run, "the instance is gone"));
  check(!worker->job, "an instance has one run at a time");
  worker->turned = Clock::now();
  worker->job = Job{.invocation = std::move(invocation), .since = worker->turned};
  if (worker->next) hand_out(*worker);
}

void WorkerPool::hand_out(Worker& worker) {
  Job& job = *worker.job;
  job.handed_out = true;
  job.since = Clock::now();
  const WorkerFunction& function = function_of(worker);
  const auto deadline = std::chrono::system_clock::now() + function.timeout;
  const auto deadline_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline.time_since_epoch()).count();
  HttpResponse answer{.headers = {{"Content-Type", "application/json"},
                                  {std::string(kRequestIdHeader), job.invocation.request_id},
                                  {std::string(kDeadlineHeader), std::to_string(deadline_ms)},
                                  {std::string(kTimeoutHeader), std::to_string(function.timeout.count())},
                                  {"Lambda-Runtime-Invoked-Function-Arn", function.arn}},
                      .body = std::move(job.invocation.payload)};
  if (!job.invocation.trace_header.empty())
    answer.headers.emplace_back("Lambda-Runtime-Trace-Id", job.invocation.trace_header);
  worker.heard = job.since;
  std::exchange(worker.next, nullptr)->send(std::move(answer));
}

/// A start that waits for a worker still.
bool WorkerPool::take_back(InstanceId instance) {
  for (auto& [function, starts] : waiting_) {
    if (std::erase_if(starts, [&](const WaitingStart& s) { return s.instance == instance; }) == 0) continue;
    report_later(PoolLost{.instance = instance});
    return true;
  }
  return false;
}

void WorkerPool::stop(InstanceId instance) {
  if (take_back(instance)) return;
  if (const WorkerPtr worker = bound(instance)) {
    unbind(*worker, LossReason::Stopped, "", true);
    dismiss(*worker);
  }
}

void WorkerPool::release(InstanceId instance) {
  const WorkerPtr worker = bound(instance);
  if (!worker || worker->job || function_of(*worker).end_surplus) return stop(instance);
  unbind(*worker, LossReason::Stopped, "", true);
  loop_.post([this, worker, alive = std::weak_ptr(alive_)] {
    if (alive.lock() && !worker->instance && !worker->ending) use(worker);
  });
}

/// It is told to end, now or when it asks.
void WorkerPool::dismiss(Worker& worker) {
  worker.ending = true;
  worker.heard = Clock::now();
  for (auto* held : {&worker.next, &worker.heartbeat}) {
    if (*held) std::exchange(*held, nullptr)->send(worker_dismissed());
  }
}

void WorkerPool::unbind(Worker& worker, LossReason reason, std::string detail, bool later) {
  if (!worker.instance) return;
  const InstanceId instance = std::exchange(worker.instance, InstanceId());
  bound_.erase(instance);
  worker.turned = Clock::now();
  if (worker.job) worker.last_request = worker.job->invocation.request_id;
  worker.job.reset();
  PoolLost lost{.instance = instance, .reason = reason, .detail = std::move(detail)};
  if (later)
    report_later(std::move(lost));
  else
    report_(std::move(lost));
}

void WorkerPool::finish(Worker& worker, PoolFinished finished) {
  finished.instance = worker.instance;
  finished.run = worker.job->invocation.run;
  if (worker.job->handed_out)
    finished.service_time =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - worker.job->since);
  worker.last_request = worker.job->invocation.request_id;
  worker.job.reset();
  worker.turned = Clock::now();
  report_(std::move(finished));
}

/// A run that it certainly has not begun costs its messages no attempt.
void WorkerPool::give_back(Worker& worker, std::string why) {
  worker.job->handed_out = false;
  finish(worker, not_run({}, {}, std::move(why)));
}

void WorkerPool::report_later(PoolEvent event) {
  loop_.post([this, alive = std::weak_ptr(alive_), event = std::move(event)] {
    if (alive.lock()) report_(event);
  });
}

WorkerPool::WorkerPtr WorkerPool::find(FunctionId function, const std::string& name) const {
  const auto found = workers_.find({function, name});
  return found != workers_.end() ? found->second : nullptr;
}

WorkerPool::WorkerPtr WorkerPool::bound(InstanceId instance) const {
  const auto found = bound_.find(instance);
  return found != bound_.end() ? found->second : nullptr;
}

std::array<std::uint32_t, 2> WorkerPool::workers(FunctionId function) const {
  std::array<std::uint32_t, 2> counts{};
  for (const auto& [key, worker] : workers_) {
    if (key.first == function && !worker->ending) ++counts[worker->instance ? 0 : 1];
  }
  return counts;
}

std::vector<PoolWorkerPod> WorkerPool::pods() const {
  using Use = PoolWorkerPod::Use;
  std::vector<PoolWorkerPod> all;
  const auto now = Clock::now();
  for (const auto& [key, worker] : workers_) {
    if (worker->pod.empty() || worker->ending) continue;
    all.push_back({.function = worker->function,
                   .pod = worker->pod,
                   .use = worker->job        ? Use::Busy
                          : worker->instance ? Use::Idle
                                             : Use::Unused,
                   .since = std::chrono::duration_cast<std::chrono::milliseconds>(now - worker->turned)});
  }
  return all;
}

void WorkerPool::handle(FunctionId function, HttpRequest request, std::shared_ptr<HttpReply> reply) {
  const WorkerCall call = read_worker_call(request);
  if (call.refusal) return reply->send(*call.refusal);
  if (!functions_.contains(function))
    return reply->send(runtime_refusal(503, "Worker.NotYet", "the function is being configured"));
  if (call.kind == WorkerCall::Kind::Next) return next(function, call, request, std::move(reply));
  const WorkerPtr worker = find(function, call.worker);
  if (call.kind == WorkerCall::Kind::InitError) {
    const RuntimeError error = read_runtime_failure(request).error;
    options_.warn("a worker of '" + functions_.at(function).name +
                  "' cannot start: " + escape_control_characters(error.type + ": " + error.message));
    return reply->send(runtime_accepted());
  }
  if (!worker)
    return reply->send(runtime_refusal(404, kUnknownWorker,
                                       "no worker of that id is known here: it was not heard of in time, or "
                                       "this server is a new one. Ask for the next invocation"));
  switch (call.kind) {
    case WorkerCall::Kind::Heartbeat:
      return heartbeat(worker, std::move(reply));
    case WorkerCall::Kind::Goodbye:
      return goodbye(worker, request, *reply);
    default:
      return answer(worker, call.request_id, std::move(request), call.kind == WorkerCall::Kind::Response,
                    *reply);
  }
}

/// Its run has begun there, as it says.
bool WorkerPool::has_had_run(const Worker& worker, const HttpRequest& request) {
  return worker.job && worker.job->handed_out &&
         find_header(request.headers, kRunHeader) == worker.job->invocation.request_id;
}

void WorkerPool::next(FunctionId function, const WorkerCall& call, const HttpRequest& request,
                      std::shared_ptr<HttpReply> reply) {
  WorkerPtr worker = find(function, call.worker);
  if (!worker) {
    if (workers_.size() >= options_.workers_max)
      return reply->send(runtime_refusal(
          503, "Worker.TooMany",
          "as many workers are connected as this server takes: " + std::to_string(options_.workers_max)));
    worker =
        std::make_shared<Worker>(Worker{.function = function, .name = call.worker, .turned = Clock::now()});
    workers_.emplace(std::pair(function, call.worker), worker);
    arm();
  }
  if (worker->ending) return reply->send(worker_dismissed());
  worker->pod = call.pod;
  hold(worker->next, worker->next_since, worker, std::move(reply));
  // It has no run any more: either it had it, or that never arrived.
  if (has_had_run(*worker, request)) {
    PoolFinished lost;
    lost.error = ErrorClass::Handler;
    lost.error_type = "Worker.ResultLost";
    lost.error_message = "the result did not get from worker " + worker->name +
                         " to this server: is there a proxy between them that limits bodies?";
    finish(*worker, std::move(lost));
  } else if (worker->job && worker->job->handed_out) {
    give_back(*worker, "the invocation did not reach the worker");
  }
  if (worker->job && worker->next) return hand_out(*worker);
  if (!worker->instance) use(worker);
}

void WorkerPool::hold(std::shared_ptr<HttpReply>& place, Clock::time_point& since, const WorkerPtr& worker,
                      std::shared_ptr<HttpReply> reply) {
  // The one before is of a connection that broke without a word.
  if (place) std::exchange(place, nullptr)->send({.status = 204});
  since = Clock::now();
  place = std::move(reply);
  place->on_closed([weak = std::weak_ptr(worker), which = place.get()] {
    const WorkerPtr still = weak.lock();
    if (!still) return;
    still->heard = Clock::now();
    if (still->next.get() == which) still->next.reset();
    if (still->heartbeat.get() == which) still->heartbeat.reset();
  });
}

void WorkerPool::heartbeat(const WorkerPtr& worker, std::shared_ptr<HttpReply> reply) {
  if (worker->ending) return reply->send(worker_dismissed());
  hold(worker->heartbeat, worker->heartbeat_since, worker, std::move(reply));
}

void WorkerPool::answer(const WorkerPtr& worker, std::string_view request_id, HttpRequest request,
                        bool response, HttpReply& reply) {
  worker->heard = Clock::now();
  if (worker->ending) return reply.send(worker_dismissed());
  if (!worker->job || !worker->job->handed_out || worker->job->invocation.request_id != request_id) {
    if (request_id == worker->last_request)
      return reply.send(runtime_refusal(403, "InvalidStateTransition",
                                        "this invocation has its response or error already"));
    return reply.send(runtime_refusal(400, "InvalidRequestID", "this worker has no invocation of that id"));
  }
  RuntimeAnswer read = response ? read_runtime_response(std::move(request)) : read_runtime_failure(request);
  reply.send(to_runtime(read));
  PoolFinished finished;
  if (read.failed) finished.error = ErrorClass::Handler;
  finished.error_type = std::move(read.error.type);
  finished.error_message = std::move(read.error.message);
  finished.response = std::move(read.response);
  finish(*worker, std::move(finished));
}

void WorkerPool::goodbye(const WorkerPtr& worker, const HttpRequest& request, HttpReply& reply) {
  reply.send({.status = 204});
  const std::string said = escape_control_characters(find_header(request.headers, kReasonHeader));
  if (has_had_run(*worker, request))
    return gone(worker, LossReason::Crashed, said.empty() ? "it ended during the run" : said);
  if (worker->job) give_back(*worker, "the worker has left");
  gone(worker, LossReason::Stopped, said);
}

/// Nothing more is expected of it.
void WorkerPool::gone(const WorkerPtr& worker, LossReason reason, const std::string& detail) {
  for (auto* held : {&worker->next, &worker->heartbeat}) {
    if (*held) std::exchange(*held, nullptr)->send(worker_dismissed());
  }
  workers_.erase({worker->function, worker->name});
  unbind(*worker, reason, "worker " + worker->name + " of '" + function_of(*worker).name + "': " + detail,
         false);
}

void WorkerPool::arm() {
  if (ticker_ || (workers_.empty() &&
                  std::ranges::all_of(waiting_, [](const auto& each) { return each.second.empty(); })))
    return;
  const auto every =
      std::clamp<std::chrono::milliseconds>(std::min(options_.hold, options_.lost_after) / 8, 5ms, 1000ms);
  ticker_ = loop_.call_after(every, [this] { tick(); });
}

/// One look at all of them, since a timer for each would be moved with every request.
void WorkerPool::tick() {
  ticker_.reset();
  const auto now = Clock::now();
  for (auto& [function, starts] : waiting_) {
    // The core did not learn of a failure: it asks again if it still wants one.
    const WorkerFunction& of = functions_.at(function);
    while (!starts.empty() && now - starts.front().since > of.start_timeout) {
      const InstanceId instance = starts.front().instance;
      starts.pop_front();
      report_later(PoolLost{
          .instance = instance,
          .detail = "no worker of '" + of.name + "' has connected within " + in_words(of.start_timeout)});
    }
  }
  std::vector<WorkerPtr> all;
  all.reserve(workers_.size());
  for (const auto& [key, worker] : workers_) all.push_back(worker);
  for (const WorkerPtr& worker : all) {
    if (look_at(worker, now)) continue;
    if (worker->job && !worker->job->handed_out) give_back(*worker, "the worker is not heard of");
    const bool was_instance = static_cast<bool>(worker->instance);
    gone(worker, LossReason::Crashed, "not heard of for " + in_words(options_.lost_after));
    if (!was_instance)
      options_.warn("worker " + worker->name + " of '" + function_of(*worker).name + "', unused, was lost");
  }
  arm();
}

/// False if it is lost.
bool WorkerPool::look_at(const WorkerPtr& worker, Clock::time_point now) {
  if (worker->next && now - worker->next_since > options_.hold) {
    worker->heard = now;
    std::exchange(worker->next, nullptr)->send({.status = 204});
  }
  if (worker->heartbeat && now - worker->heartbeat_since > options_.hold) {
    worker->heard = now;
    std::exchange(worker->heartbeat, nullptr)->send({.status = 204});
  }
  if (worker->job && now - worker->job->since > function_of(*worker).timeout) overdue(*worker);
  return worker->next || worker->heartbeat || now - worker->heard <= options_.lost_after;
}

void WorkerPool::overdue(Worker& worker) {
  const std::string limit = in_words(function_of(worker).timeout);
  std::string detail = "worker " + worker.name + " of '" + function_of(worker).name + "' ";
  if (worker.job->handed_out) {
    detail += "timed out after " + limit;
    PoolFinished late;
    late.error = ErrorClass::Timeout;
    late.error_type = "Function.TimedOut";
    late.error_message = detail;
    finish(worker, std::move(late));
  } else {
    detail += "did not ask for the next invocation within " + limit;
    give_back(worker, detail);
  }
  unbind(worker, LossReason::Killed, detail, false);
  dismiss(worker);
}

}  // namespace forewarm
