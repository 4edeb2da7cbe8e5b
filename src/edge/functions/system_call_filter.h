#pragma once

#include <string>

#include "base/result.h"

namespace forewarm {

/// A seccomp filter as the kernel takes it (sock_filters, as bytes): what no function needs is refused with
/// EPERM, and programs of another architecture with ENOSYS. `network`: sockets of every kind but those that
/// reach into the machine (vsock, AF_ALG); else only Unix and TCP ones. Io where it cannot be made.
Result<std::string> make_system_call_filter(bool network);

}  // namespace forewarm
