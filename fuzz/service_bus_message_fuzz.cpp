#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "edge/cloud/servicebus/bus_message.h"
#include "edge/cloud/servicebus/request_link.h"
#include "edge/cloud/utf8.h"

using namespace forewarm;

/// Whatever an AMQP message is made of, what is read of it is text where text is promised, and it can be
/// published again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = decode_bus_message({reinterpret_cast<const char*>(data), size});
  if (!message) return 0;
  const LentMessage lent = lent_of_bus_message(message->get());
  check(lent.deliveries > 0, "a delivery counts itself");
  for (const auto& [name, value] : lent.attributes)
    check(is_utf8(name) && is_utf8(value), "attributes are text");
  (void)parse_bus_answer(message->get());
  const auto again = make_proton_message();
  fill_bus_message(lent, again.get());
  check(lent_of_bus_message(again.get()).body == lent.body, "a body is what was published");
  if (const std::string token = lock_token_of_tag({reinterpret_cast<const char*>(data), size});
      !token.empty())
    check(uuid_of_lock_token(token).has_value(), "a token is a UUID");
  return 0;
}
