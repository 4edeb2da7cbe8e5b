#pragma once

#include <expected>
#include <string>
#include <utility>

namespace forewarm {

/// Few codes, each because a caller acts differently on it.
enum class ErrorCode {
  Invalid,    ///< what was given is wrong; trying again will not help
  NotFound,   ///< the thing named does not exist
  Conflict,   ///< it exists already, or its state does not allow this
  Exhausted,  ///< a bound was reached; trying later may help
  Corrupt,    ///< stored bytes are not what was written
  Io,         ///< the operating system said no
  Closed,     ///< shutting down
};

/// What the world said no to. The message is product text: what was expected, what came, what to do.
struct Error {
  ErrorCode code = ErrorCode::Invalid;
  std::string message;

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> error(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

}  // namespace forewarm
