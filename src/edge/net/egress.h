#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "edge/net/http.h"

namespace forewarm {

/// Where to this process may connect: what is named, and this machine itself. Host names are compared as they
/// are written, not by their addresses; a proxy is the network's way there and not asked about.
class EgressRules {
 public:
  /// Each HOST, *.DOMAIN (its subdomains), ADDRESS or ADDRESS/BITS (RFC 4632, RFC 4291), with or without
  /// :PORT; an IPv6 address with a port is in brackets. Invalid, with the text, for anything else.
  static Result<EgressRules> parse(std::span<const std::string> texts);

  bool allow(const Endpoint& to) const;

 private:
  struct Rule {
    std::string name{};                   ///< lower case; a domain begins with a dot; empty: an address
    std::array<unsigned char, 16> net{};  ///< IPv4 as mapped into IPv6 (RFC 4291 section 2.5.5.2)
    int bits = 128;
    std::uint16_t port = 0;  ///< 0: any
  };
  static Result<Rule> parse_rule(std::string_view text);

  std::vector<Rule> rules_;
};

/// From now on connections of this process are made only to where these texts allow, as EgressRules::parse
/// reads them; none: to anywhere. Those that are open stay. Any thread.
Result<void> restrict_egress(std::span<const std::string> allowed);

/// Every connection asks before it is made. Invalid, with the remedy, where it may not be.
Result<void> check_egress(const Endpoint& to);

}  // namespace forewarm
