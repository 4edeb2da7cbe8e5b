#include "core/model/text.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <variant>
#include <vector>

#include "base/check.h"
#include "core/model/action_fields.h"
#include "core/model/event_fields.h"

namespace forewarm {
namespace {

// value := number | true | false | name | none | {field=value ...} | [value ...]; in a list of floats a run
// of n equal ones is value*n, because a quiet queue's series is mostly zeros.

constexpr std::size_t kRepeatsMax = 1'000'000;  // over a whole line: a few bytes must not claim much memory

template <class T>
inline constexpr bool kIsId = false;
template <class Tag, class Number>
inline constexpr bool kIsId<Id<Tag, Number>> = true;
template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  template <class T>
  Writer& operator()(std::string_view name, const T& field) {
    if (!first_) out_ += ' ';
    first_ = false;
    out_ += name;
    out_ += '=';
    value(field);
    return *this;
  }

  template <class T>
  void fields(const T& it) {
    const bool outer_first = std::exchange(first_, true);
    describe(*this, it);
    first_ = outer_first;
  }

  /// A space, then the alternative's name and fields.
  template <class T>
  void named(const T& it) {
    out_ += kNames<T>;
    first_ = false;
    describe(*this, it);
    out_ += '\n';
  }

  template <class T>
  void value(const T& it) {
    if constexpr (std::same_as<T, bool>) {
      out_ += it ? "true" : "false";
    } else if constexpr (std::integral<T>) {
      number(it);
    } else if constexpr (std::floating_point<T>) {
      floating(it);
    } else if constexpr (std::is_enum_v<T>) {
      const auto index = static_cast<std::size_t>(it);
      check(index < kNames<T>.size(), "an enumeration holds one of its values");
      out_ += kNames<T>[index];
    } else if constexpr (kIsId<T>) {
      number(it.value());
    } else if constexpr (std::same_as<T, Duration>) {
      number(it.count());
    } else if constexpr (std::same_as<T, TimePoint>) {
      number(count_us(it));
    } else if constexpr (kIsOptional<T>) {
      if (it)
        value(*it);
      else
        out_ += "none";
    } else if constexpr (std::same_as<T, std::vector<float>>) {
      floats(it);
    } else if constexpr (kIsVector<T>) {
      out_ += '[';
      for (std::size_t i = 0; i < it.size(); ++i) {
        if (i > 0) out_ += ' ';
        value(it[i]);
      }
      out_ += ']';
    } else {
      out_ += '{';
      fields(it);
      out_ += '}';
    }
  }

 private:
  template <class T>
  void number(T it) {
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, it).ptr;
    out_.append(buffer, end);
  }

  template <class T>
  void floating(T it) {
    if (std::isnan(it))
      out_ += "nan";  // one name for all of them: which bits a NaN has must not tell runs apart
    else
      number(it);
  }

  void floats(const std::vector<float>& it) {
    out_ += '[';
    for (std::size_t i = 0; i < it.size();) {
      std::size_t run = 1;
      while (i + run < it.size() && same(it[i], it[i + run])) ++run;
      if (i > 0) out_ += ' ';
      floating(it[i]);
      if (run > 1) {
        out_ += '*';
        number(run);
      }
      i += run;
    }
    out_ += ']';
  }

  static bool same(float a, float b) {
    return (a != a && b != b) || std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
  }

  std::string& out_;
  bool first_ = true;
};

/// Reads by the same descriptions. After the first error nothing more is read and the error stays.
class Reader {
 public:
  explicit Reader(std::string_view line) : line_(line) {}

  bool ok() const { return !error_; }
  Error take_error() { return std::move(*error_); }

  template <class T>
  Reader& operator()(std::string_view name, T& field) {
    if (!first_) literal(" ", "a space before the next field");
    first_ = false;
    field_name(name);
    value(field);
    return *this;
  }

  template <class T>
  void value(T& it) {
    if (!ok()) return;
    if constexpr (std::same_as<T, bool>) {
      boolean(it);
    } else if constexpr (std::integral<T>) {
      number(it);
    } else if constexpr (std::floating_point<T>) {
      floating(it);
    } else if constexpr (std::is_enum_v<T>) {
      enumerator(it);
    } else if constexpr (kIsId<T>) {
      typename T::number_type raw = 0;
      number(raw);
      it = T(raw);
    } else if constexpr (std::same_as<T, Duration>) {
      Duration::rep raw = 0;
      number(raw);
      it = Duration(raw);
    } else if constexpr (std::same_as<T, TimePoint>) {
      Duration::rep raw = 0;
      number(raw);
      it = time_point_us(raw);
    } else if constexpr (kIsOptional<T>) {
      if (skip("none"))
        it.reset();
      else
        value(it.emplace());
    } else if constexpr (kIsVector<T>) {
      list(it);
    } else {
      literal("{", "'{'");
      first_ = true;
      describe(*this, it);
      first_ = false;
      literal("}", "'}'");
    }
  }

  /// A space, then one of the alternatives' names and its fields.
  template <class... Alternatives>
  void alternative(std::variant<Alternatives...>& it) {
    literal(" ", "a space before the event's name");
    const std::string_view name = word();
    const bool known =
        ok() && ((name == kNames<Alternatives> && (read_as<Alternatives>(it, name), true)) || ...);
    if (!known) fail("the name of an event");
    if (ok() && at_ < line_.size()) fail("the end of the line");
  }

 private:
  template <class T, class Variant>
  void read_as(Variant& it, std::string_view name) {
    at_ += name.size();
    first_ = false;
    describe(*this, it.template emplace<T>());
  }

  template <class T>
  void list(std::vector<T>& it) {
    it.clear();
    literal("[", "'['");
    while (ok() && !skip("]")) {
      if (!it.empty()) literal(" ", "a space or ']'");
      value(it.emplace_back());
      if constexpr (std::same_as<T, float>) repeat(it);
    }
  }

  void repeat(std::vector<float>& it) {
    if (!ok() || !skip("*")) return;
    const std::size_t column = at_;
    std::size_t run = 0;
    number(run);
    if (!ok()) return;
    if (run < 2 || run > repeats_left_) {
      at_ = column;
      return fail("a run of 2 or more, at most a million values in all");
    }
    repeats_left_ -= run;
    it.resize(it.size() + run - 1, it.back());
  }

  void boolean(bool& it) {
    if (skip("true"))
      it = true;
    else if (skip("false"))
      it = false;
    else
      fail("true or false");
  }

  template <class T>
  void number(T& it) {
    const auto [end, code] = std::from_chars(line_.data() + at_, line_.data() + line_.size(), it);
    if (code == std::errc()) return move_to(end);
    fail("a whole number from " + std::to_string(+std::numeric_limits<T>::min()) + " to " +
         std::to_string(+std::numeric_limits<T>::max()));
  }

  template <class T>
  void floating(T& it) {
    if (skip("nan"))
      it = std::numeric_limits<T>::quiet_NaN();
    else if (skip("inf"))
      it = std::numeric_limits<T>::infinity();
    else if (skip("-inf"))
      it = -std::numeric_limits<T>::infinity();
    else {
      const auto [end, code] = std::from_chars(line_.data() + at_, line_.data() + line_.size(), it);
      if (code == std::errc() && std::isfinite(it)) return move_to(end);
      fail("a number, nan, inf or -inf");
    }
  }

  template <class T>
  void enumerator(T& it) {
    const std::string_view name = word();
    std::string expected;
    for (std::size_t i = 0; i < kNames<T>.size(); ++i) {
      if (name == kNames<T>[i]) {
        it = static_cast<T>(i);
        at_ += name.size();
        return;
      }
      expected += i == 0 ? "one of " : ", ";
      expected += kNames<T>[i];
    }
    fail(expected);
  }

  void field_name(std::string_view name) {
    if (!ok()) return;
    const std::string_view rest = line_.substr(at_);
    if (rest.starts_with(name) && rest.substr(name.size()).starts_with('='))
      at_ += name.size() + 1;
    else
      fail("the field '" + std::string(name) + "='");
  }

  void literal(std::string_view text, const char* expected) {
    if (ok() && !skip(text)) fail(expected);
  }

  bool skip(std::string_view text) {
    if (!line_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }

  std::string_view word() const {
    std::size_t end = at_;
    while (end < line_.size() && ((line_[end] >= 'a' && line_[end] <= 'z') || line_[end] == '_')) ++end;
    return line_.substr(at_, end - at_);
  }

  void move_to(const char* end) { at_ = static_cast<std::size_t>(end - line_.data()); }

  void fail(std::string_view expected) {
    if (!ok()) return;
    constexpr std::size_t kShown = 24;
    std::string found(line_.substr(at_, kShown));
    for (char& c : found) {
      if (c < ' ' || c > '~') c = '?';
    }
    const std::string came = found.empty() ? "the line ends" : "'" + found + "' came";
    error_ = Error{ErrorCode::Invalid, "column " + std::to_string(at_ + 1) + ": expected " +
                                           std::string(expected) + ", but " + came};
  }

  std::string_view line_;
  std::size_t at_ = 0;
  bool first_ = true;
  std::size_t repeats_left_ = kRepeatsMax;
  std::optional<Error> error_;
};

}  // namespace

void write_text(const TimedEvent& event, std::string& out) {
  Writer writer(out);
  writer.value(event.time);
  out += ' ';
  std::visit([&](const auto& it) { writer.named(it); }, event.event);
}

void write_text(const Action& action, std::string& out) {
  Writer writer(out);
  out += "  ";
  std::visit([&](const auto& it) { writer.named(it); }, action);
}

namespace {

/// A time, and one of the alternatives.
template <class Variant>
Result<void> read_line(std::string_view line, TimePoint& time, Variant& it) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  Reader reader(line);
  reader.value(time);
  reader.alternative(it);
  if (!reader.ok()) return std::unexpected(reader.take_error());
  return {};
}

}  // namespace

Result<TimedEvent> read_event(std::string_view line) {
  TimedEvent event;
  if (Result<void> read = read_line(line, event.time, event.event); !read)
    return std::unexpected(read.error());
  return event;
}

void write_text(TimePoint time, const WatchRestored& it, std::string& out) {
  Writer writer(out);
  writer.value(time);
  out += ' ';
  writer.named(it);
}

Result<WatchRestored> read_watch(std::string_view line) {
  TimePoint time;
  std::variant<WatchRestored> it;
  if (Result<void> read = read_line(line, time, it); !read) return std::unexpected(read.error());
  return std::move(std::get<WatchRestored>(it));
}

}  // namespace forewarm
