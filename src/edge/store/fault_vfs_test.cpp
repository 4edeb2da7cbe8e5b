#include "edge/store/fault_vfs.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>

#include "base/check.h"
#include "edge/store/store_fixture.h"

namespace forewarm {
namespace {

/// All that exist: whom the syncs of folders are told to.
struct Watchers {
  std::mutex mutex;
  std::vector<FaultVfs*> all;
};
Watchers& watchers() {
  static Watchers made;
  return made;
}

std::string folder_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

/// SQLite allocates szOsFile bytes: this, then the system's file.
struct FaultFile {
  sqlite3_file base;
  FaultVfs* vfs;
  std::string* path;
  std::uint64_t sync_failures_seen;
  bool syncs_folder;  ///< with its first sync, as SQLite's own layer does for a log that it makes
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

FaultFile& as_fault(sqlite3_file* file) {
  return *reinterpret_cast<FaultFile*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return as_fault(file).real();
}

int close_file(sqlite3_file* file) {
  FaultFile& fault = as_fault(file);
  const int code = fault.real()->pMethods ? fault.real()->pMethods->xClose(fault.real()) : SQLITE_OK;
  delete std::exchange(fault.path, nullptr);
  return code;
}

int read_file_part(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) {
  if (as_fault(file).vfs->next(FaultVfs::Operation::Reading) != FaultVfs::Fault::None)
    return SQLITE_IOERR_READ;
  return real(file)->pMethods->xRead(real(file), bytes, size, offset);
}

int write_file_part(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  FaultFile& fault = as_fault(file);
  fault.vfs->step(*fault.path);
  const auto* data = static_cast<const char*>(bytes);
  int code = SQLITE_OK;
  switch (fault.vfs->next(FaultVfs::Operation::Writing)) {
    case FaultVfs::Fault::WriteError:
      return SQLITE_IOERR_WRITE;
    case FaultVfs::Fault::DiskFull:
      return SQLITE_FULL;
    case FaultVfs::Fault::ShortWrite:
      size /= 2;
      code = SQLITE_FULL;
      break;
    default:
      break;
  }
  const int written = real(file)->pMethods->xWrite(real(file), bytes, size, offset);
  if (written != SQLITE_OK) return written;
  fault.vfs->wrote(*fault.path, offset, data, static_cast<std::size_t>(size));
  return code;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  FaultFile& fault = as_fault(file);
  fault.vfs->step(*fault.path);
  if (fault.vfs->next(FaultVfs::Operation::Truncating) != FaultVfs::Fault::None) return SQLITE_IOERR_TRUNCATE;
  fault.vfs->truncated(*fault.path, size);
  return real(file)->pMethods->xTruncate(real(file), size);
}

int sync_file(sqlite3_file* file, int) {
  FaultFile& fault = as_fault(file);
  fault.vfs->step(*fault.path);
  if (!fault.vfs->sync(*fault.path, fault.sync_failures_seen)) return SQLITE_IOERR_FSYNC;
  if (std::exchange(fault.syncs_folder, false)) fault.vfs->folder_synced(folder_of(*fault.path));
  return SQLITE_OK;
}

const sqlite3_io_methods kMethods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file_part,
    .xWrite = write_file_part,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = [](sqlite3_file* file,
                    sqlite3_int64* size) { return real(file)->pMethods->xFileSize(real(file), size); },
    .xLock = [](sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); },
    .xUnlock = [](sqlite3_file* file, int level) { return real(file)->pMethods->xUnlock(real(file), level); },
    .xCheckReservedLock = [](sqlite3_file* file,
                             int* out) { return real(file)->pMethods->xCheckReservedLock(real(file), out); },
    .xFileControl = [](sqlite3_file* file, int op,
                       void* arg) { return real(file)->pMethods->xFileControl(real(file), op, arg); },
    .xSectorSize = [](sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); },
    .xDeviceCharacteristics =
        [](sqlite3_file* file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); },
    .xShmMap =
        [](sqlite3_file* file, int page, int size, int extend, void volatile** out) {
          return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
        },
    .xShmLock = [](sqlite3_file* file, int offset, int n,
                   int flags) { return real(file)->pMethods->xShmLock(real(file), offset, n, flags); },
    .xShmBarrier = [](sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); },
    .xShmUnmap = [](sqlite3_file* file,
                    int remove) { return real(file)->pMethods->xShmUnmap(real(file), remove); },
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

sqlite3_vfs* system_vfs() {
  return sqlite3_vfs_find("unix");
}

int open_file(sqlite3_vfs* vfs, sqlite3_filename path, sqlite3_file* file, int flags, int* flags_out) {
  FaultFile& fault = as_fault(file);
  std::memset(&fault, 0, sizeof(fault));
  if (path && (flags & SQLITE_OPEN_CREATE)) static_cast<FaultVfs*>(vfs->pAppData)->making(path);
  const int code = system_vfs()->xOpen(system_vfs(), path, fault.real(), flags, flags_out);
  if (code != SQLITE_OK) return code;
  fault.base.pMethods = &kMethods;
  fault.vfs = static_cast<FaultVfs*>(vfs->pAppData);
  fault.path = new std::string(path ? path : "");
  fault.sync_failures_seen = fault.vfs->failures(*fault.path);
  fault.syncs_folder = (flags & SQLITE_OPEN_CREATE) && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL));
  return SQLITE_OK;
}

int remove_file(sqlite3_vfs* vfs, const char* path, int sync_folder) {
  auto& fault = *static_cast<FaultVfs*>(vfs->pAppData);
  fault.removed(path);
  const int code = system_vfs()->xDelete(system_vfs(), path, 0);
  if (sync_folder) fault.folder_synced(folder_of(path));
  return code;
}

class FaultJournalFile final : public JournalFile {
 public:
  FaultJournalFile(FaultVfs& vfs, std::string path, std::unique_ptr<JournalFile> real)
      : vfs_(vfs), path_(std::move(path)), real_(std::move(real)), sync_failures_seen_(vfs.failures(path_)) {}

  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const override {
    if (vfs_.next(FaultVfs::Operation::Reading) != FaultVfs::Fault::None) return failed(ErrorCode::Io);
    return real_->read(offset, into);
  }

  Result<void> write(std::uint64_t offset, std::string_view bytes) override {
    vfs_.step(path_);
    const FaultVfs::Fault fault = vfs_.next(FaultVfs::Operation::Writing);
    if (fault == FaultVfs::Fault::WriteError) return failed(ErrorCode::Io);
    if (fault == FaultVfs::Fault::DiskFull) return failed(ErrorCode::Exhausted);
    if (fault == FaultVfs::Fault::ShortWrite) bytes = bytes.substr(0, bytes.size() / 2);
    if (auto written = real_->write(offset, bytes); !written) return written;
    vfs_.wrote(path_, static_cast<std::int64_t>(offset), bytes.data(), bytes.size());
    return fault == FaultVfs::Fault::None ? Result<void>() : failed(ErrorCode::Exhausted);
  }

  Result<void> truncate(std::uint64_t size) override {
    vfs_.step(path_);
    if (vfs_.next(FaultVfs::Operation::Truncating) != FaultVfs::Fault::None) return failed(ErrorCode::Io);
    vfs_.truncated(path_, static_cast<std::int64_t>(size));
    return real_->truncate(size);
  }

  Result<void> sync() override {
    vfs_.step(path_);
    return vfs_.sync(path_, sync_failures_seen_) ? Result<void>() : failed(ErrorCode::Io);
  }

  Result<std::uint64_t> size() const override { return real_->size(); }

 private:
  std::unexpected<Error> failed(ErrorCode code) const { return error(code, "pretended: " + path_); }

  FaultVfs& vfs_;
  std::string path_;
  std::unique_ptr<JournalFile> real_;
  std::uint64_t sync_failures_seen_;
};

class FaultJournalDisk final : public JournalDisk {
 public:
  explicit FaultJournalDisk(FaultVfs& vfs) : vfs_(vfs) {}

  Result<std::unique_ptr<JournalFile>> open(const std::string& path, bool create) override {
    if (create) vfs_.making(path);
    auto real = system_journal_disk().open(path, create);
    if (!real) return real;
    return std::make_unique<FaultJournalFile>(vfs_, path, std::move(*real));
  }
  std::uint64_t free_bytes(const std::string& path) override {
    return system_journal_disk().free_bytes(folder_of(path));
  }

 private:
  FaultVfs& vfs_;
};

}  // namespace

FaultVfs::FaultVfs(std::string name)
    : name_(std::move(name)), disk_(std::make_unique<FaultJournalDisk>(*this)) {
  auto* vfs = new sqlite3_vfs(*system_vfs());
  vfs->pNext = nullptr;
  vfs->zName = name_.c_str();
  vfs->pAppData = this;
  vfs->szOsFile = static_cast<int>(sizeof(FaultFile)) + system_vfs()->szOsFile;
  vfs->xOpen = open_file;
  vfs->xDelete = remove_file;
  check(sqlite3_vfs_register(vfs, 0) == SQLITE_OK, "a file layer registers");
  const std::lock_guard lock(watchers().mutex);
  watchers().all.push_back(this);
}

FaultVfs::~FaultVfs() {
  {
    const std::lock_guard lock(watchers().mutex);
    std::erase(watchers().all, this);
  }
  sqlite3_vfs* vfs = sqlite3_vfs_find(name_.c_str());
  sqlite3_vfs_unregister(vfs);
  delete vfs;
}

void FaultVfs::arm(Fault fault, std::uint64_t nth, std::uint64_t length) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  left_ = nth;
  length_ = length;
  failed_ = false;
}

bool FaultVfs::has_failed() {
  const std::lock_guard lock(mutex_);
  return failed_;
}

FaultVfs::Fault FaultVfs::next(Operation operation) {
  const std::lock_guard lock(mutex_);
  const Operation kind = fault_ == Fault::SyncError   ? Operation::Syncing
                         : fault_ == Fault::ReadError ? Operation::Reading
                                                      : Operation::Writing;
  if (fault_ == Fault::None || operation != kind) return Fault::None;
  if (left_ > 1) {
    --left_;
    return Fault::None;
  }
  if (length_ == 0) return Fault::None;
  --length_;
  failed_ = true;
  return fault_;
}

void FaultVfs::observe(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  directory_ = directory;
  files_.clear();
  gone_.clear();
  for (const std::string& name : store_files(directory)) {
    const std::string path = directory + "/" + name;
    files_[path].durable = read_file(path);
  }
}

void FaultVfs::step(const std::string& path) {
  if (step_ && observed(path)) step_();
}

void FaultVfs::wrote(const std::string& path, std::int64_t offset, const char* bytes, std::size_t size) {
  const std::lock_guard lock(mutex_);
  if (observed(path)) files_[path].changes.push_back({offset, std::string(bytes, size), false});
}

void FaultVfs::truncated(const std::string& path, std::int64_t size) {
  const std::lock_guard lock(mutex_);
  if (observed(path)) files_[path].changes.push_back({size, {}, true});
}

bool FaultVfs::sync(const std::string& path, std::uint64_t& failures_seen) {
  const bool fails = next(Operation::Syncing) != Fault::None;
  const std::lock_guard lock(mutex_);
  if (!observed(path)) return !fails;
  File& file = files_[path];
  if (fails) {
    ++file.failures;
    drop_unsynced(path, file);
  }
  for (const Change& change : file.changes) apply(change, file.durable);
  file.changes.clear();
  return std::exchange(failures_seen, file.failures) == file.failures;
}

std::uint64_t FaultVfs::failures(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(path);
  return found == files_.end() ? 0 : found->second.failures;
}

void FaultVfs::drop_unsynced(const std::string& path, File& file) {
  std::fstream real(path, std::ios::in | std::ios::out | std::ios::binary);
  for (const Change& change : file.changes) {
    if (change.truncates) continue;
    std::string old(change.bytes.size(), '\0');
    const auto offset = static_cast<std::size_t>(change.offset);
    if (offset < file.durable.size()) file.durable.copy(old.data(), old.size(), offset);
    real.seekp(change.offset);
    real.write(old.data(), static_cast<std::streamsize>(old.size()));
  }
  file.changes.clear();
}

void FaultVfs::making(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (observed(path) && !files_.contains(path) && !std::filesystem::exists(path))
    files_[path].name_durable = false;
}

void FaultVfs::removed(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (const auto found = files_.find(path); found != files_.end()) {
    if (found->second.name_durable) gone_[path] = std::move(found->second);
    files_.erase(found);
  }
}

void FaultVfs::folder_synced(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  if (directory_.empty() || folder != directory_) return;
  gone_.clear();
  for (auto& [path, file] : files_) file.name_durable = true;
}

FaultVfs::Image FaultVfs::crash_image(Loss loss, Random& random) {
  const std::lock_guard lock(mutex_);
  Image image;
  const auto put = [&](const std::string& path, const File& file) {
    image[std::filesystem::path(path).filename().string()] = after_crash(file, loss, random);
  };
  for (const auto& [path, file] : gone_) {
    if (loss == Loss::Anything && random.chance(0.5)) put(path, file);
  }
  for (const auto& [path, file] : files_) {
    if (file.name_durable || loss == Loss::None || random.chance(0.5)) put(path, file);
  }
  return image;
}

std::string FaultVfs::after_crash(const File& file, Loss loss, Random& random) {
  std::string bytes = file.durable;
  for (const Change& change : file.changes) {
    const std::uint64_t fate = loss == Loss::None ? 0 : random.below(3);
    if (fate == 0) apply(change, bytes);
    if (fate == 1) apply_torn(change, bytes, random);
  }
  return bytes;
}

bool FaultVfs::observed(const std::string& path) const {
  return !directory_.empty() && path.starts_with(directory_ + "/");
}

void FaultVfs::apply(const Change& change, std::string& bytes) {
  const auto offset = static_cast<std::size_t>(change.offset);
  if (change.truncates) return bytes.resize(offset);
  if (bytes.size() < offset + change.bytes.size()) bytes.resize(offset + change.bytes.size());
  std::copy(change.bytes.begin(), change.bytes.end(), bytes.begin() + change.offset);
}

void FaultVfs::apply_torn(const Change& change, std::string& bytes, Random& random) {
  constexpr std::int64_t kSector = 512;
  if (change.truncates) return;
  const auto end = change.offset + static_cast<std::int64_t>(change.bytes.size());
  for (std::int64_t at = change.offset; at < end;) {
    const std::int64_t stop = std::min(end, (at / kSector + 1) * kSector);
    const std::string part = change.bytes.substr(static_cast<std::size_t>(at - change.offset),
                                                 static_cast<std::size_t>(stop - at));
    if (random.chance(0.5)) apply({at, part, false}, bytes);
    at = stop;
  }
}

namespace {

TEST(FaultVfs, APowerCutForgetsWhatWasNotSynced) {
  TemporaryFolder directory;
  FaultVfs vfs("fault");
  vfs.observe(directory.path());
  Random random(1);
  const std::string path = directory.path() + "/messages.db";
  vfs.wrote(path, 0, "durable!", 8);
  std::uint64_t failures = 0;
  EXPECT_TRUE(vfs.sync(path, failures));
  vfs.wrote(path, 0, "replaced", 8);
  std::map<std::string, int> seen;
  for (int n = 0; n < 100; ++n) ++seen[vfs.crash_image(FaultVfs::Loss::Anything, random)["messages.db"]];
  EXPECT_GT(seen["durable!"], 20);
  EXPECT_GT(seen["replaced"], 20);
  EXPECT_EQ(vfs.crash_image(FaultVfs::Loss::None, random)["messages.db"], "replaced");
}

TEST(FaultVfs, APowerCutForgetsNamesUntilTheirFolderIsSynced) {
  TemporaryFolder directory;
  FaultVfs vfs("fault");
  vfs.observe(directory.path());
  Random random(1);
  const std::string path = directory.path() + "/messages.journal-0";
  const auto times_there = [&](FaultVfs::Loss loss) {
    int times = 0;
    for (int n = 0; n < 100; ++n)
      times += vfs.crash_image(loss, random).contains("messages.journal-0") ? 1 : 0;
    return times;
  };
  vfs.making(path);
  std::uint64_t failures = 0;
  EXPECT_TRUE(vfs.sync(path, failures)) << "which is of what is in it";
  EXPECT_GT(times_there(FaultVfs::Loss::Anything), 20);
  EXPECT_LT(times_there(FaultVfs::Loss::Anything), 80);
  EXPECT_EQ(times_there(FaultVfs::Loss::None), 100);
  ASSERT_TRUE(vfs.disk().open(path, true)) << "which makes it, and syncs the folder";
  EXPECT_EQ(times_there(FaultVfs::Loss::Anything), 100);
  vfs.removed(path);
  EXPECT_GT(times_there(FaultVfs::Loss::Anything), 20);
  EXPECT_EQ(times_there(FaultVfs::Loss::None), 0);
  vfs.folder_synced(directory.path());
  EXPECT_EQ(times_there(FaultVfs::Loss::Anything), 0);
}

}  // namespace
}  // namespace forewarm

/// In this program in place of the system's: what it is asked for files is left to it.
extern "C" int fsync(int file) {
  struct stat status {};
  if (::fstat(file, &status) != 0 || !S_ISDIR(status.st_mode))
    return static_cast<int>(::syscall(SYS_fsync, file));
  std::error_code failed;
  const auto folder = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file), failed).string();
  forewarm::Watchers& known = forewarm::watchers();
  std::vector<forewarm::FaultVfs*> all;
  {
    const std::lock_guard lock(known.mutex);
    all = known.all;
  }
  for (forewarm::FaultVfs* each : all) each->step(folder + "/");
  for (forewarm::FaultVfs* each : all) each->folder_synced(folder);
  return 0;
}
