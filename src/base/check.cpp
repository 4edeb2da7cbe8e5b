#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace forewarm {

void check_failed(std::string_view what_holds, const std::source_location& where) {
  std::fprintf(stderr, "forewarm: check failed at %s:%u in %s: %.*s\n", where.file_name(),
               static_cast<unsigned>(where.line()), where.function_name(),
               static_cast<int>(what_holds.size()), what_holds.data());
  std::abort();
}

}  // namespace forewarm
