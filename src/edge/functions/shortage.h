#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

#include "base/result.h"

namespace forewarm {

/// Whether an errno says that the system, or a limit, has no more of something.
inline bool is_shortage(int number) {
  return number == EMFILE || number == ENFILE || number == EAGAIN || number == ENOMEM;
}

/// Exhausted: what could not be done for want of what, and the remedy.
inline std::unexpected<Error> shortage(int number, std::string_view what) {
  std::string_view remedy = "; the system is short of it: run fewer instances";
  if (number == EMFILE)
    remedy = "; raise the limit of open files (ulimit -n, LimitNOFILE=) or run fewer instances";
  if (number == EAGAIN)
    remedy = "; raise the limit of processes (ulimit -u, TasksMax=) or run fewer instances";
  return error(ErrorCode::Exhausted, "cannot " + std::string(what) + ": " +
                                         std::generic_category().message(number) + std::string(remedy));
}

}  // namespace forewarm
