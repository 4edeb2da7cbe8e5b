#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "core/model/text.h"

/// Any bytes are an error or an event; an event's own text reads back to that text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const forewarm::Result<forewarm::TimedEvent> event =
      forewarm::read_event(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!event) return 0;
  std::string text;
  forewarm::write_text(*event, text);
  const forewarm::Result<forewarm::TimedEvent> again = forewarm::read_event(text);
  forewarm::check(again.has_value(), "an event's own text is readable");
  std::string text_again;
  forewarm::write_text(*again, text_again);
  forewarm::check(text == text_again, "reading and writing again changes nothing");
  return 0;
}
