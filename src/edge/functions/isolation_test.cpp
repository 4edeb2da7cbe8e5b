#include "edge/functions/isolation.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "edge/functions/spawn.h"
#include "edge/functions/system_call_filter.h"

namespace forewarm {
namespace {

class IsolationTest : public ::testing::Test {
 protected:
  std::unique_ptr<Isolation> open(IsolationLevel level = IsolationLevel::On) const {
    return Isolation::open(
        {.level = level, .data_folder = "/var/lib", .name = "forewarm-test-" + std::to_string(::getpid())});
  }
  static InstanceNeeds needs(std::string program) {
    return {.function = "test",
            .program = std::move(program),
            .working_directory = "/usr",
            .memory_bytes = 64U << 20,
            .tmp_bytes = 1U << 20,
            .processes_max = 64};
  }
  static Result<SpawnedProcess> start(Isolation& isolation, InstanceId id, std::vector<std::string> command) {
    auto plan = isolation.prepare(id, needs(command[0]));
    if (!plan) return std::unexpected(plan.error());
    SpawnRequest request{
        .command = std::move(command), .working_directory = "/usr", .environment = {{"A", "b c"}}};
    request.isolation = std::move(*plan);
    return spawn_process(request);
  }
  /// Wait status and output at the end, which is waited for without a limit.
  static std::pair<int, std::string> end_of(const SpawnedProcess& process) {
    int status = 0, of_program = 0;
    EXPECT_EQ(::waitpid(process.pid, &status, 0), process.pid);
    if (process.status && ::read(process.status.get(), &of_program, sizeof of_program) == sizeof of_program)
      status = of_program;
    std::string text(4096, '\0');
    const ssize_t size = ::read(process.output.get(), text.data(), text.size());
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, size)));
    return {status, text};
  }
};

TEST_F(IsolationTest, TheProgramsOwnEndAndOutputComeThrough) {
  const auto isolation = open();
  auto exits =
      start(*isolation, InstanceId(1), {"/bin/sh", "-c", "echo $A $PWD; echo err >/dev/stderr; exit 7"});
  ASSERT_TRUE(exits) << exits.error().message;
  const auto [status, output] = end_of(*exits);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(output, "b c /usr\nerr\n");
  auto killed = start(*isolation, InstanceId(2), {"/bin/sh", "-c", "kill -SEGV $$"});
  ASSERT_TRUE(killed) << killed.error().message;
  const int by_signal = end_of(*killed).first;
  EXPECT_TRUE(WIFSIGNALED(by_signal));
  EXPECT_EQ(WTERMSIG(by_signal), SIGSEGV);
}

TEST_F(IsolationTest, EachLayerIsActiveOrSaysWhyNotAndWhatToDo) {
  const auto isolation = open();
  for (const LayerState& layer : isolation->layers()) {
    EXPECT_FALSE(name_of(layer.layer).empty());
    EXPECT_EQ(layer.active, layer.why.empty()) << name_of(layer.layer);
    EXPECT_EQ(layer.active, layer.remedy.empty()) << name_of(layer.layer);
  }
  auto process = start(*isolation, InstanceId(1), {"/bin/true"});
  ASSERT_TRUE(process);
  for (const LayerOutcome& outcome : process->layers) EXPECT_EQ(outcome.error, 0) << outcome.step;
  end_of(*process);
}

TEST_F(IsolationTest, AProgramThatCannotBeRunIsToldAsSuch) {
  const auto isolation = open();
  const auto lost = start(*isolation, InstanceId(1), {"/etc/passwd"});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::Invalid);
  const auto large = start(*isolation, InstanceId(2), {"/bin/true", std::string(8 << 20, 'x')});
  ASSERT_FALSE(large);
  EXPECT_NE(large.error().message.find("too large"), std::string::npos) << large.error().message;
}

TEST_F(IsolationTest, RequiredFailsAStartWithoutALayer) {
  const auto isolation = open(IsolationLevel::Required);
  const bool all = std::ranges::all_of(isolation->layers(), &LayerState::active);
  auto process = start(*isolation, InstanceId(1), {"/bin/true"});
  EXPECT_EQ(process.has_value(), all) << (process ? "" : process.error().message);
  if (process) end_of(*process);
}

TEST_F(IsolationTest, UsersAreGivenAgainWhenTheirInstanceIsGone) {
  if (::geteuid() != 0) GTEST_SKIP() << "own user: only root can give processes another user";
  const auto isolation = open();
  const auto user = [&](std::uint64_t id) {
    const auto plan = isolation->prepare(InstanceId(id), needs("/bin/true"));
    return plan ? plan->header.user : 0;
  };
  const std::uint32_t first = user(1), second = user(2);
  EXPECT_GE(first, 1'880'000'000U);
  EXPECT_LT(first, 1'880'100'000U);
  EXPECT_NE(first, second);
  isolation->release(InstanceId(1));
  EXPECT_EQ(user(3), first);
}

TEST_F(IsolationTest, ServersOfOneMachineDoNotShareUsers) {
  if (::geteuid() != 0) GTEST_SKIP() << "own user: only root can give processes another user";
  std::set<std::uint32_t> users;
  for (int server = 0; server < 4; ++server) {
    const auto isolation = Isolation::open(
        {.level = IsolationLevel::On,
         .data_folder = {},
         .name = "forewarm-test-" + std::to_string(::getpid()) + "-" + std::to_string(server)});
    const auto plan = isolation->prepare(InstanceId(1), needs("/bin/true"));
    ASSERT_TRUE(plan) << plan.error().message;
    users.insert(plan->header.user);
    isolation->release(InstanceId(1));
  }
  EXPECT_EQ(users.size(), 4U);
}

TEST_F(IsolationTest, AServerStartedInTheRootOrAHomeFolderShowsThatToNobody) {
  const auto isolation = open();
  const auto sees = [&](std::uint64_t id, std::string directory, const std::string& path) {
    InstanceNeeds what = needs("/bin/true");
    what.working_directory = std::move(directory);
    const auto plan = isolation->prepare(InstanceId(id), what);
    return plan && std::ranges::find(plan->texts, "r" + path) != plan->texts.end();
  };
  const std::string here = std::filesystem::canonical(".");
  EXPECT_FALSE(sees(1, "/", "/"));
  EXPECT_TRUE(sees(2, "/usr/share", "/usr/share"));
  const std::string home = std::getenv("HOME") != nullptr ? std::getenv("HOME") : "";
  ::setenv("HOME", here.c_str(), 1);
  EXPECT_FALSE(sees(3, "", here));
  EXPECT_TRUE(sees(4, here, here));
  ::setenv("HOME", home.c_str(), 1);
}

TEST_F(IsolationTest, NothingIsLeftOfIt) {
  const std::string name = "forewarm-test-" + std::to_string(::getpid());
  {
    const auto isolation = open();
    auto process = start(*isolation, InstanceId(1), {"/bin/true"});
    ASSERT_TRUE(process);
    end_of(*process);
  }
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::temp_directory_path() / name));
}

TEST(SystemCallFilter, FitsIntoTheKernel) {
  for (const bool network : {true, false}) {
    const auto filter = make_system_call_filter(network);
    ASSERT_TRUE(filter) << filter.error().message;
    EXPECT_GT(filter->size(), 100U * 8);
    EXPECT_LT(filter->size(), 4096U * 8);
  }
}

}  // namespace
}  // namespace forewarm
