#pragma once

#include <concepts>
#include <optional>

#include "core/orchestrator.h"

namespace forewarm {

/// What surrounds the core: a live server, a simulation, a recording. next() waits until the next event or
/// `wake_at`, whichever is first (then the event is TimePassed), and ends the run with nothing.
template <class W>
concept World = requires(W world, TimePoint time, const TimedEvent& event, Actions& actions) {
  { world.next(time) } -> std::same_as<std::optional<TimedEvent>>;
  {world.perform(event, actions)};
};

/// Runs the core in a world until the world ends. serve, replay and tests differ only in the world.
template <World W>
void drive(Orchestrator& orchestrator, W& world) {
  Actions actions;
  while (std::optional<TimedEvent> event = world.next(orchestrator.wake_at())) {
    actions.clear();
    orchestrator.step(event->time, event->event, actions);
    world.perform(*event, actions);
  }
}

}  // namespace forewarm
