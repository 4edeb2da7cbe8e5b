#pragma once

#include <linux/filter.h>

#include <cstddef>

#include "edge/functions/launcher/launch_spec.h"

namespace forewarm::launcher {

// The program between the server and an instance's own: it is started in the instance's namespaces, shuts the
// doors one after another and becomes the instance's program; in a process namespace it stays as its first
// process. Linked statically and without exceptions, so that it takes a fraction of a millisecond.

constexpr std::size_t kTextsMax = 4096;

/// A spec as it was read; the texts point into memory that lives as long as the process.
struct Spec {
  LaunchHeader header;
  sock_filter* filter = nullptr;
  const char* texts[kTextsMax] = {};  ///< kind, then path
  std::size_t texts_count = 0;

  bool wants(IsolationLayer layer) const { return (header.layers & layer_bit(layer)) != 0; }
  /// The first of a kind, or null.
  const char* text(LaunchText kind) const;
};
/// False where it is not whole.
bool read_spec(int fd, Spec& spec);

/// What became of the layers. Sent in one piece, so that nothing is sent by a process that must not.
class Reports {
 public:
  /// 0: active. The first failure of a layer is kept.
  void add(IsolationLayer layer, int error, const char* step);
  void program_failed(int error, const char* step);
  bool any_failed() const;
  void send(int fd) const;

 private:
  LaunchReport reports_[kIsolationLayers] = {};
  std::size_t count_ = 0;
  bool program_failed_ = false;
  LaunchReport failure_ = {};  ///< of the program
};

// While privileged, before the fork.
void map_users(Reports& reports, unsigned user, unsigned group);
void join_cgroups(const Spec& spec, Reports& reports);
void make_mounts(const Spec& spec, Reports& reports);
void limit_resources(const Spec& spec, Reports& reports);

// In the process that becomes the program, in this order.
void drop_capabilities_to_come(Reports& reports);
void change_user(const Spec& spec, Reports& reports);
void drop_capabilities(Reports& reports);
void forbid_new_privileges(Reports& reports);
void restrict_files(const Spec& spec, Reports& reports);
void filter_system_calls(const Spec& spec, Reports& reports);

}  // namespace forewarm::launcher
