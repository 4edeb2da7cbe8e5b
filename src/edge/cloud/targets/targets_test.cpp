#include <gtest/gtest.h>

#include <chrono>

#include "edge/cloud/targets/command_target.h"
#include "edge/cloud/targets/keda.h"
#include "edge/cloud/targets/kubernetes_scale.h"
#include "edge/cloud/targets/lambda_concurrency.h"
#include "edge/cloud/targets/service_scale.h"
#include "edge/cloud/targets/webhook.h"

namespace forewarm {
namespace {

HttpResponse answer(unsigned status, std::string body, HttpHeaders headers = {}) {
  return {.status = status, .headers = std::move(headers), .body = std::move(body)};
}

std::string_view content_type(const FetchRequest& request) {
  return find_header(request.headers, "Content-Type");
}

TEST(KubernetesScale, IsReadAndPatchedAtTheScaleSubresource) {
  const auto scale = make_kubernetes_scale(
      {.url = "https://10.0.0.1:443/", .space = "shop", .resource = "deployments", .name = "worker"});
  const std::string url = "https://10.0.0.1:443/apis/apps/v1/namespaces/shop/deployments/worker/scale";
  EXPECT_EQ(scale->read()->method, "GET");
  EXPECT_EQ(scale->read()->url, url);
  const FetchRequest patch = *scale->write(5);
  EXPECT_EQ(patch.method, "PATCH");
  EXPECT_EQ(patch.url, url + "?fieldManager=forewarm");
  EXPECT_EQ(content_type(patch), "application/merge-patch+json");
  EXPECT_EQ(patch.body, R"({"spec":{"replicas":5}})");
  EXPECT_FALSE(scale->write(std::nullopt));
}

TEST(KubernetesScale, ReadsReplicasAndTakesAnEmptySpecForNone) {
  const auto scale = make_kubernetes_scale({.url = "https://a", .name = "worker"});
  const auto state = [&](std::string body) { return scale->state(answer(200, std::move(body))); };
  EXPECT_EQ(state(R"({"kind":"Scale","spec":{"replicas":3},"status":{"replicas":2}})")->set, 3U);
  EXPECT_EQ(state(R"({"kind":"Scale","spec":{},"status":{"replicas":0}})")->set, 0U);
  EXPECT_FALSE(state("<html>"));
}

TEST(KubernetesScale, ARefusalHasTheServersWordsAndWhatCanBeDone) {
  const auto scale = make_kubernetes_scale({.url = "https://a", .space = "shop", .name = "worker"});
  const auto refused = scale->state(
      answer(404, R"({"kind":"Status","message":"deployments.apps \"worker\" not found","code":404})"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::NotFound);
  EXPECT_EQ(
      refused.error().message,
      "status 404: deployments.apps \"worker\" not found (is there one of deployments called worker in the "
      "namespace shop? See target.workload, target.name and target.namespace)");
  const Error forbidden = scale->refusal(answer(403, R"({"message":"deployments.apps is forbidden"})"));
  EXPECT_NE(forbidden.message.find("its Role needs get and patch on deployments/scale in the namespace shop"),
            std::string::npos);
  const auto expired = scale->state(answer(401, R"({"message":"Unauthorized"})"));
  EXPECT_NE(expired.error().message.find("expired"), std::string::npos);
  EXPECT_EQ(scale->state(answer(503, "busy\n")).error(), (Error{ErrorCode::Exhausted, "status 503: busy"}));
}

TEST(ProvisionedConcurrency, IsPutReadAndDeletedAsTheOfficialClientsDo) {
  const auto alias = make_provisioned_concurrency(
      {.url = "https://lambda.eu-west-1.amazonaws.com", .function = "resize", .qualifier = "live"});
  const std::string url =
      "https://lambda.eu-west-1.amazonaws.com/2019-09-30/functions/resize/"
      "provisioned-concurrency?Qualifier=live";
  EXPECT_EQ(alias->read()->url, url);
  const FetchRequest put = *alias->write(7);
  EXPECT_EQ(put.method, "PUT");
  EXPECT_EQ(put.url, url);
  EXPECT_EQ(put.body, R"({"ProvisionedConcurrentExecutions":7})");
  EXPECT_EQ(content_type(put), "application/json");
  EXPECT_EQ(alias->write(0)->method, "DELETE");
  EXPECT_EQ(alias->write(std::nullopt)->method, "DELETE");
  EXPECT_EQ(alias->write(0)->url, url);
  EXPECT_TRUE(alias->write(0)->body.empty());
}

TEST(ProvisionedConcurrency, TellsNothingSetFromNoSuchFunction) {
  const auto alias = make_provisioned_concurrency({.url = "https://a", .function = "f", .qualifier = "live"});
  const auto nothing =
      alias->state(answer(404, R"({"Message":"No Provisioned Concurrency Config found for this function"})",
                          {{"x-amzn-ErrorType", "ProvisionedConcurrencyConfigNotFoundException"}}));
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->set, 0U);
  const auto missing = alias->state(answer(404, R"({"Message":"Function not found"})",
                                           {{"x-amzn-ErrorType", "ResourceNotFoundException"}}));
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("Function not found"), std::string::npos);
}

TEST(ProvisionedConcurrency, WhatCouldNotBeAllocatedIsNotThere) {
  const auto alias = make_provisioned_concurrency({.url = "https://a", .function = "f", .qualifier = "live"});
  const auto state = [&](const std::string& status) {
    return *alias->state(answer(200, R"({"RequestedProvisionedConcurrentExecutions":9,)"
                                     R"("AvailableProvisionedConcurrentExecutions":4,)"
                                     R"("AllocatedProvisionedConcurrentExecutions":4,"Status":")" +
                                         status + "\"}"));
  };
  EXPECT_EQ(state("IN_PROGRESS"), (TargetState{.set = 9, .ready = 4}));
  EXPECT_EQ(state("FAILED"), (TargetState{.set = 4, .ready = 4}));
  EXPECT_FALSE(alias->state(answer(200, "{}")));
}

TEST(ReservedConcurrency, IsPutReadAndDeletedAndNeverSwitchesAFunctionOff) {
  const auto reserved = make_reserved_concurrency({.url = "https://a/", .function = "resize"});
  EXPECT_EQ(reserved->read()->url, "https://a/2019-09-30/functions/resize/concurrency");
  const FetchRequest put = *reserved->write(20);
  EXPECT_EQ(put.method, "PUT");
  EXPECT_EQ(put.url, "https://a/2017-10-31/functions/resize/concurrency");
  EXPECT_EQ(put.body, R"({"ReservedConcurrentExecutions":20})");
  EXPECT_EQ(reserved->write(0)->body, R"({"ReservedConcurrentExecutions":1})");
  EXPECT_EQ(reserved->write(std::nullopt)->method, "DELETE");
  EXPECT_EQ(reserved->write(std::nullopt)->url, put.url);
  EXPECT_EQ(reserved->state(answer(200, R"({"ReservedConcurrentExecutions":20})"))->set, 20U);
  EXPECT_EQ(reserved->state(answer(200, "{}"))->set, std::nullopt);
}

TEST(CloudRun, PatchesTheServicesMinimumAndMakesNoRevision) {
  const auto service = make_cloud_run({.name = "projects/p/locations/europe-west1/services/resize"});
  const std::string url = "https://run.googleapis.com/v2/projects/p/locations/europe-west1/services/resize";
  EXPECT_EQ(service->read()->url, url);
  const FetchRequest patch = *service->write(5);
  EXPECT_EQ(patch.method, "PATCH");
  EXPECT_EQ(patch.url, url + "?updateMask=scaling.min_instance_count");
  EXPECT_EQ(patch.body, R"({"scaling":{"minInstanceCount":5}})");
  EXPECT_EQ(service->write(std::nullopt)->body, R"({"scaling":{"minInstanceCount":0}})");
  EXPECT_EQ(service->state(answer(200, R"({"name":"a","scaling":{"minInstanceCount":3}})"))->set, 3U);
  EXPECT_EQ(service->state(answer(200, R"({"name":"a","scaling":{}})"))->set, 0U);
  const auto refused = service->state(
      answer(403, R"({"error":{"code":403,"message":"Permission denied","status":"PERMISSION_DENIED"}})"));
  EXPECT_EQ(refused.error().message.find("status 403: Permission denied"), 0U) << refused.error().message;
}

TEST(CloudRun, AnOperationThatFailedAtOnceIsNoChange) {
  const auto service = make_cloud_run({.name = "projects/p/locations/l/services/s"});
  EXPECT_TRUE(service->taken(answer(200, R"({"name":"o","done":true,"response":{"name":"a"}})")));
  EXPECT_TRUE(service->taken(answer(200, R"({"name":"o"})"))) << "what becomes of it is seen later";
  EXPECT_TRUE(service->taken(answer(200, "")));
  const auto full = service->taken(
      answer(200, R"({"name":"o","done":true,"error":{"code":8,"message":"Quota exceeded."}})"));
  EXPECT_EQ(full.error().code, ErrorCode::Exhausted);
  EXPECT_EQ(full.error().message, "the operation failed: Quota exceeded.");
  EXPECT_EQ(service->taken(answer(200, R"({"error":{"code":7}})")).error().code, ErrorCode::Invalid);
}

TEST(CloudRun, NamesOfServicesAreWhole) {
  EXPECT_TRUE(is_cloud_run_service("projects/p/locations/l/services/s"));
  for (const char* wrong : {"s", "projects/p/locations/l/services/", "/projects/p/locations/l/services/s",
                            "projects/p/locations/l/services/s/x", "projects/p/locations/l/services/s?a=b"})
    EXPECT_FALSE(is_cloud_run_service(wrong)) << wrong;
}

TEST(Authorisation, ATokenThatCannotBeHadIsSaid) {
  FetchRequest request;
  ASSERT_TRUE(bearer_token_of([] { return Result<std::string>("abc"); })(request));
  EXPECT_EQ(find_header(request.headers, "Authorization"), "Bearer abc");
  const Authorisation none =
      bearer_token_of([]() -> Result<std::string> { return error(ErrorCode::NotFound, "no credentials"); });
  EXPECT_EQ(none(request).error().message, "no credentials");
}

TEST(MappingConcurrency, IsUpdatedAloneAndMayBeUnset) {
  const auto mapping = make_mapping_concurrency({.url = "https://a/", .uuid = "14e0db71"});
  const FetchRequest put = *mapping->write(20);
  EXPECT_EQ(put.method, "PUT");
  EXPECT_EQ(put.url, "https://a/2015-03-31/event-source-mappings/14e0db71");
  EXPECT_EQ(put.body, R"({"ScalingConfig":{"MaximumConcurrency":20}})");
  EXPECT_EQ(mapping->write(std::nullopt)->body, R"({"ScalingConfig":{}})");
  EXPECT_EQ(mapping->state(answer(200, R"({"ScalingConfig":{"MaximumConcurrency":20}})"))->set, 20U);
  EXPECT_EQ(mapping->state(answer(200, R"({"UUID":"14e0db71"})"))->set, std::nullopt);
}

TEST(MappingPollers, AreTenInvocationsEachAndKeepTheirMaximum) {
  const auto mapping = make_mapping_pollers({.url = "https://a/", .uuid = "14e0db71"});
  const FetchRequest put = *mapping->write(31);
  EXPECT_EQ(put.method, "PUT");
  EXPECT_EQ(put.url, "https://a/2015-03-31/event-source-mappings/14e0db71");
  EXPECT_EQ(put.body, R"({"ProvisionedPollerConfig":{"MinimumPollers":4}})");
  EXPECT_EQ(mapping->write(0)->body, R"({"ProvisionedPollerConfig":{"MinimumPollers":2}})");
  EXPECT_EQ(mapping->write(std::nullopt)->body, R"({"ProvisionedPollerConfig":{}})");
  const auto read = R"({"ProvisionedPollerConfig":{"MinimumPollers":3,"MaximumPollers":5}})";
  EXPECT_EQ(mapping->state(answer(200, read))->set, 30U);
  EXPECT_EQ(mapping->write(40)->body,
            R"({"ProvisionedPollerConfig":{"MinimumPollers":4,"MaximumPollers":5}})");
  EXPECT_EQ(mapping->write(60)->body,
            R"({"ProvisionedPollerConfig":{"MinimumPollers":6,"MaximumPollers":6}})");
  EXPECT_EQ(mapping->state(answer(200, R"({"UUID":"14e0db71"})"))->set, std::nullopt);
}

TEST(Webhook, PostsTheNumberAndReadsOne) {
  const auto hook = make_webhook({.queue = "a\"b", .url = "https://h/set", .read_url = "https://h/get"});
  const FetchRequest post = *hook->write(4);
  EXPECT_EQ(post.method, "POST");
  EXPECT_EQ(post.body, R"({"schema":1,"queue":"a\"b","instances":4})");
  EXPECT_EQ(hook->state(answer(200, R"({"instances":6,"ready":2})")), (TargetState{.set = 6, .ready = 2}));
  EXPECT_FALSE(hook->state(answer(200, R"({"count":6})")));
  EXPECT_FALSE(make_webhook({.queue = "q", .url = "https://h/set"})->read());
}

TEST(HttpTarget, SaysWhatItSendsWithoutThePasswordInTheAddress) {
  const auto target =
      make_http_target(make_webhook({.queue = "q", .url = "https://me:secret@h:8443/set?a=b@c"}), {});
  EXPECT_EQ(target->request_text(4),
            R"(POST https://h:8443/set?a=b@c {"schema":1,"queue":"q","instances":4})");
}

TEST(Authorisation, ReadsTheTokenAnewForEachRequest) {
  const std::string path = testing::TempDir() + "forewarm_token";
  const Authorisation allow = bearer_token_in(path);
  FetchRequest request;
  EXPECT_FALSE(allow(request));
  for (const char* token : {"one", "two"}) {
    FILE* file = std::fopen(path.c_str(), "w");
    ASSERT_NE(file, nullptr);
    std::fprintf(file, "%s\n", token);
    std::fclose(file);
    FetchRequest next;
    ASSERT_TRUE(allow(next));
    EXPECT_EQ(find_header(next.headers, "Authorization"), std::string("Bearer ") + token);
  }
  std::remove(path.c_str());
}

TEST(Authorisation, SignsForAwsWithTheCredentialsOfTheMoment) {
  const Authorisation allow = aws_signed(
      [] {
        return Result<AwsCredentials>(
            {.access_key_id = "AKID", .secret_access_key = "secret", .session_token = "session"});
      },
      "eu-west-1", "lambda");
  FetchRequest request{.method = "PUT", .url = "https://lambda.eu-west-1.amazonaws.com/x", .body = "{}"};
  ASSERT_TRUE(allow(request));
  const std::string signature(find_header(request.headers, "Authorization"));
  EXPECT_TRUE(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"));
  EXPECT_NE(signature.find("/eu-west-1/lambda/aws4_request"), std::string::npos);
  EXPECT_EQ(find_header(request.headers, "X-Amz-Security-Token"), "session");
}

TEST(Keda, AnswersNothingBeforeTheFirstNumber) {
  KedaTarget keda;
  EXPECT_FALSE(keda.readable());
  EXPECT_EQ(keda.number(), std::nullopt);
  ASSERT_TRUE(keda.set(12, {}));
  EXPECT_EQ(keda.number(), 12);
  EXPECT_TRUE(keda.request_text(12).find("12") != std::string::npos);
}

TEST(Keda, TheScaledObjectTellsTheAutoscalerToObey) {
  const std::string yaml = scaled_object({.name = "worker",
                                          .workload = "worker",
                                          .url = "http://forewarm:9326/v1/keda/orders",
                                          .least = 1,
                                          .most = 40,
                                          .token = true});
  for (const char* line :
       {"kind: ScaledObject", "kind: TriggerAuthentication", "type: metrics-api", "metricType: AverageValue",
        "targetValue: \"1\"", "valueLocation: \"value\"", "minReplicaCount: 1", "maxReplicaCount: 40",
        "url: \"http://forewarm:9326/v1/keda/orders\"", "authMode: \"bearer\"",
        "stabilizationWindowSeconds: 0"})
    EXPECT_NE(yaml.find(line), std::string::npos) << line << "\n" << yaml;
}

class CommandTargetTest : public testing::Test {
 protected:
  static std::vector<std::string> shell(const std::string& script) { return {"/bin/sh", "-c", script}; }
};

TEST_F(CommandTargetTest, TellsByTheEnvironmentAndReadsTheLastLine) {
  const std::string path = testing::TempDir() + "forewarm_instances";
  const auto target =
      make_command_target({.queue = "orders",
                           .command = shell("echo $FOREWARM_QUEUE; echo $FOREWARM_INSTANCES > " + path),
                           .read_command = shell("echo looking; cat " + path)});
  ASSERT_TRUE(target->readable());
  ASSERT_TRUE(target->set(9, {}));
  EXPECT_EQ(target->current({})->set, 9U);
  std::remove(path.c_str());
  EXPECT_FALSE(target->current({}));
}

TEST_F(CommandTargetTest, AFailureHasTheProgramsLastWords) {
  const auto target =
      make_command_target({.queue = "q", .command = shell("echo one; echo no quota left >&2; exit 3")});
  const auto refused = target->set(1, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "/bin/sh ended with 3: no quota left");
  EXPECT_FALSE(make_command_target({.queue = "q", .command = {"/no/such/program"}})->set(1, {}));
}

TEST_F(CommandTargetTest, OneThatHangsIsKilledWithWhatItStarted) {
  const auto target = make_command_target(
      {.queue = "q", .command = shell("sleep 100 & sleep 100"), .timeout = std::chrono::milliseconds(100)});
  const auto refused = target->set(1, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("was not done after 100 ms"), std::string::npos);
}

TEST_F(CommandTargetTest, StandardInputIsEmpty) {
  const auto said = run_to_end(shell("cat; echo done"), {}, std::chrono::seconds(10), {});
  ASSERT_TRUE(said);
  EXPECT_EQ(*said, "done\n");
}

}  // namespace
}  // namespace forewarm
