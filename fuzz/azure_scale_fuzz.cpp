#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "edge/cloud/targets/azure_scale.h"

using namespace forewarm;

/// What Azure says of an app: whatever it is, what is written of it says the number that was wanted, and what
/// was found can be put back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const HttpResponse answer{
      .status = 200, .headers = {}, .body = {reinterpret_cast<const char*>(data), size}};
  static const auto flex = make_azure_flex({.name = "/a", .group = "http"});
  if (const auto state = flex->state(answer)) {
    const auto written = flex->rewrite(answer, 7);
    check(written.has_value(), "an app that is read can be written");
    const auto again = flex->state({.status = 200, .headers = {}, .body = written->body});
    check(again && again->set == 7U, "what is written is what was wanted");
  }
  static const auto elastic = make_azure_elastic({.name = "/a", .always_ready_max = 20});
  if (const auto state = elastic->state(answer); state && state->set) {
    const auto back = elastic->put_back(*state);
    check(back.has_value(), "what was found can be put back");
    const auto again = elastic->state({.status = 200, .headers = {}, .body = back->body});
    check(again && again->set == state->set && again->beside == state->beside, "and is as it was found");
  }
  return 0;
}
