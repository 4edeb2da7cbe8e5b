#include "edge/net/aws_signature.h"

#include <gtest/gtest.h>

namespace forewarm {
namespace {

// Expected signatures: botocore's SigV4Auth (1.43) on the same requests at 2026-11-28T10:24:49Z.
constexpr TimePoint kSignedAt = time_point_us(1795861489'000'000);

std::string authorization(FetchRequest request, const std::string& token) {
  sign(request, {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token},
       {.region = "eu-west-1", .service = "monitoring", .time = kSignedAt});
  return std::string(find_header(request.headers, "authorization"));
}

TEST(AwsSignature, OfAPostIsTheOneOfTheOfficialSdk) {
  EXPECT_EQ(authorization({.method = "POST",
                           .url = "https://monitoring.eu-west-1.amazonaws.com/",
                           .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                           .body = "Action=GetMetricData&Version=2010-08-01"},
                          ""),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261128/eu-west-1/monitoring/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, "
            "Signature=100457e4db4af38d68c40f283d580ee2203afd88347c56b1bf39de73a6b1ce18");
}

TEST(AwsSignature, OfAQueryWithATokenIsTheOneOfTheOfficialSdk) {
  EXPECT_EQ(authorization({.url = "http://127.0.0.1:8080/a%20b/c?z=1&a=%2F%20x&b&a=1"}, "TOKEN+/="),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261128/eu-west-1/monitoring/aws4_request, "
            "SignedHeaders=host;x-amz-date;x-amz-security-token, "
            "Signature=33d20f7be60f676655d7b803a7220b2a88bc1befba01f8979697f52b2d6bdb5c");
}

TEST(AwsSignature, EncodesEverythingThatIsNotPlain) {
  EXPECT_EQ(percent_encode("a b/c~d-e_f.g+\xc3\xa4"), "a%20b%2Fc~d-e_f.g%2B%C3%A4");
}

}  // namespace
}  // namespace forewarm
