#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "core/model/text.h"

namespace {

/// What was learnt of a watched queue is a line of the same kind.
void read_as_learnt(std::string_view line) {
  const forewarm::Result<forewarm::WatchRestored> learnt = forewarm::read_watch(line);
  if (!learnt) return;
  std::string text, again;
  forewarm::write_text({}, *learnt, text);
  const forewarm::Result<forewarm::WatchRestored> back = forewarm::read_watch(text);
  forewarm::check(back.has_value(), "its own text is readable");
  forewarm::write_text({}, *back, again);
  forewarm::check(text == again, "reading and writing what was learnt again changes nothing");
}

}  // namespace

/// Any bytes are an error or an event; an event's own text reads back to that text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  read_as_learnt(line);
  const forewarm::Result<forewarm::TimedEvent> event = forewarm::read_event(line);
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
