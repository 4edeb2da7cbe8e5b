#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"

namespace forewarm {

/// What a field is called and what it is for.
struct FieldName {
  std::string_view key;
  std::string_view help;
};

template <class Number>
struct Bounds {
  Number least;
  Number most;
};

/// Something that goes over the fields of a settings struct: the TOML reader, the TOML writer, the reference
/// page, the environment. One description per field serves them all, so they cannot disagree.
class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  virtual void text(FieldName name, std::string& value) = 0;
  virtual void number(FieldName name, std::int64_t& value, Bounds<std::int64_t> bounds) = 0;
  virtual void real(FieldName name, double& value, Bounds<double> bounds) = 0;
  virtual void duration(FieldName name, Duration& value, Bounds<Duration> bounds) = 0;
  virtual void flag(FieldName name, bool& value) = 0;
  virtual void list(FieldName name, std::vector<std::string>& value) = 0;
  virtual void map(FieldName name, std::map<std::string, std::string>& value) = 0;
  /// Tables of their own, [[function.variant]] and [[mapping.override]].
  virtual void variants(FieldName name, std::vector<VariantConfig>& value) = 0;
  virtual void overrides(FieldName name, std::vector<OverrideConfig>& value) = 0;
  /// A table of its own with fields in it; the visitor goes in, calls `fields`, and comes out.
  virtual void begin_table(FieldName name) = 0;
  virtual void end_table() = 0;

  /// Any other integer type, by way of the widest.
  template <class Integer>
  void integer(FieldName name, Integer& value, Bounds<std::int64_t> bounds) {
    auto wide = static_cast<std::int64_t>(value);
    number(name, wide, bounds);
    value = static_cast<Integer>(wide);
  }
};

void describe(FieldVisitor& visitor, ServerConfig& config);  ///< top level, without the arrays of tables
void describe(FieldVisitor& visitor, FunctionConfig& config);
void describe(FieldVisitor& visitor, VariantConfig& config);
void describe(FieldVisitor& visitor, MappingConfig& config);
void describe(FieldVisitor& visitor, ScalingSettings& settings);
void describe(FieldVisitor& visitor, OverrideConfig& config);
void describe(FieldVisitor& visitor, QueueConfig& config);
void describe(FieldVisitor& visitor, SourceConfig& config);
void describe(FieldVisitor& visitor, SignalConfig& config);
void describe(FieldVisitor& visitor, AdminTokenConfig& config);
void describe(FieldVisitor& visitor, AccessKeyConfig& config);

}  // namespace forewarm
