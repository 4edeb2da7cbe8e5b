#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace forewarm {

/// KEY=VALUE behind a policy's name.
struct PolicyOption {
  std::string_view key;
  std::string_view value;
};

/// A value that is one of two words.
struct Either {
  bool* second;
  std::string_view words[2];
};

/// An option's key and where its value goes.
struct PolicyField {
  std::string_view key;
  std::variant<std::uint32_t*, double*, bool*, Duration*, Either> value;
};

/// "a=1,b=2"; a value without a key belongs to `bare_key`, and is Invalid where there is none.
Result<std::vector<PolicyOption>> split_policy_options(std::string_view text, std::string_view bare_key);

/// Puts each option's value where its field says. Invalid, with the key and what was expected, where a key is
/// unknown or a value cannot be read.
Result<void> read_policy_options(std::string_view policy, const std::vector<PolicyOption>& options,
                                 const std::vector<PolicyField>& fields);

/// Invalid: "unknown WHAT ...; expected one of ...", with the nearest where one is near.
std::unexpected<Error> unknown_name(std::string_view what, std::string_view given,
                                    std::span<const std::string_view> known);
/// Invalid: "KEY: expected WHAT, got GIVEN".
std::unexpected<Error> expected_value(std::string_view key, std::string_view what, std::string_view given);

}  // namespace forewarm
