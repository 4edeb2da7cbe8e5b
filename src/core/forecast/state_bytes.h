#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "core/model/forecast.h"

namespace forewarm {

/// Writes a fitted state: model, version, fields, and a checksum at the end. Little-endian, as on every
/// target.
class StateWriter {
 public:
  StateWriter(ModelId model, std::uint8_t version);

  template <class T>
  requires std::is_trivially_copyable_v<T>
  void operator()(const T& value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  template <class T>
  void operator()(const std::vector<T>& values) {
    (*this)(static_cast<std::uint32_t>(values.size()));
    for (const T& value : values) (*this)(value);
  }
  std::string finish();

 private:
  std::string bytes_;
};

/// Reads it back. Reads nothing beyond the end and allocates no more than the bytes can fill: ok() tells
/// whether all that was asked for was there.
class StateReader {
 public:
  StateReader(std::string_view bytes, ModelId model, std::uint8_t version);

  void operator()(bool& value) {
    std::uint8_t byte = 0;
    (*this)(byte);
    if (byte > 1) return fail();
    value = byte == 1;
  }
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void operator()(T& value) {
    if (rest_.size() < sizeof value) return fail();
    rest_.copy(reinterpret_cast<char*>(&value), sizeof value);
    rest_.remove_prefix(sizeof value);
  }
  template <class T>
  void operator()(std::vector<T>& values) {
    std::uint32_t size = 0;
    (*this)(size);
    if (size > rest_.size() / sizeof(T)) return fail();
    values.resize(size);
    for (T& value : values) (*this)(value);
  }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && rest_.empty(); }

 private:
  void fail() {
    ok_ = false;
    rest_ = {};
  }

  std::string_view rest_;
  bool ok_ = true;
};

/// A model as bytes. It names its fields once, in a static `fields(model, archive)`, for both directions.
template <class Model>
std::string save_model(const Model& model) {
  StateWriter writer(model.id(), Model::kStateVersion);
  Model::fields(model, writer);
  return writer.finish();
}

/// And back; `settle()` then rebuilds what follows from the fields, or says that they cannot be right. Bytes
/// of another model or version, and damaged ones, are Invalid and change nothing.
template <class Model>
Result<void> load_model(Model& model, std::string_view state) {
  StateReader reader(state, model.id(), Model::kStateVersion);
  Model loaded;
  Model::fields(loaded, reader);
  if (!reader.at_end() || !loaded.settle()) {
    return error(ErrorCode::Invalid,
                 "the bytes are not a state of this model, version " + std::to_string(Model::kStateVersion));
  }
  model = std::move(loaded);
  return {};
}

}  // namespace forewarm
