#include "edge/history/remote_series.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

std::string range_refusal(std::string_view body) {
  const auto parsed = parse_prometheus_range(body);
  return parsed ? "" : parsed.error().message;
}

std::string metric_refusal(std::string_view body) {
  const auto parsed = parse_metric_data(body);
  return parsed ? "" : parsed.error().message;
}

TEST(PrometheusRange, GivesSeriesWithLabelsAndFinitePoints) {
  const auto all = parse_prometheus_range(R"({"status":"success","data":{"resultType":"matrix","result":[
    {"metric":{"__name__":"sent","queue":"orders"},"values":[[1767571200,"3"],[1767571260.5,"NaN"],[1767571320,"+Inf"],[1767571380,"1e3"]]},
    {"metric":{},"values":[]}]},"warnings":["w"]})");
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ((*all)[0].labels.at("queue"), "orders");
  ASSERT_EQ((*all)[0].points.size(), 2U);
  EXPECT_EQ((*all)[0].points[0].at, time_point_us(1'767'571'200'000'000));
  EXPECT_EQ((*all)[0].points[1].value, 1000);
}

TEST(PrometheusRange, SaysWhatIsWrong) {
  EXPECT_NE(range_refusal("<html>").find("not JSON"), std::string::npos);
  EXPECT_NE(
      range_refusal(R"({"status":"error","errorType":"bad_data","error":"parse error: unexpected end"})")
          .find("parse error: unexpected end (bad_data)"),
      std::string::npos);
  EXPECT_NE(
      range_refusal(R"({"status":"success","data":{"resultType":"vector","result":[]}})").find("'vector'"),
      std::string::npos);
  EXPECT_NE(range_refusal(R"([])").find("no data"), std::string::npos);
  for (const char* sample :
       {"[1]", "[1,2]", "[\"1\",\"2\"]", "[1,\"x\"]", "[-1,\"2\"]", "[1e300,\"2\"]", "7"}) {
    EXPECT_NE(range_refusal(
                  R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[)" +
                  std::string(sample) + "]}]}}")
                  .find("a value is not"),
              std::string::npos)
        << sample;
  }
}

constexpr std::string_view kAnswer =
    R"(<GetMetricDataResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/">
  <GetMetricDataResult>
    <MetricDataResults>
      <member><Id>sent0</Id><Label>NumberOfMessagesSent</Label><StatusCode>PartialData</StatusCode>
        <Timestamps><member>2026-01-05T00:00:00Z</member><member>2026-01-05T00:01:00.000Z</member></Timestamps>
        <Values><member>3.0</member><member>0.5</member></Values></member>
      <member><Id>size0</Id><StatusCode>Complete</StatusCode><Timestamps/><Values/></member>
    </MetricDataResults>
    <NextToken>more&amp;more</NextToken>
  </GetMetricDataResult>
  <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
</GetMetricDataResponse>)";

TEST(MetricDataAnswer, GivesResultsAndTheNextToken) {
  const auto data = parse_metric_data(kAnswer);
  ASSERT_TRUE(data) << data.error().message;
  ASSERT_EQ(data->results.size(), 2U);
  EXPECT_EQ(data->results[0].id, "sent0");
  EXPECT_FALSE(data->results[0].complete);
  ASSERT_EQ(data->results[0].points.size(), 2U);
  EXPECT_EQ(data->results[0].points[1].at, time_point_us(1'767'571'260'000'000));
  EXPECT_EQ(data->results[0].points[1].value, 0.5);
  EXPECT_TRUE(data->results[1].complete);
  EXPECT_EQ(data->next_token, "more&more");
}

TEST(MetricDataAnswer, SaysWhatIsWrong) {
  EXPECT_NE(metric_refusal("").find("GetMetricData"), std::string::npos);
  EXPECT_NE(metric_refusal("<a></b>").find("line 1: mismatched tag"), std::string::npos);
  EXPECT_NE(metric_refusal("<html/>").find("no GetMetricDataResult"), std::string::npos);
  EXPECT_NE(
      metric_refusal("<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>The "
                     "token is invalid.</Message></Error></ErrorResponse>")
          .find("The token is invalid. (InvalidClientTokenId)"),
      std::string::npos);
  std::string wrong(kAnswer);
  wrong.replace(wrong.find("3.0"), 3, "abc");
  EXPECT_NE(metric_refusal(wrong).find("'abc' is not a number"), std::string::npos);
  wrong = kAnswer;
  wrong.replace(wrong.find("2026-01-05T00:00:00Z"), 20, "2026-13-05T00:00:00Z");
  EXPECT_NE(metric_refusal(wrong).find("is not a time"), std::string::npos);
  wrong = kAnswer;
  wrong.erase(wrong.find("<member>3.0</member>"), 20);
  EXPECT_NE(metric_refusal(wrong).find("as many times as values"), std::string::npos);
}

}  // namespace
}  // namespace forewarm
