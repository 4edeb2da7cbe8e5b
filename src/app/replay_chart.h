#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace forewarm {

/// Pieces of SVG of which the pictures of a replay's page are made; lengths are in units of the view box.
inline constexpr double kChartWidth = 960;
inline constexpr double kChartLeft = 64;   ///< left of it are the labels of the vertical axis
inline constexpr double kChartRight = 16;  ///< free at the right edge

/// The colour of the policy with this index, as CSS; the same in all pictures and tables, and legible on a
/// light and on a dark ground.
std::string chart_colour(std::size_t policy);
/// For text and attributes of HTML.
std::string chart_escaped(std::string_view text);
/// A coordinate.
std::string chart_number(double value);
/// `more`: further attributes, not escaped.
std::string chart_text(double x, double y, std::string_view anchor, std::string_view text,
                       std::string_view more = {});
/// `css`: its class.
std::string chart_line(double x1, double y1, double x2, double y2, std::string_view css);
/// 1, 2 or 5 times a power of ten, so that about `parts` ticks fit below `most`.
double chart_tick_step(double most, double parts);
/// 1234 as "1.2k".
std::string chart_short_number(double value);

}  // namespace forewarm
