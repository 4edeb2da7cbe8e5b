#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "edge/functions/process_pool.h"

namespace forewarm {

using Environment = std::map<std::string, std::string>;

/// What of the server's own environment a function may see. The server's may hold secrets, so this is a list
/// of what is let through, not of what is held back.
Environment inherited_environment();

/// The environment of one instance: what is inherited, what its kind of runtime expects (for Lambda's
/// docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html), the function's own over both, and over
/// that what a function may not change: its port, who it is and the marks by which its processes are found.
Environment instance_environment(const FunctionCommand& function, InstanceId instance, std::uint16_t port,
                                 const std::string& owner_mark, const Environment& inherited);

/// "NAME=value" of the mark that all processes of one instance of this server share.
std::string instance_mark(InstanceId instance);
/// The same for all processes of one server.
std::string owner_entry(std::string_view owner_mark);
/// The name that a function is known by to its runtime.
std::string function_arn(const FunctionCommand& function);

}  // namespace forewarm
