#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "edge/cloud/credentials/jwt.h"
#include "edge/cloud/invoke/http_invoke.h"
#include "edge/cloud/invoke/lambda_invoke.h"

using namespace forewarm;

namespace {

void check_outcome(const RemoteOutcome& outcome) {
  check(outcome.error_type.size() <= 300, "a type is short");
  check(outcome.error_message.size() <= 9000, "a message is bounded");
  for (const std::string* text : {&outcome.error_type, &outcome.error_message}) {
    for (const char c : *text)
      check(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "no control character passes");
  }
  check(outcome.wait.count() >= 0 && outcome.wait <= std::chrono::minutes(1),
        "nobody makes us wait for long");
}

}  // namespace

/// What a function elsewhere, or who stands in for it, can answer: a status, two headers, a body. And tokens,
/// and the names that an operator writes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 4, size - 4);
  const std::size_t cut = text.empty() ? 0 : data[1] % (text.size() + 1);
  HttpResponse answer;
  answer.status = 100U + data[0] * 2U;
  const char* const names[] = {"X-Amz-Function-Error", "x-amzn-ErrorType", "Retry-After", "X-Google-Status"};
  answer.headers = {{names[data[2] % 4], text.substr(0, cut)}};
  answer.body = text.substr(cut);
  check_outcome(read_lambda_answer(answer));
  check_outcome(read_http_answer(answer, data[3] % 2 == 0));
  if (const auto until = jwt_expiry(text)) check(until->time_since_epoch().count() >= 0, "a time");
  if (const auto named = parse_lambda_name(text)) {
    check(!named->name.empty(), "a function has a name");
    const std::size_t qualified = named->qualifier.empty() ? 0 : named->qualifier.size() + 1;
    check(named->name.size() + qualified == text.size(), "nothing of the name is lost");
  }
  return 0;
}
