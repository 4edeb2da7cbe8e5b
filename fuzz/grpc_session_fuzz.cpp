// A connection to the scaler's port: any bytes, also after a right beginning, in two parts, and then time
// passes.
#include <cstdint>

#include "edge/cloud/keda/external_scaler.h"

namespace {

constexpr std::string_view kBeginning("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
constexpr std::size_t kSaidMost = 8U << 20;  ///< to so little as a fuzzer says

/// False when the connection has ended. The answers are bounded.
bool said(forewarm::GrpcSession& session, std::string_view bytes) {
  const bool goes_on = session.received(bytes);
  std::size_t all = 0;
  for (std::string_view next = session.next(); !next.empty(); next = session.next()) all += next.size();
  if (all > kSaidMost) __builtin_trap();
  return goes_on;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  using forewarm::KedaNumber;
  KedaNumber number{.state = KedaNumber::State::Waiting};
  forewarm::ExternalScaler scaler([&number](std::string_view) { return number; });
  const forewarm::Loop::Clock::time_point now{};
  forewarm::GrpcSession session(scaler, {}, now);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string_view first = bytes.substr(0, data[1]);
  if (data[0] % 2 != 0) said(session, kBeginning);
  if (!said(session, first)) return 0;
  number.state = KedaNumber::State::Known;
  session.changed();
  said(session, bytes.substr(first.size()));
  number.state = KedaNumber::State::Elsewhere;
  session.go_away();
  session.changed();
  said(session, "");
  session.passed(now + std::chrono::minutes(1));
  return 0;
}
