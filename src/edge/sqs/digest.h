#pragma once

#include <string>
#include <string_view>

#include "edge/sqs/request.h"

namespace forewarm::sqs {

/// Lower-case hexadecimal digests, as the service prints them.
std::string md5_hex(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);

/// MD5OfMessageAttributes; empty for no attributes. For each attribute in the order of names: length (4
/// bytes, big endian) and bytes of the name, then of the data type, one byte for the kind of value (1 text, 2
/// binary), length and bytes of the value. Source: SQS Developer Guide, "Calculating the MD5 message digest
/// for message attributes".
std::string md5_of_attributes(const Attributes& attributes);

}  // namespace forewarm::sqs
