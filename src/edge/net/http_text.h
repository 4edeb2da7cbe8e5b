#pragma once

#include <string>
#include <string_view>

namespace forewarm {

/// ASCII letters only, as HTTP's field names are compared.
bool equal_ignoring_case(std::string_view a, std::string_view b);
/// Whether a Host header's value (or an Origin's, after its scheme) can mean this machine only, whatever a
/// name server says.
bool names_this_machine(std::string_view host);
/// The phrase after a status number; clients ignore it, people read it.
std::string_view reason_phrase(unsigned status);
/// Appends one header line, control characters made harmless.
void append_header(std::string& head, std::string_view name, std::string_view value);

}  // namespace forewarm
