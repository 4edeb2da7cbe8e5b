#include "app/otlp_config.h"

#include <gtest/gtest.h>

#include "app/config.h"

namespace forewarm {
namespace {

TEST(OtlpConfig, TheVariablesHeadersAreReadAsBaggageHasThem) {
  const auto read = parse_otel_headers(" api-key = a%20b%3D , x-other=1,,");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0], (std::pair<std::string, std::string>("api-key", "a b=")));
  EXPECT_EQ((*read)[1], (std::pair<std::string, std::string>("x-other", "1")));
  for (const char* text : {"api-key", "=x", "a b=c", "a\r\nb=c"})
    EXPECT_FALSE(parse_otel_headers(text)) << text;
  EXPECT_TRUE(parse_otel_headers("")->empty());
}

TEST(OtlpConfig, AnEndpointIsABaseUrl) {
  OtlpConfig config;
  for (const char* good : {"", "http://127.0.0.1:4318", "https://otlp.example.org/tenant"}) {
    config.endpoint = good;
    EXPECT_TRUE(check_otlp(config)) << good;
  }
  for (const char* bad : {"127.0.0.1:4318", "grpc://h:4317", "http://h:4318/", "http://h/?a=b"}) {
    config.endpoint = bad;
    EXPECT_FALSE(check_otlp(config)) << bad;
  }
}

TEST(OtlpConfig, TheTablesOfTelemetryAndAlertsAreRead) {
  const auto config = read_config(R"(
[otlp]
endpoint = "http://h:4318"
headers = { a = "b" }
sample_ratio = 0.5
[emf]
path = "-"
namespace = "shop"
metrics = ["forewarm_runs_total"]
[alerts]
every = "5s"
for = { ForewarmDeadLetters = "1m" }
[[notify]]
name = "ops"
url = "http://h/x"
severities = ["page"]
)",
                                  "test.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->otlp.sample_ratio, 0.5);
  EXPECT_EQ(config->otlp.headers.at("a"), "b");
  EXPECT_EQ(config->emf.space, "shop");
  EXPECT_EQ(config->emf.metrics.size(), 1U);
  EXPECT_EQ(config->alerts.every, Duration(5s));
  EXPECT_EQ(config->alerts.lasting.at("ForewarmDeadLetters"), "1m");
  EXPECT_EQ(config->notify.at(0).name, "ops");
}

}  // namespace
}  // namespace forewarm
