#include "edge/archive/azure_signature.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>

#include "edge/archive/content_digest.h"

namespace forewarm {
namespace {

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

/// The account, the path as it is sent, and each field of the query with its values decoded.
std::string canonical_resource(const std::string& url, const std::string& account) {
  const std::size_t host = url.find("://") + 3;
  const std::size_t question = std::min(url.find('?', host), url.size());
  const std::size_t slash = std::min(url.find('/', host), question);
  const std::string path = url.substr(slash, question - slash);
  std::string text = "/" + account + (path.empty() ? "/" : path);
  std::map<std::string, std::vector<std::string>> fields;
  for (auto& [name, value] : parse_query(std::string_view(url).substr(std::min(question + 1, url.size()))))
    fields[lower_case(name)].push_back(std::move(value));
  for (auto& [name, values] : fields) {
    std::ranges::sort(values);
    text += "\n" + name + ":";
    for (const std::string& value : values) text += (&value == values.data() ? "" : ",") + value;
  }
  return text;
}

}  // namespace

std::string shared_key_text(const FetchRequest& request, const std::string& account) {
  constexpr std::array<std::string_view, 3> kBefore = {"Content-Encoding", "Content-Language",
                                                       "Content-Length"};
  constexpr std::array<std::string_view, 8> kAfter = {"Content-MD5",         "Content-Type", "Date",
                                                      "If-Modified-Since",   "If-Match",     "If-None-Match",
                                                      "If-Unmodified-Since", "Range"};
  std::string text = request.method + "\n";
  for (const std::string_view name : kBefore) {
    const bool length = name == "Content-Length" && !request.body.empty();
    text += length ? std::to_string(request.body.size()) : std::string(find_header(request.headers, name));
    text += "\n";
  }
  for (const std::string_view name : kAfter) text += std::string(find_header(request.headers, name)) + "\n";
  std::map<std::string, std::string> own;
  for (const auto& [name, value] : request.headers) {
    if (lower_case(name).starts_with("x-ms-")) own[lower_case(name)] = value;
  }
  for (const auto& [name, value] : own) text.append(name).append(":").append(value).append("\n");
  return text + canonical_resource(request.url, account);
}

void sign_shared_key(FetchRequest& request, const std::string& account, const std::string& key,
                     TimePoint at) {
  request.headers.emplace_back("x-ms-date", http_date(at));
  const std::string signature = base64_text(hmac_sha256_bytes(key, shared_key_text(request, account)));
  request.headers.emplace_back("Authorization", "SharedKey " + account + ":" + signature);
}

std::string http_date(TimePoint at) {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_seconds seconds(std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()));
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(seconds - day);
  const auto two = [](auto number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  return std::string(kDays[std::chrono::weekday(day).c_encoding()]) + ", " +
         two(static_cast<unsigned>(date.day())) + " " + kMonths[static_cast<unsigned>(date.month()) - 1] +
         " " + std::to_string(static_cast<int>(date.year())) + " " + two(clock.hours().count()) + ":" +
         two(clock.minutes().count()) + ":" + two(clock.seconds().count()) + " GMT";
}

}  // namespace forewarm
