#include "edge/functions/spawn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>

#include "edge/files/temporary_folder.h"

namespace forewarm {
namespace {

namespace fs = std::filesystem;

class SpawnTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& content, unsigned mode) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path) << content;
    ::chmod(path.c_str(), static_cast<mode_t>(mode));
    return path;
  }
  static std::string why(std::vector<std::string> command, std::string directory = {},
                         std::string path = "/usr/bin:/bin") {
    const auto process = spawn_process({.command = std::move(command),
                                        .working_directory = std::move(directory),
                                        .environment = {{"PATH", path}}});
    return process ? "started" : process.error().message;
  }

  TemporaryFolder temporary_;
  const std::string directory_ = temporary_.path();
};

/// Waits for the end, bounded, and returns all that was written.
std::string output_of(const SpawnedProcess& process) {
  std::string text;
  pollfd watch{.fd = process.exited.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&watch, 1, 20'000), 1);
  char piece[4096];
  for (ssize_t size = 0; (size = ::read(process.output.get(), piece, sizeof piece)) > 0;)
    text.append(piece, static_cast<std::size_t>(size));
  ::waitpid(process.pid, nullptr, 0);
  return text;
}

TEST_F(SpawnTest, GivesASessionOfItsOwnTheEnvironmentAndNoOtherDescriptor) {
  const int leaked =
      ::fcntl(STDERR_FILENO, F_DUPFD, 50);  // without close-on-exec, as a library might open one
  const auto process = spawn_process(
      {.command = {"sh", "-c", "echo $COLOUR $PWD; test -e /proc/$$/fd/50 && echo leaked; echo $1 >&2", "sh",
                   "a b"},
       .working_directory = directory_,
       .environment = {{"PATH", "/usr/bin:/bin"}, {"COLOUR", "red"}}});
  ::close(leaked);
  ASSERT_EQ(leaked, 50);
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_EQ(::getsid(process->pid), process->pid);
  EXPECT_EQ(output_of(*process), "red " + directory_ + "\na b\n");
}

TEST_F(SpawnTest, GivesWayAsFarAsItIsTold) {
  const auto process = spawn_process(
      {.command = {"sleep", "60"}, .working_directory = {}, .environment = {{"PATH", "/bin"}}, .nice = 7});
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_EQ(::getpriority(PRIO_PROCESS, static_cast<id_t>(process->pid)), 7);
  std::ifstream autogroup("/proc/" + std::to_string(process->pid) + "/autogroup");
  if (std::string line; std::getline(autogroup, line)) {
    EXPECT_TRUE(line.ends_with(" nice 7")) << line;
  }
  ::kill(process->pid, SIGKILL);
  ::waitpid(process->pid, nullptr, 0);
}

TEST_F(SpawnTest, FindsAProgramRelativeToItsWorkingDirectory) {
  file("bootstrap", "#!/bin/sh\necho here\n", 0755);
  const auto process = spawn_process(
      {.command = {"./bootstrap"}, .working_directory = directory_, .environment = {{"PATH", "/bin"}}});
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_EQ(output_of(*process), "here\n");
}

TEST_F(SpawnTest, SaysWhyACommandCannotBeRunAndWhatToDo) {
  const auto has = [](const std::string& message, std::string_view part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  has(why({}), "the command is empty");
  has(why({"no-such-program"}),
      "command not found: no-such-program is in no directory of PATH (/usr/bin:/bin)");
  has(why({"/no/such/program"}), "/no/such/program: No such file or directory");
  has(why({file("plain", "#!/bin/sh\n", 0644)}), "run: chmod +x " + directory_ + "/plain");
  has(why({"plain"}, {}, directory_), "run: chmod +x " + directory_ + "/plain");
  has(why({directory_}), "is a directory");
  has(why({file("noise", "\x01\x02\x03", 0755)}), "#!/bin/sh");
  has(why({file("lost", "#!/no/such/interpreter\n", 0755)}), "its interpreter");
  has(why({"sh"}, "/no/such/directory"), "the working directory /no/such/directory does not exist");
  has(why({"sh", std::string(8 << 20, 'x')}), "too large");
}

TEST_F(SpawnTest, ShortageOfDescriptorsIsAnErrorWithARemedy) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next_free = ::dup(0);
  ::close(next_free);
  for (int spare = 0; spare < 3; ++spare) {
    rlimit tight = before;
    tight.rlim_cur = static_cast<rlim_t>(next_free + spare);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    const auto process =
        spawn_process({.command = {"/bin/true"}, .working_directory = {}, .environment = {}});
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    if (process) {
      output_of(*process);
      continue;
    }
    EXPECT_EQ(process.error().code, ErrorCode::Exhausted);
    EXPECT_NE(process.error().message.find("raise the limit of open files"), std::string::npos)
        << process.error().message;
  }
}

}  // namespace
}  // namespace forewarm
