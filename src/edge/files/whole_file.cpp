#include "edge/files/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

namespace forewarm {
namespace {

/// Of the call that has just failed.
std::unexpected<Error> cannot(std::string_view what, const std::string& path) {
  const std::string why = std::generic_category().message(errno);
  const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
  return error(full ? ErrorCode::Exhausted : ErrorCode::Io,
               path + ": cannot be " + std::string(what) + " (" + why + ")");
}

Result<void> write_all(int file, std::string_view bytes, bool sync, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return cannot("written", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (sync && ::fsync(file) != 0) return cannot("synced", path);
  return {};
}

}  // namespace

Result<void> replace_file(const std::string& path, std::string_view bytes, const ReplaceOptions& options) {
  const std::string aside = path + ".new";
  const int file =
      ::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, static_cast<mode_t>(options.mode));
  if (file < 0) return cannot("written", path);
  Result<void> done = write_all(file, bytes, options.outlives_power_cut, path);
  ::close(file);
  if (done && std::rename(aside.c_str(), path.c_str()) != 0) done = cannot("written", path);
  if (!done) {
    ::unlink(aside.c_str());
    return done;
  }
  return options.outlives_power_cut ? sync_folder_of_file(path) : Result<void>();
}

Result<std::optional<std::string>> read_file_if_any(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return std::nullopt;
  if (file < 0) return cannot("read", path);
  std::string bytes;
  std::array<char, 16384> piece;
  ssize_t got = 0;
  while ((got = ::read(file, piece.data(), piece.size())) != 0) {
    if (got > 0) {
      bytes.append(piece.data(), static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      const auto failed = cannot("read", path);
      ::close(file);
      return failed;
    }
  }
  ::close(file);
  return bytes;
}

Result<std::string> read_whole_file(const std::string& path, std::string_view remedy) {
  Result<std::optional<std::string>> bytes = read_file_if_any(path);
  if (bytes && *bytes) return std::move(**bytes);
  const Error missing{ErrorCode::NotFound, path + ": cannot be read (No such file or directory)"};
  Error why = bytes ? missing : bytes.error();
  if (!remedy.empty()) why.message.append(". ").append(remedy);
  return std::unexpected(why);
}

Result<void> sync_folder_of_file(const std::string& path) {
  auto named = std::filesystem::absolute(path).lexically_normal();
  if (!named.has_filename())
    named = named.parent_path();  // "folder/" is named by what stands before the slash
  const std::string folder = named.parent_path().string();
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return cannot("opened", folder);
  const Result<void> synced = ::fsync(file) == 0 ? Result<void>() : cannot("synced", folder);
  ::close(file);
  return synced;
}

}  // namespace forewarm
