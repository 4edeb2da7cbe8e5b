#include "scaling/queue_choice.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "edge/trace/csv.h"
#include "edge/trace/gzip.h"
#include "edge/trace/trace.h"

namespace forewarm::bench {
namespace {

struct Volume {
  std::string queue;
  double messages = 0;
  bool gauge = false;
};

/// Adds up a trace's rows, which it takes as they are: read_trace says what is wrong with those of the queues
/// that are chosen.
class VolumeReader {
 public:
  explicit VolumeReader(const std::string& name)
      : csv_(name, [this](const CsvRow& row) { return take(row); }) {}

  Result<void> feed(std::string_view bytes) { return csv_.feed(bytes); }
  Result<void> finish() { return csv_.finish(); }
  std::vector<Volume>& volumes() { return volumes_; }

 private:
  Result<void> take(const CsvRow& row) {
    if (!header_seen_) {
      header_seen_ = true;
      queue_ = find_column(row, "queue");
      count_ = find_column(row, "count");
      return {};
    }
    if (queue_ >= row.fields.size()) return {};
    const auto [found, is_new] = index_.try_emplace(std::string(row.fields[queue_]), volumes_.size());
    if (is_new) volumes_.push_back({.queue = found->first});
    Volume& volume = volumes_[found->second];
    const double count = count_ < row.fields.size() ? finite_number(row.fields[count_]).value_or(0) : 1;
    volume.messages += count;
    volume.gauge = volume.gauge || count != std::floor(count);
    return {};
  }

  CsvReader csv_;
  bool header_seen_ = false;
  std::size_t queue_ = kNoColumn, count_ = kNoColumn;
  std::map<std::string, std::size_t> index_;
  std::vector<Volume> volumes_;
};

}  // namespace

Result<QueueChoice> choose_queues(const std::string& path, std::size_t most, std::uint64_t messages_max) {
  const Result<std::string> file = trace_file(path);
  if (!file) return std::unexpected(file.error());
  VolumeReader reader(*file);
  Result<void> read = read_file_pieces(*file, [&](std::string_view bytes) { return reader.feed(bytes); });
  if (read) read = reader.finish();
  if (!read) return std::unexpected(read.error());
  QueueChoice choice;
  std::vector<Volume>& all = reader.volumes();
  std::ranges::stable_sort(all, std::greater<>(), &Volume::messages);
  std::erase_if(all, [&](const Volume& volume) {
    const bool too_many = volume.messages > static_cast<double>(messages_max);
    if (too_many && !volume.gauge) choice.left_out.push_back(volume.queue);
    return too_many || volume.gauge;
  });
  const std::size_t kept = std::min(most, all.size());
  for (std::size_t i = 0; i < kept; ++i) choice.queues.push_back(all[i * all.size() / kept].queue);
  return choice;
}

}  // namespace forewarm::bench
