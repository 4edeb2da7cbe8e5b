#include "core/model/text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "core/model/action_fields.h"
#include "core/model/event_fields.h"

namespace forewarm {
namespace {

/// Fills every described field with random contents, extremes included.
class Filler {
 public:
  explicit Filler(Random& random) : random_(random) {}

  template <class T>
  Filler& operator()(std::string_view, T& field) {
    fill(field);
    return *this;
  }

  void fill(bool& it) { it = random_.chance(0.5); }
  template <std::integral T>
  void fill(T& it) {
    const std::uint64_t shape = random_.below(4);
    it = shape == 0   ? std::numeric_limits<T>::max()
         : shape == 1 ? std::numeric_limits<T>::min()
                      : static_cast<T>(random_.next() >> random_.below(64));
  }
  void fill(float& it) {
    it = std::bit_cast<float>(static_cast<std::uint32_t>(random_.next()));
    tame(it);
  }
  void fill(double& it) {
    it = std::bit_cast<double>(random_.next());
    tame(it);
  }
  template <class T>
  requires std::is_enum_v<T>
  void fill(T& it) { it = static_cast<T>(random_.below(kNames<T>.size())); }
  template <class Tag, class Number>
  void fill(Id<Tag, Number>& it) {
    Number raw = 0;
    fill(raw);
    it = Id<Tag, Number>(raw);
  }
  void fill(Duration& it) {
    Duration::rep raw = 0;
    fill(raw);
    it = Duration(raw);
  }
  void fill(TimePoint& it) {
    Duration::rep raw = 0;
    fill(raw);
    it = time_point_us(raw);
  }
  template <class T>
  void fill(std::optional<T>& it) {
    it.reset();
    if (random_.chance(0.5)) fill(it.emplace());
  }
  template <class T>
  void fill(std::vector<T>& it) {
    it.resize(random_.below(5));
    for (T& element : it) fill(element);
    if (it.size() > 2 && random_.chance(0.5)) it[1] = it[0];
  }
  template <class T>
  requires std::is_class_v<T>
  void fill(T& it) { describe(*this, it); }

 private:
  /// NaNs do not compare equal to themselves: they have their own test.
  template <class T>
  static void tame(T& it) {
    if (std::isnan(it)) it = T(-0.0);
  }

  Random& random_;
};

template <class Variant, std::size_t index = 0, class Use>
void each_alternative(const Use& use) {
  if constexpr (index < std::variant_size_v<Variant>) {
    Variant it{std::in_place_index<index>};
    use(it);
    each_alternative<Variant, index + 1>(use);
  }
}

std::string text_of(const TimedEvent& event) {
  std::string text;
  write_text(event, text);
  return text;
}

TEST(EventText, EveryEventWithAnyContentsReadsBackTheSame) {
  Random random(11);
  Filler filler(random);
  for (int round = 0; round < 300; ++round) {
    each_alternative<Event>([&](Event& event) {
      std::visit([&](auto& it) { filler.fill(it); }, event);
      TimedEvent timed{.time = time_point_us(static_cast<std::int64_t>(random.next())), .event = event};
      const std::string text = text_of(timed);
      const Result<TimedEvent> back = read_event(text);
      ASSERT_TRUE(back) << back.error().message << "\n" << text;
      ASSERT_EQ(*back, timed) << text;
      ASSERT_EQ(text_of(*back), text);  // == does not tell -0 from 0: the bytes do
    });
  }
}

TEST(EventText, WhatWasLearntOfAWatchedQueueIsALineAsEventsAreAndNoEvent) {
  Random random(12);
  Filler filler(random);
  for (int round = 0; round < 300; ++round) {
    WatchRestored learnt;
    filler.fill(learnt);
    std::string text, again;
    write_text(time_point_us(1), learnt, text);
    const Result<WatchRestored> back = read_watch(text);
    ASSERT_TRUE(back) << back.error().message << "\n" << text;
    ASSERT_EQ(*back, learnt) << text;
    write_text(time_point_us(1), *back, again);
    ASSERT_EQ(again, text);
    EXPECT_FALSE(read_event(text));
    EXPECT_FALSE(read_watch(text.substr(0, random.below(text.size() - 1))));
  }
  EXPECT_FALSE(read_watch("1 time_passed\n"));
}

TEST(EventText, ReadsAsOneLineThatAPersonCanFollow) {
  Message message;
  message.id = MessageId(7);
  message.queue = QueueId(2);
  message.sent = message.visible_at = time_point_us(1'500'000);
  message.deadline = time_point_us(2'000'000);
  message.bytes = 12;
  const TimedEvent event{.time = message.sent, .event = MessageArrived{.message = message}};
  EXPECT_EQ(
      text_of(event),
      "1500000 message_arrived message={id=7 queue=2 type=0 sent=1500000 visible_at=1500000 deadline=2000000 "
      "tenant=0 group=0 bytes=12 receive_count=0 priority=4 dead_letter_source=0 received_before=0} "
      "origin=sent\n");
  EXPECT_EQ(text_of({.time = time_point_us(-3), .event = TimePassed{}}), "-3 time_passed\n");
}

TEST(EventText, RunsOfEqualValuesAreShortAndNotANumberHasOneName) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  ForecastFitted fitted{.queue = QueueId(1), .serial = 2, .forecasts = {ModelForecast{}}};
  fitted.forecasts[0].forecast.values = {0, 0, 0, -0.0F, nan, -nan, 0.1F, infinity, -infinity};
  const std::string text = text_of({.time = {}, .event = fitted});
  EXPECT_NE(text.find("values=[0*3 -0 nan*2 0.1 inf -inf]"), std::string::npos) << text;
  const Result<TimedEvent> back = read_event(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(text_of(*back), text);
}

TEST(EventText, ErrorsNameTheColumnAndWhatWasExpected) {
  const auto message = [](std::string_view line) {
    const Result<TimedEvent> event = read_event(line);
    return event ? std::string("read") : event.error().message;
  };
  EXPECT_EQ(message(""),
            "column 1: expected a whole number from -9223372036854775808 to 9223372036854775807, "
            "but the line ends");
  EXPECT_EQ(message("5 rain_fell"), "column 3: expected the name of an event, but 'rain_fell' came");
  EXPECT_EQ(message("5 time_passed now"), "column 14: expected the end of the line, but ' now' came");
  EXPECT_EQ(message("5 queue_removed queue=4294967296"),
            "column 23: expected a whole number from 0 to 4294967295, but '4294967296' came");
  EXPECT_EQ(
      message("5 instance_lost instance=1 reason=bored"),
      "column 35: expected one of stopped, start_failed, start_timeout, crashed, killed, but 'bored' came");
  EXPECT_EQ(message("5 queue_removed id=4"), "column 17: expected the field 'queue=', but 'id=4' came");
  EXPECT_EQ(message("5 message_deleted message=1"),
            "column 28: expected a space before the next field, but the line ends");
  EXPECT_EQ(
      message("5 forecast_fitted queue=1 serial=1 forecasts=[{model=none forecast={start=0 step=1 "
              "values=[0*99999999999]}}]"),
      "column 94: expected a run of 2 or more, at most a million values in all, but '99999999999]}}]' came");
}

TEST(EventText, ManyLongRunsInOneLineAreRefused) {
  std::string line = "5 forecast_fitted queue=1 serial=1 forecasts=[";
  for (int i = 0; i < 3; ++i) {
    line += std::string(i > 0 ? " " : "") + "{model=none forecast={start=0 step=1 values=[0*400000]}}";
  }
  EXPECT_FALSE(read_event(line + "]"));
}

TEST(EventText, AnyDamageToALineIsAnErrorOrAnEventNeverACrash) {
  Random random(5);
  Filler filler(random);
  for (int round = 0; round < 40; ++round) {
    each_alternative<Event>([&](Event& event) {
      std::visit([&](auto& it) { filler.fill(it); }, event);
      const std::string text = text_of({.time = {}, .event = event});
      for (int damage = 0; damage < 20; ++damage) {
        std::string hostile = text;
        const std::size_t at = random.below(hostile.size());
        switch (random.below(4)) {
          case 0:
            hostile.resize(at);
            break;
          case 1:
            hostile[at] = static_cast<char>(random.below(256));
            break;
          case 2:
            hostile.erase(at, 1 + random.below(5));
            break;
          default:
            hostile.insert(at, hostile.substr(random.below(hostile.size()), random.below(9)));
        }
        const Result<TimedEvent> back = read_event(hostile);
        ASSERT_TRUE(back || back.error().message.starts_with("column ")) << hostile;
      }
    });
  }
}

TEST(ActionText, EveryActionIsOneIndentedLineWithItsName) {
  Random random(12);
  Filler filler(random);
  each_alternative<Action>([&](Action& action) {
    std::string text;
    std::visit(
        [&](auto& it) {
          filler.fill(it);
          write_text(Action(it), text);
          EXPECT_TRUE(text.starts_with("  " + std::string(kNames<std::remove_cvref_t<decltype(it)>>) + " "))
              << text;
        },
        action);
    EXPECT_EQ(text.find('\n'), text.size() - 1);
  });
}

TEST(ActionText, AFieldThatDiffersShowsInTheLine) {
  PublishPlan publish;
  std::string before, after;
  write_text(Action(publish), before);
  publish.plan.reason.one_more_saves = 0.1;
  write_text(Action(publish), after);
  EXPECT_NE(before, after);
  EXPECT_NE(after.find("one_more_saves=0.1"), std::string::npos);
}

}  // namespace
}  // namespace forewarm
