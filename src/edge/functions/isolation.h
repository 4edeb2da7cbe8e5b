#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/model/ids.h"
#include "edge/functions/launch.h"

namespace forewarm {

enum class IsolationLevel : std::uint8_t {
  Off,       ///< a function is a process of the server's user
  On,        ///< all layers that the machine has
  Required,  ///< a start without one of them fails
};

struct IsolationSettings {
  IsolationLevel level = IsolationLevel::Off;
  /// Users of instances: this and those after it. Not given to anybody by systemd or by useradd.
  std::uint32_t user_first = 1'880'000'000;
  std::string data_folder{};  ///< of the server; hidden from all functions
  std::string name{};         ///< of this server on this machine, for cgroups and temporary files
};

/// What one instance of a function is to see and to have.
struct InstanceNeeds {
  std::string function{};
  std::string program{};            ///< the file that is run
  std::string working_directory{};  ///< empty: the server's
  std::vector<std::string> read_paths{};
  std::vector<std::string> write_paths{};
  std::vector<std::string> hidden{};  ///< folders of other functions, where its own holds them
  bool network = true;                ///< false: no TCP but with us
  std::uint16_t port = 0;             ///< of its Runtime API, or its own
  bool listens = false;               ///< the port is its own
  std::uint64_t memory_bytes = 0;
  std::uint64_t tmp_bytes = 0;
  std::uint64_t processes_max = 0;
};

/// A layer, as `forewarm doctor` tells of it.
struct LayerState {
  IsolationLayer layer{};
  bool active = false;
  std::string why{};     ///< not active: why not
  std::string remedy{};  ///< what an operator can do about it
};
std::string_view name_of(IsolationLayer layer);
/// What is at risk without the layer, as the end of "without it ...".
std::string_view risk_without(IsolationLayer layer);

/// Shuts instances in, with what this machine has: each layer is tried once at the beginning, by a start of
/// /bin/true, and those that failed are left out (or, if required, fail every start).
///
/// Any thread.
class Isolation {
 public:
  static std::unique_ptr<Isolation> open(const IsolationSettings& settings);
  ~Isolation();
  Isolation(const Isolation&) = delete;
  Isolation& operator=(const Isolation&) = delete;

  const std::vector<LayerState>& layers() const { return layers_; }
  bool required() const { return settings_.level == IsolationLevel::Required; }

  /// Makes what the instance needs and says how it is launched. Exhausted or Io where that failed, Conflict
  /// where isolation is required and cannot be had.
  Result<IsolatedLaunch> prepare(InstanceId instance, const InstanceNeeds& needs);
  /// Its folder for temporary files, to be told to it before it is prepared.
  std::string tmp_folder(InstanceId instance, const InstanceNeeds& needs) const;
  /// Notes what became of the layers; a sentence when one failed that was there at the beginning, or empty.
  std::string check(const InstanceNeeds& needs, const std::vector<LayerOutcome>& outcomes) const;
  /// Whether the kernel killed one of its processes for memory.
  bool ran_out_of_memory(InstanceId instance) const;
  /// All of its processes are gone: removes what prepare() made. Blocks for as long as files are removed.
  void release(InstanceId instance);

 private:
  class Machine;
  explicit Isolation(const IsolationSettings& settings);
  void probe();
  std::uint32_t take_user(InstanceId instance);
  std::string obstacle_to_own_user(const InstanceNeeds& needs) const;
  void add_paths(IsolatedLaunch& launch, const InstanceNeeds& needs, const std::string& tmp) const;
  bool has(IsolationLayer layer) const { return (available_ & layer_bit(layer)) != 0; }

  IsolationSettings settings_;
  std::unique_ptr<Machine> machine_;
  std::uint32_t available_ = 0;
  std::vector<LayerState> layers_;
  std::mutex mutex_;
  std::map<InstanceId, std::uint32_t> users_;
  std::set<std::uint32_t> users_taken_;
  std::uint32_t users_begin_ = 0;  ///< of the range's users, the first that is given
  std::set<InstanceId> prepared_;  ///< and not released, or not to be removed yet
  mutable std::mutex said_mutex_;
  mutable std::set<std::string> said_;
};

}  // namespace forewarm
