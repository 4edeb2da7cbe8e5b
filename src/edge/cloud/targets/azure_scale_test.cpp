#include "edge/cloud/targets/azure_scale.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace forewarm {
namespace {

const std::string kAzureApp = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/a";

HttpResponse azure_said(std::string body, unsigned status = 200) {
  return {.status = status, .headers = {}, .body = std::move(body)};
}

std::string flex_site(const std::string& always_ready) {
  return R"({"id":"/a","location":"East US","tags":{"team":"shop"},"properties":{"httpsOnly":true,)"
         R"("functionAppConfig":{"runtime":{"name":"python","version":"3.12"},"scaleAndConcurrency":{)" +
         always_ready +
         R"("maximumInstanceCount":100,"instanceMemoryMB":2048,"triggers":{"http":{"perInstanceConcurrency":16}}}}}})";
}

std::unique_ptr<TargetTranslator> flex(const std::string& group) {
  return make_azure_flex({.name = kAzureApp, .group = group});
}

TEST(AzureElastic, PatchesTheMinimumAlone) {
  ASSERT_TRUE(is_azure_app(kAzureApp));
  EXPECT_FALSE(is_azure_app(kAzureApp.substr(1)));
  EXPECT_FALSE(is_azure_app(kAzureApp + "/functions/f"));
  const auto app = make_azure_elastic({.name = kAzureApp});
  const FetchRequest patch = *app->write(4);
  EXPECT_EQ(patch.method, "PATCH");
  EXPECT_EQ(patch.url, "https://management.azure.com" + kAzureApp + "/config/web?api-version=2025-05-01");
  EXPECT_EQ(patch.url, app->read()->url);
  EXPECT_EQ(patch.body, R"({"properties":{"minimumElasticInstanceCount":4}})");
  EXPECT_FALSE(app->write(std::nullopt));
  const auto read = R"({"properties":{"minimumElasticInstanceCount":1,"preWarmedInstanceCount":5}})";
  EXPECT_EQ(*app->state(azure_said(read)), (TargetState{.set = 1, .ready = {}}));
}

TEST(AzureElastic, BeyondTheLimitOfAlwaysReadyInstancesArePreWarmed) {
  const auto app = make_azure_elastic({.name = kAzureApp, .always_ready_max = 20});
  const auto body = [&](std::uint32_t instances) { return app->write(instances)->body; };
  EXPECT_EQ(body(4), R"({"properties":{"minimumElasticInstanceCount":4,"preWarmedInstanceCount":1}})");
  EXPECT_EQ(body(20), R"({"properties":{"minimumElasticInstanceCount":20,"preWarmedInstanceCount":1}})");
  EXPECT_EQ(body(27), R"({"properties":{"minimumElasticInstanceCount":20,"preWarmedInstanceCount":8}})");
  for (const std::uint32_t instances : {0U, 4U, 20U, 21U, 27U})
    EXPECT_EQ(app->state(azure_said(body(instances)))->set, instances) << "what was told is read";
}

TEST(AzureElastic, BothNumbersArePutBackAsTheyWereFound) {
  const auto app = make_azure_elastic({.name = kAzureApp, .always_ready_max = 20});
  for (const char* both : {R"({"properties":{"minimumElasticInstanceCount":2,"preWarmedInstanceCount":3}})",
                           R"({"properties":{"minimumElasticInstanceCount":2,"preWarmedInstanceCount":1}})",
                           R"({"properties":{"minimumElasticInstanceCount":2,"preWarmedInstanceCount":0}})"})
    EXPECT_EQ(app->put_back(*app->state(azure_said(both)))->body, both);
  EXPECT_EQ(app->put_back({.set = 2, .ready = {}})->body,
            R"({"properties":{"minimumElasticInstanceCount":2}})");
  const auto nothing_said = app->state(azure_said(R"({"properties":{"minimumElasticInstanceCount":2}})"));
  EXPECT_EQ(*nothing_said, (TargetState{.set = 2, .ready = {}, .beside = 1})) << "the plan's default";
}

TEST(AzureFlex, TheWholeAppIsWrittenAsItWasReadButForTheGroup) {
  const auto group = flex("function:Resize");
  EXPECT_EQ(group->read()->url, "https://management.azure.com" + kAzureApp + "?api-version=2023-12-01");
  ASSERT_TRUE(group->rewrites());
  const auto written = [&](const std::string& before, std::optional<std::uint32_t> instances) {
    const FetchRequest put = *group->rewrite(azure_said(flex_site(before)), instances);
    EXPECT_EQ(put.method, "PUT");
    EXPECT_EQ(put.url, group->read()->url);
    return boost::json::parse(put.body);
  };
  const auto site = [](const std::string& groups) {
    return boost::json::parse(flex_site("\"alwaysReady\":[" + groups + "],"));
  };
  const std::string http = R"({"name":"http","instanceCount":2})";
  EXPECT_EQ(written("\"alwaysReady\":[" + http + "],", 5),
            site(http + R"(,{"name":"function:Resize","instanceCount":5})"));
  // Azure may have written the name in small letters.
  EXPECT_EQ(written(R"("alwaysReady":[{"name":"function:resize","instanceCount":1},)" + http + "],", 7),
            site(R"({"name":"function:resize","instanceCount":7},)" + http));
  EXPECT_EQ(written(R"("alwaysReady":[{"name":"function:resize","instanceCount":1}],)", 0), site(""));
  EXPECT_EQ(written("\"alwaysReady\":null,", 3), site(R"({"name":"function:Resize","instanceCount":3})"));
  EXPECT_EQ(written("", std::nullopt), site("")) << "an empty list says what a missing one does";
}

TEST(AzureFlex, WhatOthersHaveIsNotThereForTheGroup) {
  const auto state = [](const std::string& group, const std::string& ready) {
    return *flex(group)->state(azure_said(flex_site(ready)));
  };
  EXPECT_EQ(state("http", ""), (TargetState{.set = 0, .ready = {}, .most = 100}));
  const std::string both =
      R"("alwaysReady":[{"name":"http","instanceCount":2},{"name":"function:f","instanceCount":30}],)";
  EXPECT_EQ(state("http", both), (TargetState{.set = 2, .ready = {}, .most = 70}));
  EXPECT_EQ(state("function:f", both), (TargetState{.set = 30, .ready = {}, .most = 98}));
}

TEST(AzureFlex, AnAppOfAnotherPlanOrHalfAnAnswerIsNotWritten) {
  const auto group = flex("http");
  const auto refusal = [&](const HttpResponse& answer) {
    const auto written = group->rewrite(answer, 3);
    EXPECT_FALSE(group->state(answer));
    return written ? "" : written.error().message;
  };
  EXPECT_NE(refusal(azure_said(R"({"properties":{"functionAppConfig":null}})")).find("azure-premium"),
            std::string::npos);
  EXPECT_NE(refusal(azure_said(R"({"properties":{"functionApp)")).find("expected a JSON object"),
            std::string::npos);
  EXPECT_NE(refusal(azure_said("<html>")).find("expected a JSON object"), std::string::npos);
  EXPECT_NE(refusal(azure_said(flex_site(R"("alwaysReady":{},)"))).find("a list"), std::string::npos);
  for (const char* wrong : {R"("alwaysReady":[{"instanceCount":2}],)", R"("alwaysReady":["http"],)",
                            R"("alwaysReady":[{"name":"http","instanceCount":"2"}],)",
                            R"("alwaysReady":[{"name":"http","instanceCount":-1}],)"})
    EXPECT_NE(refusal(azure_said(flex_site(wrong))).find("instanceCounts from 0 on"), std::string::npos)
        << wrong;
  EXPECT_NE(
      refusal(azure_said(R"({"error":{"message":"Too many requests"}})", 429)).find("Too many requests"),
      std::string::npos);
}

TEST(AzureFlex, PeopleAreShownTheChangeAlone) {
  const auto target = make_http_target(flex("http"), {});
  EXPECT_EQ(target->request_text(4),
            "PUT https://management.azure.com" + kAzureApp +
                R"(?api-version=2023-12-01 {"properties":{"functionAppConfig":{"scaleAndConcurrency":)"
                R"({"alwaysReady":[{"name":"http","instanceCount":4}]}}}})");
}

TEST(AzureFlex, GroupsAreThoseOfThePlan) {
  for (const char* good : {"http", "blob", "durable", "function:resize"}) EXPECT_TRUE(is_flex_group(good));
  for (const char* wrong : {"", "resize", "function:", "timer"}) EXPECT_FALSE(is_flex_group(wrong)) << wrong;
}

}  // namespace
}  // namespace forewarm
