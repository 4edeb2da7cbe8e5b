// Golden traces: a file holds event lines; the test runs them through a fresh core and compares events and
// actions, byte for byte, with the file. Lines that begin with # are kept. FOREWARM_REGENERATE=1 writes the
// files anew instead: read the difference before committing it.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/model/text.h"
#include "core/orchestrator.h"

namespace forewarm {
namespace {

std::vector<std::string> files() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(FOREWARM_SOURCE_DIR "/tests/golden")) {
    if (entry.path().extension() == ".txt") out.push_back(entry.path().string());
  }
  std::ranges::sort(out);
  return out;
}

/// Plays event lines and writes them down with what the core did.
class Player {
 public:
  void play(const TimedEvent& event, bool last) {
    while (core_.wake_at() < event.time || (last && core_.wake_at() == event.time)) {
      step({std::max(core_.wake_at(), now_), TimePassed{}});
    }
    step(event);
  }
  void keep(const std::string& line) { text_ += line + "\n"; }
  const std::string& text() const { return text_; }

 private:
  void step(const TimedEvent& event) {
    now_ = event.time;
    Actions actions;
    core_.step(event.time, event.event, actions);
    write_text(event, text_);
    for (const Action& action : actions) write_text(action, text_);
  }
  Orchestrator core_{Orchestrator::Options{}};
  TimePoint now_;
  std::string text_;
};

class GoldenTrace : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenTrace, brings_the_same_actions) {
  std::stringstream content;
  content << std::ifstream(GetParam()).rdbuf();
  const std::string recorded = content.str();

  Player player;
  std::string line;
  for (std::size_t number = 1; std::getline(content, line); ++number) {
    if (line.starts_with("  ")) continue;
    if (line.empty() || line.starts_with("#")) {
      player.keep(line);
      continue;
    }
    const Result<TimedEvent> event = read_event(line);
    ASSERT_TRUE(event) << GetParam() << ":" << number << ": " << event.error().message;
    const bool last = content.peek() == std::char_traits<char>::eof();
    if (std::holds_alternative<TimePassed>(event->event) && !last) continue;
    player.play(*event, last);
  }
  if (std::getenv("FOREWARM_REGENERATE") != nullptr) {
    std::ofstream(GetParam()) << player.text();
    return;
  }
  EXPECT_EQ(player.text(), recorded)
      << "if the change is meant: FOREWARM_REGENERATE=1 and read the difference";
}

INSTANTIATE_TEST_SUITE_P(Golden, GoldenTrace, ::testing::ValuesIn(files()),
                         [](const auto& file) { return std::filesystem::path(file.param).stem().string(); });

}  // namespace
}  // namespace forewarm
