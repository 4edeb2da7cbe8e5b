#include <gtest/gtest.h>

#include "app/control_backfill.h"
#include "app/control_config.h"
#include "app/queue_reader.h"
#include "app/target_factory.h"
#include "edge/observe/control_metrics.h"

namespace forewarm {
namespace {

constexpr std::string_view kMinimal = R"toml(
[[control]]
queue = "orders"
metrics.url = "http://127.0.0.1:9090"
metrics.waiting = "sum(waiting)"
metrics.arrived_total = "sum(arrived_total)"
scaling.instances_max = 40
target.kind = "keda"
target.name = "worker"
)toml";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string refusal_of_config(const std::string& text) {
  const Result<ControlFile> read = read_control_config(text, "control.toml");
  return read ? "" : read.error().message;
}

TEST(ControlConfig, WhatIsLeftOutHasADefaultAndTheKindsModel) {
  const Result<ControlFile> read = read_control_config(kMinimal, "control.toml");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->controls.size(), 1U);
  EXPECT_EQ(read->every, 5s);
  EXPECT_EQ(read->controls[0].scaling.instances_max, 40U);
  EXPECT_EQ(actuator_of(read->controls[0].target).dead_band, 0.1);
  const Result<ControlFile> own = read_control_config(
      std::string(kMinimal) + "target.dead_band = 0.05\ntarget.lead = \"40s\"\n", "control.toml");
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_EQ(actuator_of(own->controls[0].target).dead_band, 0.05);
  EXPECT_EQ(actuator_of(own->controls[0].target).lead, 40s);
}

TEST(ControlConfig, AScalableTargetIsNamedByItsIdAndDimension) {
  const std::string text = replaced(std::string(kMinimal), "\"keda\"", "\"application-auto-scaling\"") +
                           "target.region = \"eu-west-1\"\n";
  EXPECT_NE(refusal_of_config(text).find("target.dimension: expected a ScalableDimension"),
            std::string::npos);
  EXPECT_NE(refusal_of_config(replaced(text, "target.region", "target.function")).find("target.region"),
            std::string::npos);
  const Result<ControlFile> read =
      read_control_config(text + "target.dimension = \"ecs:service:DesiredCount\"\n", "control.toml");
  ASSERT_TRUE(read) << read.error().message;
  const ControlTarget& target = read->controls[0].target;
  EXPECT_EQ(target.actions_max, 20);
  EXPECT_EQ(target_identity(target),
            "application-auto-scaling|||deployment|worker||||eu-west-1|ecs:service:DesiredCount");
  EXPECT_EQ(actuator_of(target).change_every, 1min);
}

TEST(ControlConfig, ErrorsNamePlaceAndRemedy) {
  const std::string text(kMinimal);
  EXPECT_NE(refusal_of_config("data = \"x\"").find("no [[control]] table"), std::string::npos);
  EXPECT_NE(refusal_of_config(replaced(text, "\"keda\"", "\"kubernets\"")).find("Did you mean kubernetes?"),
            std::string::npos);
  EXPECT_NE(refusal_of_config(replaced(text, "metrics.waiting", "metrics.wating")).find("control.toml:5:"),
            std::string::npos);
  EXPECT_NE(refusal_of_config(replaced(text, "metrics.arrived_total", "metrics.oldest_wait"))
                .find("without a counter"),
            std::string::npos);
  EXPECT_NE(refusal_of_config(text + text).find("defined twice"), std::string::npos);
  EXPECT_NE(refusal_of_config(replaced(text, "target.name = \"worker\"", "")).find("needs target.name"),
            std::string::npos);
  EXPECT_NE(
      refusal_of_config(replaced(text, "\"keda\"", "\"provisioned-concurrency\"")).find("target.region"),
      std::string::npos);
  EXPECT_NE(refusal_of_config(replaced(text, "\"keda\"", "\"cloud-run\""))
                .find("expected projects/P/locations/L/services/S, found 'worker'"),
            std::string::npos);
  EXPECT_NE(refusal_of_config(replaced(text, "\"keda\"", "\"azure-premium\"")).find("Microsoft.Web/sites/A"),
            std::string::npos);
}

/// Two [[control]] with these targets.
std::string refusal_of_two(const std::string& one, const std::string& other) {
  const auto control = [](const std::string& queue, const std::string& target) {
    return "[[control]]\nqueue = \"" + queue +
           "\"\nmetrics.url = \"http://127.0.0.1:9090\"\nmetrics.waiting = \"w\"\nmetrics.arrived_total = "
           "\"a\"\n" +
           target + "\n";
  };
  return refusal_of_config(control("orders", one) + control("mails", other));
}

TEST(ControlConfig, TwoThatWouldUndoEachOtherAreRefusedWithBothPlacesAndTheRemedy) {
  const std::string pods = "target.kind = \"kubernetes\"\ntarget.name = \"worker\"\n";
  const std::string refusal = refusal_of_two(pods, pods);
  EXPECT_NE(refusal.find("control.toml:9:"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("'mails' has the target of 'orders' (control.toml:1:"), std::string::npos);
  EXPECT_NE(refusal.find("Give one [[control]] metrics of both queues"), std::string::npos);
  EXPECT_EQ(refusal_of_two(pods, pods + "target.namespace = \"other\"\n"), "");
  EXPECT_EQ(refusal_of_two(pods, pods + "target.url = \"https://another-cluster\"\n"), "");
}

TEST(ControlConfig, OneNumberOfTwoKindsIsOneTarget) {
  const auto refused = [](const std::string& one, const std::string& other) {
    return refusal_of_two(one, other).find("each would undo what the other sets") != std::string::npos;
  };
  const std::string name = "\"\ntarget.name = \"", aws = "\"\ntarget.region = \"eu-west-1\"\n";
  EXPECT_TRUE(refused("target.kind = \"kubernetes" + name + "worker\"\n",
                      "target.kind = \"keda" + name + "worker\"\ntarget.url = \"http://forewarm:9326\"\n"));
  const std::string alias = "target.kind = \"provisioned-concurrency" + aws +
                            "target.function = \"resize\"\ntarget.qualifier = \"live\"\n";
  const auto scalable = [&](const std::string& id) {
    return "target.kind = \"application-auto-scaling" + aws + "target.name = \"" + id +
           "\"\ntarget.dimension = \"lambda:function:ProvisionedConcurrency\"\n";
  };
  EXPECT_TRUE(refused(alias, scalable("function:resize:live")));
  EXPECT_FALSE(refused(alias, scalable("function:resize:beta")));
  EXPECT_TRUE(refused("target.kind = \"event-source-mapping" + aws + "target.uuid = \"14e0db71\"\n",
                      "target.kind = \"provisioned-pollers" + aws + "target.uuid = \"14E0DB71\"\n"));
  const auto flex = [&](const std::string& app, const std::string& group) {
    return "target.kind = \"azure-flex" + name +
           "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/" + app +
           "\"\ntarget.group = \"" + group + "\"\n";
  };
  EXPECT_TRUE(refused(flex("a", "http"), flex("A", "http")));
  EXPECT_FALSE(refused(flex("a", "http"), flex("a", "function:f")));
  // Each says which queue it is about.
  const std::string hook = "target.kind = \"webhook\"\ntarget.url = \"http://h/set\"\n";
  EXPECT_EQ(refusal_of_two(hook, hook), "");
}

TEST(ControlConfig, AGroupOfAFlexAppIsNamed) {
  const std::string app =
      "target.kind = \"azure-flex\"\ntarget.name = "
      "\"/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/a\"\n";
  const auto refusal = [&](const std::string& more) {
    return refusal_of_two(app + more, "target.kind = \"keda\"\ntarget.name = \"worker\"\n");
  };
  EXPECT_EQ(refusal("target.group = \"function:resize\"\n"), "");
  EXPECT_NE(refusal("").find("target.group: expected http, blob, durable or function:NAME"),
            std::string::npos);
}

TEST(ControlConfig, AForecastThatEndsBeforeItsMetricsAreThereIsRefused) {
  std::string text = replaced(std::string(kMinimal), "metrics.waiting = \"sum(waiting)\"\n", "");
  text =
      replaced(text, "metrics.arrived_total = \"sum(arrived_total)\"\n", "metrics.kind = \"cloudwatch\"\n");
  EXPECT_EQ(refusal_of_config(text), "");
  EXPECT_NE(refusal_of_config("forecast.step = \"5s\"\n" + text).find("well beyond metrics.lag"),
            std::string::npos);
}

TEST(ControlConfig, ALeaderThatCouldBeTwoIsRefused) {
  const auto refusal = [](const std::string& leader) {
    return refusal_of_config("[leader]\n" + leader + std::string(kMinimal));
  };
  EXPECT_EQ(refusal("kind = \"kubernetes-lease\"\n"), "");
  EXPECT_NE(refusal("kind = \"zookeeper\"\n").find("expected kubernetes-lease, postgresql-lock"),
            std::string::npos);
  EXPECT_NE(refusal("kind = \"kubernetes-lease\"\nlease = \"10s\"\n").find("two copies would act"),
            std::string::npos);
  EXPECT_NE(refusal("kind = \"kubernetes-lease\"\nlease = \"15500ms\"\n").find("whole seconds"),
            std::string::npos);
  EXPECT_NE(refusal("kind = \"kubernetes-lease\"\nretry = \"9s\"\n").find("a second try"), std::string::npos);
  EXPECT_EQ(refusal("kind = \"postgresql-lock\"\nurl = \"postgresql://forewarm@127.0.0.1/postgres\"\n"), "");
  EXPECT_NE(
      refusal("kind = \"postgresql-lock\"\nurl = \"postgresql://[\"\n").find("expected \"postgresql://"),
      std::string::npos);
  EXPECT_NE(refusal("kind = \"kubernetes-lease\"\nurl = \"kubernetes\"\n").find("begins with http"),
            std::string::npos);
}

TEST(ControlConfig, WhereKedaAsksByGrpcIsNotOpenByMistake) {
  const auto refusal = [](const std::string& keda, const std::string& target = "") {
    return refusal_of_config("[keda]\n" + keda + std::string(kMinimal) + "\n" + target);
  };
  const std::string files = "tls_certificate = \"a\"\ntls_key = \"b\"\n", grpc = "target.via = \"grpc\"\n";
  EXPECT_EQ(refusal("listen = \"127.0.0.1:9328\"\n", grpc), "");
  EXPECT_NE(refusal("listen = \"0.0.0.0:9328\"\n" + files).find("nothing says who may ask"),
            std::string::npos);
  EXPECT_EQ(refusal("listen = \"0.0.0.0:9328\"\nclient_ca_file = \"c\"\n" + files), "");
  EXPECT_EQ(refusal("listen = \"0.0.0.0:9328\"\nanyone = true\n"), "");
  EXPECT_NE(refusal("listen = \"127.0.0.1:9328\"\ntls_key = \"b\"\n").find("or neither"), std::string::npos);
  EXPECT_NE(refusal("listen = \"127.0.0.1:9328\"\nclient_ca_file = \"c\"\n").find("needs tls_certificate"),
            std::string::npos);
  EXPECT_NE(refusal("", grpc).find("needs a table [keda]"), std::string::npos);
  EXPECT_NE(refusal("", "target.via = \"amqp\"\n").find("target.via: expected one of http grpc"),
            std::string::npos);
  const std::string listen = "listen = \"127.0.0.1:9328\"\n";
  EXPECT_EQ(refusal(listen, grpc + "target.url = \"control.ops:9328\"\n"), "");
  EXPECT_NE(refusal(listen, grpc + "target.url = \"https://control.ops\"\n").find("expected HOST:PORT"),
            std::string::npos);
  const std::string lock = "[leader]\nkind = \"postgresql-lock\"\nurl = \"postgresql://a@127.0.0.1/b\"\n";
  EXPECT_NE(
      refusal_of_config(lock + "pod_label = \"x\"\n" + std::string(kMinimal)).find("only a pod has one"),
      std::string::npos);
}

TEST(ControlConfig, AScaledObjectNamesTheQueuesAddress) {
  const Result<ControlFile> read = read_control_config(kMinimal, "control.toml");
  ASSERT_TRUE(read);
  const Result<std::string> yaml = scaled_object_of(*read, read->controls[0]);
  ASSERT_TRUE(yaml);
  EXPECT_NE(yaml->find("url: \"http://127.0.0.1:9326/v1/keda/orders\""), std::string::npos);
  EXPECT_NE(yaml->find("maxReplicaCount: 40"), std::string::npos);
}

ImportedSeries readings(std::initializer_list<std::pair<int, double>> values) {
  ImportedSeries series{.kind = SeriesKind::Signal, .name = "orders", .step = 10s};
  for (const auto& [at, v] : values)
    series.signal.push_back({TimePoint(std::chrono::seconds(at)), 10s, {1, v, v, v, v}});
  series.settle();
  return series;
}

TEST(ControlBackfill, ArrivalsAreTheGrowthFromStepToStep) {
  const ImportedSeries arrivals =
      arrivals_of_counter(readings({{100, 5}, {110, 8}, {120, 8}, {150, 90}, {160, 100}, {170, 4}}));
  ASSERT_EQ(arrivals.queue.size(), 4U);
  EXPECT_EQ(arrivals.queue[0].start, TimePoint(100s));
  EXPECT_EQ(arrivals.queue[0].measures.arrivals, 3);
  EXPECT_EQ(arrivals.queue[1].measures.arrivals, 0);
  EXPECT_EQ(arrivals.queue[2].start, TimePoint(150s));
  EXPECT_EQ(arrivals.queue[2].measures.arrivals, 10);
  EXPECT_EQ(arrivals.queue[3].measures.arrivals, 4);  // it began anew
  EXPECT_EQ(arrivals.covered.size(), 2U);
}

/// An engine that says what it holds, at once or never.
class CountedSource : public MessageSource {
 public:
  explicit CountedSource(std::optional<Result<QueueDepth>> depth) : depth_(std::move(depth)) {}
  void start(Listener) override {}
  void set_window(std::uint32_t unsettled_max) override { EXPECT_EQ(unsettled_max, 0U); }
  void settle(std::vector<Settlement>) override { ADD_FAILURE() << "nothing was borrowed"; }
  void extend(std::vector<std::string>) override {}
  void observe(std::function<void(Result<QueueDepth>)> done) override {
    if (depth_) done(*depth_);
  }
  void publish(LentMessage, std::function<void(Result<void>)>) override {}
  EngineTraits traits() const override { return {}; }

 private:
  std::optional<Result<QueueDepth>> depth_;
};

Result<QueueReading> reading_of(std::optional<Result<QueueDepth>> depth) {
  const auto reader = make_source_reader(std::make_unique<CountedSource>(std::move(depth)), 50ms);
  const Result<QueueReadings> readings = reader->read({});
  if (!readings) return std::unexpected(readings.error());
  return readings->at(0);
}

TEST(SourceReader, ReadsWhatTheEngineHoldsAndBorrowsNothing) {
  const auto reading =
      reading_of(QueueDepth{.waiting = 12, .in_flight = 3, .oldest_wait = 4s, .arrived_total = std::nullopt});
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->waiting, 12U);
  EXPECT_EQ(reading->in_flight, 3U);
  EXPECT_EQ(reading->oldest_wait, 4s);
  EXPECT_EQ(reading->arrived_total, std::nullopt);
}

TEST(SourceReader, SilenceAndEmptyAnswersAreNoReadings) {
  EXPECT_FALSE(reading_of(std::nullopt));
  EXPECT_FALSE(reading_of(error(ErrorCode::Io, "closed")));
  EXPECT_FALSE(reading_of(QueueDepth{}));
}

TEST(ControlMetrics, EverySeriesOfAQueueIsThereAndWhatIsNotKnownIsNot) {
  ControlSample sample{.queue = "orders", .target = "keda"};
  sample.waiting = 3;
  sample.directives[2] = 4;
  const std::string text = control_metrics_text(std::span(&sample, 1), "1.2.3");
  for (const char* line : {"forewarm_control_info{version=\"1.2.3\"} 1",
                           "forewarm_control_messages{queue=\"orders\",state=\"waiting\"} 3",
                           "forewarm_control_directives_total{queue=\"orders\",target=\"keda\",outcome="
                           "\"refused\"} 4",
                           "forewarm_control_silent{queue=\"orders\"} 1"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  EXPECT_EQ(text.find("state=\"in_flight\""), std::string::npos);
  EXPECT_EQ(text.find("forewarm_control_leading 0"), std::string::npos) << "there is no [leader]";
  const std::string follows =
      control_metrics_text(std::span(&sample, 1), "1.2.3",
                           ElectionSample{.identity = "b", .leader = "a", .leads = false, .changes = 2});
  for (const char* line : {"forewarm_control_leading 0", "forewarm_control_leader_known 1",
                           "forewarm_control_leader_info{identity=\"b\",leader=\"a\"} 1",
                           "forewarm_control_leader_changes_total 2"})
    EXPECT_NE(follows.find(line), std::string::npos) << line << "\n" << follows;
  for (const ControlMetric& metric : control_metrics())
    EXPECT_NE(text.find("# TYPE " + std::string(metric.name) + " "), std::string::npos) << metric.name;
}

}  // namespace
}  // namespace forewarm
