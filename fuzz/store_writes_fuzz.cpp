// The writes in a commit of the journal: any bytes are refused or mean just what they are written back as.

#include <cstdlib>
#include <string>

#include "edge/store/write_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace forewarm;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  std::string again;
  const auto decoded = decode_writes(body, [&](Write write) -> Result<void> {
    const auto* append = std::get_if<AppendMessage>(&write);
    encode_write(write, append ? std::string_view(append->message.payload) : std::string_view(), again);
    return {};
  });
  if (!body.starts_with(again) || (decoded && again != body)) std::abort();
  return 0;
}
