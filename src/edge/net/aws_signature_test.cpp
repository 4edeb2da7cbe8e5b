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

// The examples of "Signature Calculations for the Authorization Header" in the Amazon S3 API Reference.
std::string s3_signature(FetchRequest request) {
  sign(request, {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
       {.region = "us-east-1", .service = "s3", .time = time_point_us(1369353600'000'000)});
  const std::string text(find_header(request.headers, "authorization"));
  return text.substr(text.find("SignedHeaders="));
}

TEST(AwsSignature, OfS3IsTheOneOfItsReference) {
  const std::string bucket = "https://examplebucket.s3.amazonaws.com";
  EXPECT_EQ(s3_signature({.url = bucket + "/test.txt", .headers = {{"Range", "bytes=0-9"}}}),
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  EXPECT_EQ(s3_signature({.method = "PUT",
                          .url = bucket + "/test%24file.text",
                          .headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                      {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                          .body = "Welcome to Amazon S3."}),
            "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, "
            "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  EXPECT_EQ(s3_signature({.url = bucket + "/?lifecycle"}),
            "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
            "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(s3_signature({.url = bucket + "/?max-keys=2&prefix=J"}),
            "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
            "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(AwsSignature, EncodesEverythingThatIsNotPlain) {
  EXPECT_EQ(percent_encode("a b/c~d-e_f.g+\xc3\xa4"), "a%20b%2Fc~d-e_f.g%2B%C3%A4");
}

}  // namespace
}  // namespace forewarm
