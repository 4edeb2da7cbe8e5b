#include "edge/net/egress.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace forewarm {
namespace {

using Address = std::array<unsigned char, 16>;
constexpr int kMappedBits = 96;

std::optional<Address> parse_address(std::string_view text) {
  const std::string written(text);
  Address address{};
  if (::inet_pton(AF_INET6, written.c_str(), address.data()) == 1) return address;
  address.fill(0);
  address[10] = address[11] = 0xff;
  if (::inet_pton(AF_INET, written.c_str(), address.data() + kMappedBits / 8) == 1) return address;
  return std::nullopt;
}

bool within(const Address& address, const Address& net, int bits) {
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (!std::equal(net.begin(), net.begin() + whole, address.begin())) return false;
  const int rest = bits % 8;
  return rest == 0 || ((address[whole] ^ net[whole]) >> (8 - rest)) == 0;
}

/// Lower case, without the dot of the root.
std::string canonical(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string name(host);
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number number{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

struct InForce {
  std::mutex mutex;
  std::shared_ptr<const EgressRules> rules;  ///< null: anything goes
};
InForce& in_force() {
  static InForce one;
  return one;
}

}  // namespace

Result<EgressRules::Rule> EgressRules::parse_rule(std::string_view text) {
  const auto wrong = [text] {
    return error(ErrorCode::Invalid, "'" + std::string(text) +
                                         "' is not HOST, *.DOMAIN, ADDRESS or ADDRESS/BITS, each with or "
                                         "without :PORT ([ADDRESS]:PORT for IPv6)");
  };
  Rule rule;
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return wrong();
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return wrong();
  } else if (const std::size_t colon = text.find(':');
             colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  if (!port.empty()) {
    const auto number = parse_whole<std::uint16_t>(port.substr(1));
    if (!number || *number == 0) return wrong();
    rule.port = *number;
  }
  const std::size_t slash = host.find('/');
  if (const auto address = parse_address(host.substr(0, slash))) {
    rule.net = *address;
    if (slash == std::string_view::npos) return rule;
    const bool v6 = host.substr(0, slash).find(':') != std::string_view::npos;
    const auto bits = parse_whole<int>(host.substr(slash + 1));
    if (!bits || *bits < 0 || *bits > (v6 ? 128 : 32)) return wrong();
    rule.bits = *bits + (v6 ? 0 : kMappedBits);
    return rule;
  }
  rule.name = canonical(host);
  if (rule.name.starts_with("*.")) rule.name.erase(0, 1);
  // What looks like an address and is none would never be met.
  const bool only_digits = rule.name.find_first_not_of("0123456789.") == std::string::npos;
  if (!is_name(rule.name) || rule.name == "." || only_digits) return wrong();
  return rule;
}

Result<EgressRules> EgressRules::parse(std::span<const std::string> texts) {
  EgressRules rules;
  for (const std::string& text : texts) {
    Result<Rule> rule = parse_rule(text);
    if (!rule) return std::unexpected(rule.error());
    rules.rules_.push_back(std::move(*rule));
  }
  return rules;
}

bool EgressRules::allow(const Endpoint& to) const {
  if (is_loopback(to)) return true;
  const std::optional<Address> address = parse_address(to.host);
  const std::string name = canonical(to.host);
  return std::ranges::any_of(rules_, [&](const Rule& rule) {
    if (rule.port != 0 && rule.port != to.port) return false;
    if (rule.name.empty()) return address && within(*address, rule.net, rule.bits);
    return !address && (rule.name.starts_with('.') ? name.ends_with(rule.name) : name == rule.name);
  });
}

Result<void> restrict_egress(std::span<const std::string> allowed) {
  std::shared_ptr<const EgressRules> made;
  if (!allowed.empty()) {
    Result<EgressRules> rules = EgressRules::parse(allowed);
    if (!rules) return std::unexpected(rules.error());
    made = std::make_shared<const EgressRules>(std::move(*rules));
  }
  const std::lock_guard lock(in_force().mutex);
  in_force().rules = std::move(made);
  return {};
}

Result<void> check_egress(const Endpoint& to) {
  std::shared_ptr<const EgressRules> rules;
  {
    const std::lock_guard lock(in_force().mutex);
    rules = in_force().rules;
  }
  if (!rules || rules->allow(to)) return {};
  return error(ErrorCode::Invalid, "egress does not allow a connection to " + to_string(to) +
                                       ": add it to `egress` in the configuration if it is meant");
}

}  // namespace forewarm
