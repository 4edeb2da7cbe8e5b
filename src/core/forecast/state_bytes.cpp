#include "core/forecast/state_bytes.h"

#include "base/random.h"

namespace forewarm {
namespace {

std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t sum = bytes.size();
  for (const char byte : bytes)
    sum = mix_bits(sum + static_cast<unsigned char>(byte) + 0x9e3779b97f4a7c15ULL);
  return sum;
}

}  // namespace

StateWriter::StateWriter(ModelId model, std::uint8_t version) {
  (*this)(model);
  (*this)(version);
}

std::string StateWriter::finish() {
  (*this)(checksum(bytes_));
  return std::move(bytes_);
}

StateReader::StateReader(std::string_view bytes, ModelId model, std::uint8_t version) {
  std::uint64_t sum = 0;
  ok_ = bytes.size() >= 2 + sizeof sum;
  if (!ok_) return;
  std::memcpy(&sum, bytes.data() + bytes.size() - sizeof sum, sizeof sum);
  bytes.remove_suffix(sizeof sum);
  ok_ = checksum(bytes) == sum && static_cast<std::uint8_t>(bytes[0]) == static_cast<std::uint8_t>(model) &&
        static_cast<std::uint8_t>(bytes[1]) == version;
  if (ok_) rest_ = bytes.substr(2);
}

}  // namespace forewarm
