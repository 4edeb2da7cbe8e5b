#include "edge/functions/isolation.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <system_error>

#include "edge/functions/cgroups.h"
#include "edge/functions/isolation_words.h"
#include "edge/functions/system_call_filter.h"
#include "edge/functions/visible_paths.h"

namespace forewarm {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kUsersMax = 100'000;
/// As on Lambda (docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
constexpr std::uint64_t kOpenFilesMax = 1024;
/// Whether this user namespace has all users of the range (user_namespaces(7)).
bool has_users(std::uint64_t first, std::uint64_t count) {
  std::ifstream map("/proc/self/uid_map");
  for (std::uint64_t inside = 0, outside = 0, length = 0; map >> inside >> outside >> length;) {
    if (inside <= first && first + count <= inside + length) return true;
  }
  return false;
}

/// Runtimes reserve a multiple of what they use, stacks above all.
constexpr std::uint64_t kDataSlackBytes = 512ULL << 20;
/// Of paths; the launcher takes some more.
constexpr std::size_t kTextsMax = 4'000;
constexpr InstanceId kProbe{(std::uint64_t{1} << 63) + 1};

constexpr std::array kNamespaces{IsolationLayer::PidNamespace, IsolationLayer::MountNamespace,
                                 IsolationLayer::IpcNamespace};

/// The folder that a function is given to see as its working directory; empty where it has none of its own
/// and the server was started in a place that holds more than a function's files: the root, or a home folder.
std::string working_folder(const InstanceNeeds& needs) {
  const std::string folder = real_path(needs.working_directory, "");
  const char* home = std::getenv("HOME");
  const bool holds_home = home != nullptr && *home == '/' && is_within(real_path(home, "/"), folder);
  return folder == "/" || (needs.working_directory.empty() && holds_home) ? "" : folder;
}

/// A folder of ours that nobody else can have put there, or empty.
std::string make_own_folder(const std::string& path) {
  ::mkdir(path.c_str(), 0711);
  struct stat found {};
  const bool ours =
      ::lstat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == ::geteuid();
  return ours && ::chmod(path.c_str(), 0711) == 0 ? path : std::string();
}

}  // namespace

/// What does not change once it was looked for.
class Isolation::Machine {
 public:
  explicit Machine(const std::string& name) : cgroups(Cgroups::open(name)) {
    std::error_code failed;
    fs::path base = fs::temp_directory_path(failed);
    if (failed) base = "/tmp";
    tmp_root = make_own_folder(real_path(name, base));
    if (tmp_root.empty()) return;
    fs::remove_all(tmp_root, failed);  // of a killed server
    tmp_root = make_own_folder(tmp_root);
    tmp_mount = make_own_folder(tmp_root + "/mount");
    const auto make_filter = [](bool network) -> std::shared_ptr<const std::string> {
      Result<std::string> made = make_system_call_filter(network);
      return made ? std::make_shared<const std::string>(std::move(*made)) : nullptr;
    };
    filter = make_filter(true);
    filter_without_network = make_filter(false);
  }

  /// Also in a container whose root is no root outside, or has lost its capabilities.
  std::string why_no_other_users(std::uint32_t user) const {
    if (::geteuid() != 0) return "only root can give processes another user";
    if (tmp_mount.empty() ||
        (::chown(tmp_mount.c_str(), user, user) == 0 && ::chown(tmp_mount.c_str(), 0, 0) == 0))
      return {};
    return "files cannot be given to user " + std::to_string(user) + ": " +
           std::generic_category().message(errno);
  }

  Cgroups cgroups;
  std::string tmp_root;   ///< empty: could not be made
  std::string tmp_mount;  ///< where each instance mounts a file system of its own, if not on /tmp
  std::shared_ptr<const std::string> filter;
  std::shared_ptr<const std::string> filter_without_network;
};

std::unique_ptr<Isolation> Isolation::open(const IsolationSettings& settings) {
  std::unique_ptr<Isolation> isolation(new Isolation(settings));
  isolation->probe();
  return isolation;
}

Isolation::Isolation(const IsolationSettings& settings)
    : settings_(settings), machine_(std::make_unique<Machine>(settings.name)) {
  if (!settings_.data_folder.empty()) settings_.data_folder = real_path(settings_.data_folder, "");
  // Servers of one machine that share their users' range begin at different places in it: two instances with
  // one user would share its limit of processes, and could signal each other.
  if (has_users(settings_.user_first, kUsersMax))
    users_begin_ = static_cast<std::uint32_t>(std::hash<std::string>()(settings_.name) % kUsersMax);
}

Isolation::~Isolation() {
  for (const InstanceId instance : prepared_) machine_->cgroups.remove(instance);
  machine_->cgroups.close();
  std::error_code failed;
  if (!machine_->tmp_root.empty()) fs::remove_all(machine_->tmp_root, failed);
}

/// One start with everything; what the kernel refuses to clone with is then left out.
void Isolation::probe() {
  available_ = (1U << kIsolationLayers) - 1;
  const bool privileged = ::geteuid() == 0;
  std::map<IsolationLayer, std::string> why;
  const auto lacks = [&](IsolationLayer layer, const std::string& reason) {
    available_ &= ~layer_bit(layer);
    why.try_emplace(layer, reason);
  };
  if (privileged) available_ &= ~layer_bit(IsolationLayer::UserNamespace);
  if (const std::string reason = machine_->why_no_other_users(settings_.user_first); !reason.empty())
    lacks(IsolationLayer::User, reason);
  if (!machine_->cgroups.memory_why().empty())
    lacks(IsolationLayer::MemoryLimit, machine_->cgroups.memory_why());
  if (!machine_->cgroups.processes_why().empty())
    lacks(IsolationLayer::ProcessLimit, machine_->cgroups.processes_why());
  if (!machine_->filter) lacks(IsolationLayer::SystemCalls, "libseccomp cannot make a filter on this system");

  InstanceNeeds needs{.function = "a probe", .program = "/bin/true", .working_directory = "/usr"};
  needs.network = false;
  needs.memory_bytes = 64ULL << 20;
  needs.processes_max = 64;
  needs.tmp_bytes = 1U << 20;
  std::string name = "true";
  std::array<char*, 2> arguments{name.data(), nullptr};
  std::array<char*, 1> environment{nullptr};
  std::array<int, 2> output{};
  if (::pipe2(output.data(), O_CLOEXEC) != 0) return;
  const OwnedFd ours(output[0]), theirs(output[1]);
  for (int attempt = 0; attempt < 3; ++attempt) {
    Result<IsolatedLaunch> plan = prepare(kProbe, needs);
    std::expected<LaunchedProcess, LaunchFailure> done =
        std::unexpected(LaunchFailure{EIO, "prepare", false});
    if (plan) {
      plan->header.required = 0;
      done = launch(*plan, arguments.data(), environment.data(), theirs.get());
    }
    if (done) {
      for (const LayerOutcome& outcome : done->layers) {
        if (outcome.error != 0)
          lacks(outcome.layer,
                "cannot " + outcome.step + ": " + std::generic_category().message(outcome.error));
      }
      ::waitpid(done->pid, nullptr, 0);
    }
    release(kProbe);
    if (done) break;
    const std::string reason =
        plan ? "cannot " + done.error().step + ": " + std::generic_category().message(done.error().error)
             : plan.error().message;
    const bool by_namespaces = plan && (available_ & layer_bit(IsolationLayer::PidNamespace)) != 0;
    if (by_namespaces) {
      for (const IsolationLayer layer : kNamespaces) lacks(layer, reason);
      if (!privileged) lacks(IsolationLayer::UserNamespace, reason);
    } else {
      lacks(IsolationLayer::MemoryLimit, reason);
      lacks(IsolationLayer::ProcessLimit, reason);
    }
  }
  for (std::uint32_t i = 0; i < kIsolationLayers; ++i) {
    const auto layer = static_cast<IsolationLayer>(i);
    if (layer == IsolationLayer::UserNamespace && privileged) continue;
    const auto reason = why.find(layer);
    layers_.push_back(reason == why.end() ? LayerState{.layer = layer, .active = true}
                                          : LayerState{layer, false, reason->second, remedy_for(layer)});
  }
}

std::uint32_t Isolation::take_user(InstanceId instance) {
  const std::lock_guard lock(mutex_);
  for (std::uint32_t i = 0; i < kUsersMax; ++i) {
    const std::uint32_t user = settings_.user_first + (users_begin_ + i) % kUsersMax;
    if (!users_taken_.insert(user).second) continue;
    users_[instance] = user;
    return user;
  }
  return 0;
}

/// Why the function has to run as the server's user: something of what it needs is for that one only.
std::string Isolation::obstacle_to_own_user(const InstanceNeeds& needs) const {
  std::string lack = what_others_lack(working_folder(needs), false);
  if (lack.empty()) lack = what_others_lack(real_path(needs.program, needs.working_directory), false);
  for (const std::string& path : needs.read_paths) {
    if (lack.empty()) lack = what_others_lack(path, false);
  }
  for (const std::string& path : needs.write_paths) {
    if (lack.empty()) lack = what_others_lack(path, true);
  }
  return lack;
}

std::string Isolation::tmp_folder(InstanceId instance, const InstanceNeeds& needs) const {
  if (!has(IsolationLayer::MountNamespace))
    return machine_->tmp_root.empty() ? "" : machine_->tmp_root + "/" + std::to_string(instance.value());
  bool uses_tmp = is_within(real_path(needs.working_directory, ""), "/tmp") ||
                  is_within(real_path(needs.program, needs.working_directory), "/tmp");
  for (const auto* paths : {&needs.read_paths, &needs.write_paths})
    uses_tmp |= std::ranges::any_of(*paths, [](const std::string& path) { return is_within(path, "/tmp"); });
  return uses_tmp ? machine_->tmp_mount : "/tmp";
}

void Isolation::add_paths(IsolatedLaunch& launch, const InstanceNeeds& needs, const std::string& tmp) const {
  std::vector<std::string> hidden;
  if (!settings_.data_folder.empty()) hidden.push_back(settings_.data_folder);
  std::vector<std::string> hidden_beneath = needs.hidden;
  hidden_beneath.insert(hidden_beneath.end(), hidden.begin(), hidden.end());
  const std::string directory = working_folder(needs);
  for (const std::string& path : system_paths(launch.wants(IsolationLayer::User)))
    launch.add(LaunchText::Readable, path);
  for (const std::string& path : device_paths()) launch.add(LaunchText::Device, path);
  const auto add_all = [&](LaunchText kind, const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      if (launch.texts.size() < kTextsMax) launch.add(kind, path);
    }
  };
  const auto add = [&](LaunchText kind, const std::string& folder) {
    add_all(kind, without_hidden(folder, hidden));
  };
  if (!directory.empty()) add_all(LaunchText::Readable, without_hidden(directory, hidden_beneath));
  add(LaunchText::Readable, real_path(needs.program, needs.working_directory));
  for (const std::string& path : needs.read_paths) add(LaunchText::Readable, path);
  for (const std::string& path : needs.write_paths) add(LaunchText::Writable, path);
  if (!tmp.empty()) launch.add(LaunchText::Tmp, tmp);
  // Its own then; else everybody's.
  if (launch.wants(IsolationLayer::MountNamespace)) launch.add(LaunchText::Writable, "/dev/shm");
  const bool inside = is_within(directory, settings_.data_folder);
  if (!settings_.data_folder.empty() && !inside && ::access(settings_.data_folder.c_str(), F_OK) == 0)
    launch.add(LaunchText::Hidden, settings_.data_folder);
}

Result<IsolatedLaunch> Isolation::prepare(InstanceId instance, const InstanceNeeds& needs) {
  {
    const std::lock_guard lock(mutex_);
    prepared_.insert(instance);
  }
  IsolatedLaunch launch;
  launch.header.layers = required() ? (1U << kIsolationLayers) - 1 : available_;
  const auto leave_out = [&](IsolationLayer layer) { launch.header.layers &= ~layer_bit(layer); };
  if (::geteuid() == 0) leave_out(IsolationLayer::UserNamespace);
  if (needs.network) leave_out(IsolationLayer::Network);
  launch.header.required = required() ? 1 : 0;
  if (launch.wants(IsolationLayer::User)) {
    const std::string obstacle = obstacle_to_own_user(needs);
    if (!obstacle.empty() && required())
      return error(ErrorCode::Conflict, "isolation is required and " + needs.function +
                                            " cannot have a user of its own: " + obstacle);
    launch.header.user = obstacle.empty() ? take_user(instance) : 0;
    if (launch.header.user == 0) leave_out(IsolationLayer::User);
    launch.note = obstacle;
  }
  if (launch.wants(IsolationLayer::UserNamespace)) {
    launch.header.user = ::geteuid();
    launch.header.user_group = ::getegid();
  }
  Result<std::vector<std::string>> cgroups =
      machine_->cgroups.make(instance, needs.memory_bytes, needs.processes_max);
  if (!cgroups) return std::unexpected(cgroups.error());
  for (const std::string& folder : *cgroups) launch.add(LaunchText::Cgroup, folder);
  const std::string tmp = tmp_folder(instance, needs);
  const bool tmp_on_disk = !tmp.empty() && !launch.wants(IsolationLayer::MountNamespace);
  if (tmp_on_disk) {
    if (::mkdir(tmp.c_str(), 0700) != 0 && errno != EEXIST)
      return error(ErrorCode::Exhausted, tmp + " cannot be made: " + std::generic_category().message(errno));
    if (launch.wants(IsolationLayer::User) &&
        ::chown(tmp.c_str(), launch.header.user, launch.header.user) != 0)
      return error(ErrorCode::Io, tmp + " cannot be given to the instance's user: " +
                                      std::generic_category().message(errno));
  }
  add_paths(launch, needs, tmp);
  launch.add(LaunchText::Program, needs.program);
  if (!needs.working_directory.empty()) launch.add(LaunchText::WorkingDirectory, needs.working_directory);
  launch.filter = needs.network ? machine_->filter : machine_->filter_without_network;
  if (launch.filter)
    launch.header.filter_length = static_cast<std::uint32_t>(launch.filter->size() / sizeof(std::uint64_t));
  launch.header.port = needs.port;
  launch.header.listens = needs.listens ? 1 : 0;
  launch.header.tmp_bytes = needs.tmp_bytes;
  launch.header.files_max = kOpenFilesMax;
  launch.header.processes_max = needs.processes_max;
  if (!launch.wants(IsolationLayer::MemoryLimit))
    launch.header.data_bytes_max = needs.memory_bytes + kDataSlackBytes;
  if (tmp_on_disk && needs.write_paths.empty()) launch.header.file_bytes_max = needs.tmp_bytes;
  return launch;
}

std::string Isolation::check(const InstanceNeeds& needs, const std::vector<LayerOutcome>& outcomes) const {
  std::string sentence;
  for (const LayerOutcome& outcome : outcomes) {
    if (outcome.error == 0 || !has(outcome.layer)) continue;
    const std::lock_guard lock(said_mutex_);
    if (!said_.insert(needs.function + "/" + std::string(name_of(outcome.layer))).second) continue;
    sentence += (sentence.empty() ? needs.function + " runs without: " : "; ") +
                std::string(name_of(outcome.layer)) + " (cannot " + outcome.step + ": " +
                std::generic_category().message(outcome.error) + ")";
  }
  return sentence;
}

bool Isolation::ran_out_of_memory(InstanceId instance) const {
  return machine_->cgroups.out_of_memory_kills(instance) > 0;
}

void Isolation::release(InstanceId instance) {
  std::error_code failed;
  if (!machine_->tmp_root.empty() && !has(IsolationLayer::MountNamespace))
    fs::remove_all(machine_->tmp_root + "/" + std::to_string(instance.value()), failed);
  const std::lock_guard lock(mutex_);
  // The kernel may still be busy with the last process of an earlier one.
  std::erase_if(prepared_, [&](InstanceId each) {
    return (each == instance || !users_.contains(each)) && machine_->cgroups.remove(each);
  });
  const auto user = users_.find(instance);
  if (user == users_.end()) return;
  users_taken_.erase(user->second);
  users_.erase(user);
}

}  // namespace forewarm
