#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "edge/functions/launcher/launcher.h"

namespace forewarm::launcher {

const char* Spec::text(LaunchText kind) const {
  for (std::size_t i = 0; i < texts_count; ++i) {
    if (texts[i][0] == static_cast<char>(kind)) return texts[i] + 1;
  }
  return nullptr;
}

bool read_spec(int fd, Spec& spec) {
  struct stat found {};
  if (::fstat(fd, &found) != 0 || found.st_size < static_cast<off_t>(sizeof spec.header)) return false;
  const auto size = static_cast<std::size_t>(found.st_size);
  // Private: what is read here cannot change any more.
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  if (memory == MAP_FAILED) return false;
  auto* bytes = static_cast<char*>(memory);
  ::memcpy(&spec.header, bytes, sizeof spec.header);
  const std::size_t filter_bytes = std::size_t{spec.header.filter_length} * sizeof(sock_filter);
  if (size != sizeof spec.header + filter_bytes + spec.header.texts_bytes) return false;
  spec.filter = reinterpret_cast<sock_filter*>(bytes + sizeof spec.header);
  const char* text = bytes + sizeof spec.header + filter_bytes;
  const char* end = bytes + size;
  if (text != end && end[-1] != '\0') return false;
  while (text < end) {
    if (spec.texts_count == kTextsMax) return false;
    spec.texts[spec.texts_count++] = text;
    text += ::strlen(text) + 1;
  }
  return true;
}

void Reports::add(IsolationLayer layer, int error, const char* step) {
  for (std::size_t i = 0; i < count_; ++i) {
    LaunchReport& known = reports_[i];
    if (known.kind != static_cast<std::uint8_t>(layer)) continue;
    if (known.error == 0 && error != 0) {
      known.error = error;
      ::strncpy(known.step, step, sizeof known.step - 1);
    }
    return;
  }
  if (count_ == kIsolationLayers) return;
  reports_[count_].kind = static_cast<std::uint8_t>(layer);
  reports_[count_].error = error;
  if (error != 0) ::strncpy(reports_[count_].step, step, sizeof reports_[count_].step - 1);
  ++count_;
}

void Reports::program_failed(int error, const char* step) {
  program_failed_ = true;
  failure_.kind = kProgramFailed;
  failure_.error = error;
  ::strncpy(failure_.step, step, sizeof failure_.step - 1);
}

bool Reports::any_failed() const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (reports_[i].error != 0) return true;
  }
  return false;
}

void Reports::send(int fd) const {
  // Less than PIPE_BUF together, so that none is torn and none waits.
  if (::write(fd, reports_, count_ * sizeof(LaunchReport)) < 0) return;
  if (program_failed_ && ::write(fd, &failure_, sizeof failure_) < 0) return;
}

}  // namespace forewarm::launcher
