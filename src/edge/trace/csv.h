#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace forewarm {

/// Where a field stands, for messages that name file:line:column. Lines and columns count from 1, columns in
/// bytes.
struct CsvPlace {
  std::size_t line = 0;
  std::size_t column = 0;
};

/// One row. The views hold until the row's callback returns.
struct CsvRow {
  std::size_t line = 0;
  std::span<const std::string_view> fields;
  std::string_view text;  ///< the whole line

  CsvPlace place(std::size_t field) const;
};

/// Cuts bytes that arrive in pieces of any size into rows of comma-separated fields. A byte order mark,
/// carriage returns and empty lines are skipped. Quoted fields are refused: no trace format has them, and a
/// quote that is silently part of a name costs its user an hour.
class CsvReader {
 public:
  using OnRow = std::function<Result<void>(const CsvRow&)>;

  /// `name` goes into messages.
  CsvReader(std::string name, OnRow on_row);

  Result<void> feed(std::string_view bytes);
  /// The last line may lack its newline.
  Result<void> finish();

  /// An Invalid error that begins with name:line:column.
  std::unexpected<Error> fail(CsvPlace place, const std::string& what) const;

  static constexpr std::size_t kLineBytesMax = 64 << 10;
  static constexpr std::size_t kFieldsMax = 256;

 private:
  Result<void> take_line(std::string_view line);

  std::string name_;
  OnRow on_row_;
  std::string rest_;  ///< the start of a line whose end has not come yet
  std::size_t line_ = 0;
  std::vector<std::string_view> fields_;
};

/// A finite decimal number that is the whole of `text`.
std::optional<double> finite_number(std::string_view text);
/// The field of a header that says `name`; kNoColumn when none does.
inline constexpr std::size_t kNoColumn = ~std::size_t{0};
std::size_t find_column(const CsvRow& header, std::string_view name);

/// At most 40 bytes of `text`, safe to print.
std::string printable(std::string_view text);

}  // namespace forewarm
