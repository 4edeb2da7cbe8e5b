#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "edge/leader/lease_elector.h"

namespace forewarm {

/// Reads a Lease object of the Kubernetes API (coordination.k8s.io/v1). What a spec leaves out is empty or 0;
/// times are RFC 3339, of any fraction. Invalid, with what is wrong, for what is no Lease with a version.
Result<LeaseFound> parse_lease(std::string_view object);

/// A new Lease object of this name.
std::string new_lease(const std::string& name, const LeaseRecord& record);
/// `object`, a Lease object that parse_lease() takes, with what the record says in place of what it said: all
/// else of it, the version too, stays, and the API refuses it where the version is another by now.
std::string changed_lease(std::string_view object, const LeaseRecord& record);

}  // namespace forewarm
