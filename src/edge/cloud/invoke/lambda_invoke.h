#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"
#include "edge/cloud/credentials/aws_credentials.h"
#include "edge/cloud/invoke/remote_function.h"

namespace forewarm {

/// A function of AWS Lambda, called by its API (AWS Lambda API Reference 2015-03-31, Invoke).
struct LambdaFunction {
  std::string endpoint;     ///< of the API, without a path
  std::string region;       ///< that requests are signed for
  std::string name;         ///< name, ARN or the ARN's last parts, without a qualifier
  std::string qualifier{};  ///< alias or version; empty: $LATEST
  bool wait = true;         ///< false: Lambda queues it (invocation type Event), and nobody hears how it ends
};

/// "name", "name:alias", "account:function:name", "arn:aws:lambda:REGION:ACCOUNT:function:NAME[:ALIAS]":
/// name, qualifier and, of an ARN, the region. Invalid with what was expected.
Result<LambdaFunction> parse_lambda_name(std::string_view text);
/// The API's address in a region: https://lambda.REGION.amazonaws.com, or of the region's own partition.
std::string lambda_endpoint(std::string_view region);

/// Not signed yet.
FetchRequest lambda_request(const LambdaFunction& function, const RemoteCall& call);
RemoteOutcome read_lambda_answer(HttpResponse answer);

struct LambdaProtocolOptions {
  LambdaFunction function;
  std::shared_ptr<AwsCredentialSource> credentials;
  std::function<TimePoint()> now;  ///< wall clock
};
std::unique_ptr<RemoteProtocol> make_lambda_protocol(LambdaProtocolOptions options);

}  // namespace forewarm
