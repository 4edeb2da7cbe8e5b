#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "edge/net/aws_signature.h"
#include "edge/net/fetch.h"

namespace forewarm {

/// Lets a request in: adds a token, or signs it. Called for each request, so that what is renewed is used.
using Authorisation = std::function<Result<void>(FetchRequest&)>;
/// "Authorization: Bearer" with the file's first line, read each time; none if `path` is empty.
Authorisation bearer_token_in(std::string path);
/// "Authorization: Bearer" with what this answers.
Authorisation bearer_token_of(std::function<Result<std::string>()> token);
/// Signature Version 4 for a service of AWS.
Authorisation aws_signed(std::function<Result<AwsCredentials>()> credentials, std::string region,
                         std::string service);

/// What a server says that refuses: its status and its own words, and what can be done where that is known.
std::unexpected<Error> refusal_of(const HttpResponse& answer);
/// Whether newer credentials may help: 401, and what AWS says, which has no status of its own for it.
bool refuses_credentials(const HttpResponse& answer);
/// The first of a text's characters, without control characters, which would go into logs.
std::string printable_start(std::string_view text);

}  // namespace forewarm
