// A load on Redis streams: pipelined XADD; XREADGROUP, then XACK and XDEL.
//   bench_messages_redis --port P [--seconds S] [--connections N] [--window W]
#include <hiredis/hiredis.h>

#include <deque>
#include <thread>

#include "load.h"

using namespace load;

namespace {

constexpr const char* kRead = "XREADGROUP GROUP g c%d COUNT 100 BLOCK 20 STREAMS bench >";

struct Reply {
  explicit Reply(void* reply) : value(static_cast<redisReply*>(reply)) {
    if (!value) die("redis closed the connection");
    if (value->type == REDIS_REPLY_ERROR) die(value->str);
  }
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply() { freeReplyObject(value); }
  redisReply* value;
};

redisContext* connect_to(int port) {
  redisContext* connection = redisConnect("127.0.0.1", port);
  if (!connection || connection->err) die("redis does not answer");
  return connection;
}

void* next_reply(redisContext* connection) {
  void* reply = nullptr;
  return redisGetReply(connection, &reply) == REDIS_OK ? reply : nullptr;
}

void send(Run& run, int port, std::size_t window) {
  redisContext* connection = connect_to(port);
  Latencies confirm;
  std::deque<std::int64_t> outstanding;
  std::string body(run.bytes, 'x');
  const auto wait_until_left = [&](std::size_t left) {
    while (outstanding.size() > left) {
      const Reply added(next_reply(connection));
      confirm.add(now_us() - outstanding.front());
      outstanding.pop_front();
      ++run.confirmed;
    }
  };
  while (run.sending()) {
    if (outstanding.size() >= window) wait_until_left(window / 2);
    outstanding.push_back(now_us());
    stamp(body.data(), outstanding.back());
    redisAppendCommand(connection, "XADD bench * b %b", body.data(), body.size());
  }
  wait_until_left(0);
  run.keep(confirm, {});
  redisFree(connection);
}

void acknowledge(redisContext* connection, redisReply* messages) {
  std::vector<const char*> arguments = {"XACK", "bench", "g"};
  std::vector<std::size_t> lengths = {4, 5, 1};
  for (std::size_t i = 0; i < messages->elements; ++i) {
    const redisReply* id = messages->element[i]->element[0];
    arguments.push_back(id->str);
    lengths.push_back(static_cast<std::size_t>(id->len));
  }
  redisAppendCommandArgv(connection, static_cast<int>(arguments.size()), arguments.data(), lengths.data());
  arguments.erase(arguments.begin() + 2);
  lengths.erase(lengths.begin() + 2);
  arguments[0] = "XDEL";
  redisAppendCommandArgv(connection, static_cast<int>(arguments.size()), arguments.data(), lengths.data());
  const Reply acknowledged(next_reply(connection)), deleted(next_reply(connection));
}

void consume(Run& run, int port, int number) {
  redisContext* connection = connect_to(port);
  Latencies end_to_end;
  while (!run.finished()) {
    const Reply read(redisCommand(connection, kRead, number));
    const std::int64_t now = now_us();
    if (read.value->type != REDIS_REPLY_ARRAY || read.value->elements == 0) continue;
    redisReply* messages = read.value->element[0]->element[1];
    for (std::size_t i = 0; i < messages->elements; ++i) {
      end_to_end.add(now - stamp_of(messages->element[i]->element[1]->element[1]->str));
    }
    acknowledge(connection, messages);
    run.consume(messages->elements);
  }
  run.keep({}, end_to_end);
  redisFree(connection);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  Run run(options);
  const int port = static_cast<int>(options.number("port", 6379));
  const int connections = static_cast<int>(options.number("connections", 1));
  const auto window = static_cast<std::size_t>(options.number("window", 500));
  redisContext* setup = connect_to(port);
  { const Reply deleted(redisCommand(setup, "DEL bench")); }
  { const Reply made(redisCommand(setup, "XGROUP CREATE bench g $ MKSTREAM")); }
  redisFree(setup);
  run.begin();
  std::vector<std::thread> senders, consumers;
  for (int i = 0; i < connections; ++i) {
    consumers.emplace_back([&run, port, i] { consume(run, port, i); });
    senders.emplace_back([&run, port, window] { send(run, port, window); });
  }
  for (std::thread& each : senders) each.join();
  run.senders_done = true;
  for (std::thread& each : consumers) each.join();
  return run.print();
}
