#include "edge/net/aws_verification.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "edge/net/aws_signature.h"
#include "edge/net/aws_signing.h"

namespace forewarm {
namespace {

constexpr const char* kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TimePoint kSigningTime = time_point_us(1'767'576'600'000'000);  // 2026-01-05T01:30:00Z

HttpRequest signed_request(const std::string& token = {}) {
  FetchRequest fetch;
  fetch.method = "POST";
  fetch.url = "http://queues.example:9324/000000000000/my-queue?b=2&a=1%2F";
  fetch.headers = {{"X-Amz-Target", "AmazonSQS.SendMessage"}, {"Content-Type", "application/x-amz-json-1.0"}};
  fetch.body = "{}";
  sign(fetch, {.access_key_id = "AKIA", .secret_access_key = kSecret, .session_token = token},
       {.region = "eu-west-1", .service = "sqs", .time = kSigningTime});
  return {.method = "POST",
          .path = "/000000000000/my-queue",
          .query = "b=2&a=1%2F",
          .headers = fetch.headers,
          .body = fetch.body};
}

HttpRequest presigned_request() {
  HttpRequest request;
  request.method = "GET";
  request.path = "/";
  request.headers = {{"Host", "queues.example"}};
  request.query =
      "Action=ListQueues&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20260105%2Feu-west-1%2Fsqs%"
      "2F"
      "aws4_request&X-Amz-Date=20260105T013000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host";
  const std::string query = aws::canonical_query(request.query);
  const std::string hash = aws::sha256_hex("");
  request.query +=
      "&X-Amz-Signature=" + aws::signature_of({"GET", "/", query, "host:queues.example\n", "host", hash},
                                              {"20260105T013000Z", "20260105", "eu-west-1", "sqs"}, kSecret);
  return request;
}

std::string& header_of(HttpRequest& request, std::string_view name) {
  return std::ranges::find(request.headers, name, &std::pair<std::string, std::string>::first)->second;
}

std::optional<SignatureFault> fault(const HttpRequest& request, TimePoint now = kSigningTime,
                                    std::string_view token = {}) {
  const auto claim = read_signature(request);
  if (!claim) return claim.error().fault;
  const auto verified = verify_signature(
      *claim, request, {.secret_access_key = kSecret, .session_token = token, .service = "sqs", .now = now});
  return verified ? std::nullopt : std::optional(verified.error().fault);
}

TEST(AwsVerification, TakesWhatWasSignedWithTheKey) {
  EXPECT_EQ(fault(signed_request()), std::nullopt);
  EXPECT_EQ(fault(signed_request("token"), kSigningTime, "token"), std::nullopt);
  EXPECT_EQ(fault(presigned_request()), std::nullopt);
  EXPECT_EQ(read_signature(signed_request())->access_key_id, "AKIA");
}

TEST(AwsVerification, RefusesWhatWasChangedSince) {
  const auto changed = [](auto change) {
    HttpRequest request = signed_request();
    change(request);
    return fault(request);
  };
  EXPECT_EQ(changed([](HttpRequest& r) { r.body = "{ }"; }), SignatureFault::SignatureDoesNotMatch);
  EXPECT_EQ(changed([](HttpRequest& r) { r.method = "PUT"; }), SignatureFault::SignatureDoesNotMatch);
  EXPECT_EQ(changed([](HttpRequest& r) { r.path = "/000000000000/other"; }),
            SignatureFault::SignatureDoesNotMatch);
  EXPECT_EQ(changed([](HttpRequest& r) { r.query = "b=3&a=1%2F"; }), SignatureFault::SignatureDoesNotMatch);
  EXPECT_EQ(changed([](HttpRequest& r) { header_of(r, "X-Amz-Target") = "AmazonSQS.DeleteQueue"; }),
            SignatureFault::SignatureDoesNotMatch);
  EXPECT_EQ(changed([](HttpRequest& r) { r.headers.emplace_back("X-Amz-Extra", "1"); }),
            SignatureFault::SignatureDoesNotMatch);
  HttpRequest presigned = presigned_request();
  presigned.query += "&QueueNamePrefix=a";
  EXPECT_EQ(fault(presigned), SignatureFault::SignatureDoesNotMatch);
}

TEST(AwsVerification, FifteenMinutesApartAreNotMore) {
  EXPECT_EQ(fault(signed_request(), kSigningTime + 899s), std::nullopt);
  EXPECT_EQ(fault(signed_request(), kSigningTime - 899s), std::nullopt);
  EXPECT_EQ(fault(signed_request(), kSigningTime + 901s), SignatureFault::RequestExpired);
  EXPECT_EQ(fault(signed_request(), kSigningTime - 901s), SignatureFault::RequestExpired);
  EXPECT_EQ(fault(presigned_request(), kSigningTime + 599s), std::nullopt);
  EXPECT_EQ(fault(presigned_request(), kSigningTime + 601s), SignatureFault::RequestExpired);
}

TEST(AwsVerification, ATokenGoesWithItsKey) {
  EXPECT_EQ(fault(signed_request("token")), SignatureFault::InvalidClientTokenId);
  EXPECT_EQ(fault(signed_request(), kSigningTime, "token"), SignatureFault::InvalidClientTokenId);
}

TEST(AwsVerification, AnUnsignedPayloadIsSaidToBeOne) {
  HttpRequest request;
  request.method = "POST";
  request.path = "/";
  request.body = "whatever";
  const std::string lines = "host:h\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:20260105T013000Z\n";
  const std::string names = "host;x-amz-content-sha256;x-amz-date";
  const std::string signature = aws::signature_of({"POST", "/", "", lines, names, "UNSIGNED-PAYLOAD"},
                                                  {"20260105T013000Z", "20260105", "r", "sqs"}, kSecret);
  request.headers = {{"Host", "h"},
                     {"X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"},
                     {"X-Amz-Date", "20260105T013000Z"},
                     {"Authorization",
                      "AWS4-HMAC-SHA256 Credential=AKIA/20260105/r/sqs/aws4_request,SignedHeaders=" + names +
                          ",Signature=" + signature}};
  EXPECT_EQ(fault(request), std::nullopt);
  header_of(request, "X-Amz-Content-Sha256") = aws::sha256_hex("other");
  EXPECT_EQ(fault(request), SignatureFault::SignatureDoesNotMatch);
}

TEST(AwsVerification, WhatIsNoSignatureIsIncomplete) {
  EXPECT_EQ(fault({.method = "POST", .path = "/"}), SignatureFault::MissingAuthenticationToken);
  HttpRequest request = signed_request();
  for (const char* wrong :
       {"Basic abc", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=AKIA, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=AKIA/x, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=A/20260105/r/sqs/aws4_request, SignedHeaders=;, Signature=0"}) {
    header_of(request, "Authorization") = wrong;
    EXPECT_EQ(fault(request), SignatureFault::IncompleteSignature) << wrong;
  }
  HttpRequest presigned = presigned_request();
  presigned.query.replace(presigned.query.find("=600"), 4, "=604801");
  EXPECT_EQ(fault(presigned), SignatureFault::IncompleteSignature);
  presigned.query = "X-Amz-Signature=0";
  EXPECT_EQ(fault(presigned), SignatureFault::IncompleteSignature);
}

}  // namespace
}  // namespace forewarm
