#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edge/sqs/parse.h"

namespace forewarm::sqs {

/// Reads the members of a JSON object, in the words of the API model. The first thing that is wrong is kept
/// and every read after it gives an empty value, so a request is read straight down and looked at once, at
/// the end.
///
/// The Query protocol comes through here too, its parameters folded into the same shape; there numbers are
/// text.
class Fields {
 public:
  Fields(const boost::json::object& object, Protocol protocol, std::optional<SqsError>& fault)
      : object_(object), protocol_(protocol), fault_(fault) {}

  std::string text(std::string_view name);           ///< empty if missing
  std::string required_text(std::string_view name);  ///< empty counts as missing
  std::optional<std::string> optional_text(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name);
  std::vector<std::string> texts(std::string_view name);
  StringMap text_map(std::string_view name);
  Attributes attributes(std::string_view name);
  /// Calls `read(Fields&)` for each object in the list.
  template <class Read>
  void each(std::string_view name, Read read) {
    const boost::json::array* list = array(name);
    if (!list) return;
    for (const boost::json::value& value : *list) {
      if (const boost::json::object* object = as_object(value, name)) {
        Fields fields(*object, protocol_, fault_);
        read(fields);
      }
    }
  }

  void fail(SqsError fault);
  bool failed() const { return fault_.has_value(); }

 private:
  const boost::json::value* find(std::string_view name) const;  ///< null counts as missing
  const boost::json::array* array(std::string_view name);
  const boost::json::object* as_object(const boost::json::value& value, std::string_view name);
  void wrong_type(std::string_view name, std::string_view expected);
  AttributeValue attribute(std::string_view name, const boost::json::object& object);

  const boost::json::object& object_;
  Protocol protocol_;
  std::optional<SqsError>& fault_;
};

/// Reads the request named `action` from its members: the one place where requests are built.
SqsResult<Request> read_request(std::string_view action, const boost::json::object& members,
                                Protocol protocol);

}  // namespace forewarm::sqs
