#include "app/backtest.h"
#include "base/check.h"

namespace forewarm {

/// backtest_page/: the page with a mark where the data goes.
std::string_view page_of_backtest_page();

std::string backtest_html(const BacktestReport& report) {
  constexpr std::string_view kMark = "@DATA@";
  const std::string_view page = page_of_backtest_page();
  const std::size_t mark = page.find(kMark);
  check(mark != std::string_view::npos, "the page has a place for its data");
  std::string out(page.substr(0, mark));
  for (const char c : backtest_json(report, true)) {
    // A queue's name must not end the script element that holds it.
    if (c == '<')
      out += "\\u003c";
    else
      out += c;
  }
  return out.append(page.substr(mark + kMark.size()));
}

}  // namespace forewarm
