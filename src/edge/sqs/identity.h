#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/model/ids.h"

namespace forewarm::sqs {

/// What a receipt handle says.
struct Receipt {
  MessageId message;
  QueueId queue;                    ///< where it was received
  std::uint16_t receive_count = 0;  ///< which delivery of the message

  friend bool operator==(const Receipt&, const Receipt&) = default;
};

/// Gives messages and deliveries their names at the surface, by a secret of the store.
///
/// Both are computed and never stored: a message id is the encrypted number of the message, shaped like a
/// UUID; a receipt handle is the encrypted Receipt with a tag (one AES-128 block each, with keys of their
/// own), so neither tells anything and a forged, mangled or foreign handle is recognised without looking
/// anything up. Not thread-safe.
class Identity {
 public:
  static constexpr std::size_t kSecretBytes = 48;
  /// `secret` has kSecretBytes of randomness; the same secret gives the same names.
  explicit Identity(std::string_view secret);
  ~Identity();
  Identity(Identity&&) noexcept;
  Identity& operator=(Identity&&) noexcept;

  std::string message_id(MessageId message) const;
  /// The message that message_id() gave this name; nothing if it is no name that it gives.
  std::optional<MessageId> open_message_id(std::string_view id) const;
  std::string receipt_handle(const Receipt& receipt) const;
  /// Nothing unless this secret's receipt_handle() gave the handle.
  std::optional<Receipt> open(std::string_view receipt_handle) const;

 private:
  struct Ciphers;
  std::unique_ptr<Ciphers> ciphers_;
};

/// The SequenceNumber of a message of a FIFO queue: 20 digits that rise with the order of sending.
std::string sequence_number(MessageId message);

}  // namespace forewarm::sqs
