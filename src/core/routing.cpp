#include "core/routing.h"

#include <algorithm>
#include <array>
#include <span>

namespace forewarm {
namespace {

constexpr std::size_t kPassedMost = 8;
constexpr std::size_t kLearnedPerRun = 16;  ///< messages of a batch
constexpr Duration kLookAgainLeast = 1ms;

InstanceNeed need_of(const FunctionState& function, const MessageRecord& record) {
  InstanceNeed need{.not_this = record.failed_on};
  const FunctionSettings& settings = function.pool.settings();
  if (record.outgrown > 0 && record.outgrown <= settings.variants.size()) {
    const std::uint64_t had = settings.variants[record.outgrown - 1U].memory_bytes;
    const bool larger = std::ranges::any_of(
        settings.variants, [had](const FunctionVariant& variant) { return variant.memory_bytes > had; });
    if (larger) need.memory_bytes_min = had + 1;
  }
  if (settings.group_affinity) need.group = affinity_of(record.message);
  return need;
}

VariantOutlooks outlooks_of(const FunctionState& function, const MessageRecord& record) {
  return outlooks(function.service_model, function.pool.settings(), class_of(record.message),
                  need_of(function, record).memory_bytes_min);
}

/// There is no instance of the variant that would suit it, nor one of any other in which it fits.
bool is_misfit(const FunctionState& function, const MessageRecord& record) {
  const VariantOutlooks of = outlooks_of(function, record);
  const std::optional<std::uint16_t> missing = missing_variant(of, function.pool);
  return missing && of[*missing].fits;
}

RouteChoice route_of(const FunctionState& function, const MessageRecord& record, TimePoint now,
                     std::span<const Awaited> awaited) {
  const InstanceNeed need = need_of(function, record);
  if (!function.pool.mixed()) {
    RouteChoice found;
    found.instance = function.pool.choose(need, &found.decision);
    return found;
  }
  return route(function.pool, function.service_model,
               {.message = class_of(record.message),
                .instance = need,
                .slack = from_seconds(seconds_between(now, record.message.deadline)),
                .start_time = function.start_summary.mean,
                .service_guess = function.service_summary.mean},
               now, awaited);
}

}  // namespace

FoundRoute find_route(QueueState& queue, FunctionState& function, const MessageIndex& messages, TimePoint now,
                      std::vector<MessageId>& passed) {
  FoundRoute found;
  if (function.pool.counts().free() == 0) return found;
  std::array<Awaited, kPassedMost> awaited;
  while (const std::optional<MessageId> id = queue.ready.front(now, passed)) {
    const MessageRecord& record = *messages.find(*id);
    found.route = route_of(function, record, now, std::span(awaited).first(passed.size()));
    found.route.decision.passed = static_cast<std::uint32_t>(passed.size());
    if (found.route.instance && !found.route.fits && is_misfit(function, record)) {
      if (!found.misfit) found.misfit = {found.route, passed.size()};
      found.route = {};
    } else if (!found.route.wait_for) {
      break;
    } else {
      found.look_again = std::min(found.look_again, std::max(found.route.look_again, kLookAgainLeast));
    }
    if (passed.size() == kPassedMost) break;
    awaited[passed.size()] = found.route.wait_for.value_or(Awaited{});
    passed.push_back(*id);
  }
  return found;
}

std::uint64_t affinity_of(const Message& message) {
  return message.group ? message.group.value() : message.tenant.value();
}

TimePoint predicted_end(const FunctionState& function, const Pool::Instance& instance, const RunRecord& run,
                        const MessageIndex& messages, TimePoint now) {
  if (!function.pool.mixed() || !function.service_model.known()) return kNever;
  double sum = 0;
  const std::size_t looked_at = std::min(run.messages.size(), kLearnedPerRun);
  for (std::size_t i = 0; i < looked_at; ++i) {
    const MessageClass message = class_of(messages.find(run.messages[i])->message);
    sum += function.service_model.predict(instance.variant, message).seconds();
  }
  if (looked_at > 0) sum *= static_cast<double>(run.messages.size()) / static_cast<double>(looked_at);
  return saturating_add(now, from_seconds(sum * instance.health.slowness()));
}

void learn(FunctionState& function, const RunRecord& run, const RunFinished& event, MessageIndex& messages) {
  const Pool::Instance* instance = function.pool.find(run.instance);
  if (instance == nullptr) return;
  ServiceModel& model = function.service_model;
  const std::uint16_t variant = instance->variant;
  const bool crashed = event.error == ErrorClass::Crash;
  const bool well = event.error == ErrorClass::None && event.failed.empty();
  std::array<MessageClass, kLearnedPerRun> classes;
  std::array<double, kLearnedPerRun> expected;
  std::size_t count = 0;
  double sum = 0;
  for (const MessageId id : run.messages) {
    if (count == kLearnedPerRun) break;
    MessageRecord* record = messages.find(id);
    if (record == nullptr) continue;
    classes[count] = class_of(record->message);
    model.memory().observe_end(variant, classes[count], crashed);
    if (crashed && model.variants() > 1) record->outgrown = static_cast<std::uint8_t>(variant + 1);
    const bool shared = well && run.messages.size() > 1 && model.known();
    expected[count] = shared ? model.predict(variant, classes[count]).seconds() : 1;
    sum += expected[count++];
  }
  if (count == 0) return;
  ++function.learnt;
  // Of a batch of several classes nothing tells which of them needed it.
  if (std::all_of(classes.begin(), classes.begin() + count, [&](MessageClass c) { return c == classes[0]; }))
    model.memory().observe_peak(variant, classes[0], event.memory_bytes, well);
  if (!well) return;
  const double took =
      seconds(event.service_time) * static_cast<double>(count) / static_cast<double>(run.messages.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto surprise = model.observe(variant, classes[i], from_seconds(took * expected[i] / sum));
    if (i == 0) function.pool.observe(run.instance, surprise);
  }
}

void observe_demand(FunctionState& function, const Message& message, TimePoint now) {
  const FunctionSettings& settings = function.pool.settings();
  if (settings.variants.size() < 2) return;
  const VariantOutlooks of = outlooks(function.service_model, settings, class_of(message), 0);
  const std::uint16_t best = best_variant(of, settings);
  function.variant_mix.observe(now, best, of[best].service_seconds);
}

std::uint16_t variant_to_start(QueueState& queue, const FunctionState& function, const MessageIndex& messages,
                               TimePoint now) {
  const FunctionSettings& settings = function.pool.settings();
  if (settings.variants.size() < 2) return 0;
  const std::uint16_t variant = function.variant_mix.lacking(function.pool).value_or(0);
  std::vector<MessageId> passed;
  while (passed.size() < kPassedMost) {
    const std::optional<MessageId> next = queue.ready.front(now, passed);
    if (!next) break;
    const VariantOutlooks of = outlooks_of(function, *messages.find(*next));
    if (const std::optional<std::uint16_t> missing = missing_variant(of, function.pool)) return *missing;
    passed.push_back(*next);
  }
  return variant;
}

bool may_run(const QueueState& queue, TimePoint now) {
  return queue.function == nullptr ||
         queue.function->breakers.may_run(now, queue.function->pool.counts().busy);
}

}  // namespace forewarm
