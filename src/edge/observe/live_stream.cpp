#include "edge/observe/live_stream.h"

#include <algorithm>

#include "edge/observe/snapshot_json.h"

namespace forewarm {
namespace {

constexpr std::size_t kDecisionsAtFirst = 50;
constexpr std::size_t kDecisionsPerTick = 50;

const QueueSnapshot* find_queue(const Snapshot& snapshot, const std::string& name) {
  const auto found = std::find_if(snapshot.queues.begin(), snapshot.queues.end(),
                                  [&](const QueueSnapshot& queue) { return queue.name == name; });
  return found == snapshot.queues.end() ? nullptr : &*found;
}

HttpResponse stream_head() {
  HttpResponse head;
  head.headers = {{"Content-Type", "text/event-stream"},
                  {"Cache-Control", "no-store"},
                  {"X-Content-Type-Options", "nosniff"},
                  {"X-Accel-Buffering", "no"}};
  return head;
}

}  // namespace

LiveStream::~LiveStream() {
  for (const auto& reader : readers_) reader->reply->finish();
}

bool LiveStream::open(const std::string& queue, const Snapshot& snapshot, bool ready,
                      std::shared_ptr<HttpReply> reply) {
  if (readers_.size() >= options_.streams_max) return false;
  auto reader = std::make_shared<Reader>();
  reader->reply = std::move(reply);
  reader->queue = queue;
  readers_.push_back(reader);
  reader->reply->on_closed([this, weak = std::weak_ptr<Reader>(reader)] {
    std::erase_if(readers_, [&](const auto& other) { return other == weak.lock(); });
  });
  reader->reply->start_stream(stream_head());
  reader->reply->write("retry: 1000\n\n");
  const Order order = busiest(snapshot);
  send(*reader, snapshot, overview(snapshot, ready, order, true), order);
  return true;
}

void LiveStream::publish(const Snapshot& snapshot, bool ready) {
  if (readers_.empty()) return;
  const Order order = busiest(snapshot);
  const std::string small = overview(snapshot, ready, order, false);
  std::string large;
  // A write can end a reader, which then leaves the list.
  const std::vector<std::shared_ptr<Reader>> readers(readers_.begin(), readers_.end());
  for (const auto& reader : readers) {
    if (reader->reply->unsent() > options_.unsent_max_bytes) {
      reader->needs_hello = true;
      continue;
    }
    if (reader->needs_hello && large.empty()) large = overview(snapshot, ready, order, true);
    send(*reader, snapshot, reader->needs_hello ? large : small, order);
  }
}

LiveStream::Order LiveStream::busiest(const Snapshot& snapshot) const {
  Order order;
  order.reserve(snapshot.queues.size());
  for (const QueueSnapshot& queue : snapshot.queues) order.push_back(&queue);
  std::stable_sort(order.begin(), order.end(),
                   [](const QueueSnapshot* a, const QueueSnapshot* b) { return a->arrived > b->arrived; });
  if (order.size() > options_.queues_shown_max) order.resize(options_.queues_shown_max);
  return order;
}

std::string LiveStream::overview(const Snapshot& snapshot, bool ready, const Order& order,
                                 bool with_sparklines) const {
  std::string text;
  JsonWriter json(text);
  json.open_object();
  write_server(snapshot, options_.version, ready, json);
  json.member("queues_in_all", snapshot.queues.size());
  json.key("queues").open_array();
  for (const QueueSnapshot* queue : order) {
    json.open_object();
    write_queue(*queue, json);
    if (with_sparklines) write_sparkline(history_.queue(queue->name), json);
    json.close_object();
  }
  json.close_array();
  return text;  // the object is closed by send()
}

void LiveStream::send(Reader& reader, const Snapshot& snapshot, const std::string& overview,
                      const Order& order) const {
  const bool hello = std::exchange(reader.needs_hello, false);
  if (reader.queue.empty() && !order.empty()) {
    reader.queue = order.front()->name;
    reader.decisions_from = TimePoint();
  }
  std::string text = hello ? "event: hello\ndata: " : "event: tick\ndata: ";
  text += overview;
  text += ",\"queue\":";
  JsonWriter json(text);
  const QueueSnapshot* queue = find_queue(snapshot, reader.queue);
  if (queue) {
    json.open_object();
    if (hello) {
      write_queue_detail(*queue, history_.queue(queue->name), json);
    } else {
      write_queue_detail(*queue, nullptr, json);
    }
    json.close_object();
  } else {
    json.null();
  }
  if (hello) reader.decisions_from = TimePoint();
  DecisionQuery query{.queue = reader.queue,
                      .from = reader.decisions_from,
                      .to = snapshot.at,
                      .limit = hello ? kDecisionsAtFirst : kDecisionsPerTick};
  text += ",\"decisions\":";
  text += decisions_ && !reader.queue.empty() ? decisions_json(decisions_->query(query)) : "[]";
  text += "}\n\n";
  reader.decisions_from = snapshot.at;
  reader.reply->write(text);
}

}  // namespace forewarm
