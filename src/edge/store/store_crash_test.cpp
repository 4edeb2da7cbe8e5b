#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>

#include "base/random.h"
#include "edge/store/fault_vfs.h"
#include "edge/store/store_contents.h"

// A store under load is cut off at every kind of moment, and what opens afterwards is compared with what was
// promised.

namespace forewarm {
namespace {

/// Every state that was ever asked for, and how far the answers have come.
struct History {
  std::mutex mutex;
  std::vector<std::string> states{""};  ///< after the first n jobs
  std::size_t answered = 0;             ///< jobs that were answered with success
  std::size_t durable = 0;              ///< of these, up to the last Synced one
};

class Crashes {
 public:
  /// `share`: of the moments at which it could crash.
  Crashes(FaultVfs::Loss loss, std::uint64_t seed, int count, double share = 0.25)
      : loss_(loss),
        share_(share),
        random_(seed),
        left_(count),
        load_(seed),
        vfs_("observed"),
        recovery_vfs_("recovery") {}

  void run() {
    vfs_.observe(directory_.path());
    vfs_.at_each_step([this] { maybe_crash(); });
    auto store = open_store({.directory = directory_.path()}, nullptr, on(vfs_, eager_settling()));
    while (left_ > 0) submit(*store);
    store.reset();
    vfs_.at_each_step(nullptr);
    EXPECT_EQ(open_and_describe(directory_.path()), history_.states.back());
  }

 private:
  void submit(Store& store) {
    const std::vector<Write> writes = load_.next();
    const auto durability = choice_.chance(0.5) ? Durability::Synced : Durability::Written;
    std::size_t job = 0;
    {
      const std::lock_guard lock(history_.mutex);
      job = history_.states.size();
      history_.states.push_back(describe(load_.contents()));
    }
    const bool wait = choice_.chance(0.3);
    Completion completion;
    ASSERT_TRUE(store.submit(writes, durability,
                             [this, job, durability, wait, &completion](const Result<void>& result) {
                               EXPECT_TRUE(result);
                               {
                                 const std::lock_guard lock(history_.mutex);
                                 history_.answered = job;
                                 if (durability == Durability::Synced) history_.durable = job;
                               }
                               if (wait) completion.done()(result);
                             }));
    if (wait) completion.wait();
  }

  void maybe_crash() {
    const std::lock_guard one_at_a_time(crash_mutex_);
    if (left_ <= 0 || !random_.chance(share_)) return;
    --left_;
    std::size_t least = 0;
    {
      const std::lock_guard lock(history_.mutex);
      least = loss_ == FaultVfs::Loss::None ? history_.answered : history_.durable;
    }
    // Other threads go on: what is read before the image is what it must have, what is read after it, what it
    // may have.
    const std::string mark = read_file(directory_.path() + "/messages.synced");
    const FaultVfs::Image image = vfs_.crash_image(loss_, random_);
    std::vector<std::string> states;
    {
      const std::lock_guard lock(history_.mutex);
      states.assign(history_.states.begin() + static_cast<std::ptrdiff_t>(least), history_.states.end());
    }
    const std::string found = open_image(image, mark);
    EXPECT_NE(std::ranges::find(states, found), states.end()) << "after job " << least << " opened:\n"
                                                              << found << "\npromised at least:\n"
                                                              << states.front();
  }

  std::string open_image(const FaultVfs::Image& image, const std::string& mark) {
    TemporaryFolder copy(memory_directory());
    for (const auto& [name, bytes] : image) write_file(copy.path() + "/" + name, bytes);
    write_file(copy.path() + "/messages.synced", mark);
    return open_and_describe(copy.path(), &recovery_vfs_);
  }

  FaultVfs::Loss loss_;
  double share_;
  Random random_;
  Random choice_{99};
  std::atomic<int> left_;
  Load load_;
  History history_;
  std::mutex crash_mutex_;
  TemporaryFolder directory_{memory_directory()};
  FaultVfs vfs_;
  FaultVfs recovery_vfs_;
};

/// FOREWARM_CRASH_POINTS asks for more than every change needs.
int crash_points(int otherwise) {
  const char* asked = std::getenv("FOREWARM_CRASH_POINTS");
  return asked == nullptr ? otherwise : std::max(1, std::atoi(asked));
}

TEST(StoreCrash, APowerCutAtAnyMomentLeavesAllThatWasSyncedAndNothingHalf) {
  Crashes(FaultVfs::Loss::Anything, 1, crash_points(1200 / kSlowdown)).run();
}

TEST(StoreCrash, APowerCutWhileAStoreIsMadeAndFirstUsedLeavesAllThatWasSynced) {
  const int lives = std::max(3, 30 / kSlowdown);
  for (int life = 0; life < lives; ++life)
    Crashes(FaultVfs::Loss::Anything, 100 + static_cast<std::uint64_t>(life), 60, 1).run();
}

TEST(StoreCrash, AKillAtAnyMomentLeavesAllThatWasAnswered) {
  Crashes(FaultVfs::Loss::None, 2, crash_points(300 / kSlowdown)).run();
}

}  // namespace
}  // namespace forewarm
