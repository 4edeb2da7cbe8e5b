// A load on a queue in a PostgreSQL table, as its users build one: inserts, and readers that take what is
// visible with SKIP LOCKED, hide it for a while and delete it when it is done. Each statement is a durable
// commit. A reader that finds nothing looks again half a millisecond later.
//   bench_messages_postgres --port P [--seconds S] [--rate N]
// One connection sends and one takes.
#include <libpq-fe.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "load.h"

using namespace load;

namespace {

constexpr useconds_t kLookAgainUs = 500;

struct Table {
  PGconn* connection;

  explicit Table(int port) {
    const std::string at = "host=127.0.0.1 user=postgres dbname=postgres port=" + std::to_string(port);
    connection = PQconnectdb(at.c_str());
    if (PQstatus(connection) != CONNECTION_OK) die(PQerrorMessage(connection));
  }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  ~Table() { PQfinish(connection); }

  PGresult* expect(PGresult* result) const {
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) die(PQerrorMessage(connection));
    return result;
  }
  void run(const char* statement) const { PQclear(expect(PQexec(connection, statement))); }
  void prepare(const char* name, const char* statement) const {
    PQclear(expect(PQprepare(connection, name, statement, 0, nullptr)));
  }
  PGresult* call(const char* name, const std::string* text) const {
    const std::array<const char*, 1> values{text != nullptr ? text->c_str() : nullptr};
    return expect(
        PQexecPrepared(connection, name, text != nullptr ? 1 : 0, values.data(), nullptr, nullptr, 0));
  }
};

void make_queue(int port) {
  const Table table(port);
  table.run(
      "CREATE TABLE queue (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, visible timestamptz NOT NULL "
      "DEFAULT clock_timestamp(), received int NOT NULL DEFAULT 0, body text NOT NULL) "
      "WITH (fillfactor = 50, autovacuum_vacuum_cost_delay = 0)");
  table.run("CREATE INDEX visible ON queue (visible, id)");
}

void send(Run& run, int port, long rate) {
  const Table table(port);
  table.prepare("send", "INSERT INTO queue (body) VALUES ($1)");
  std::string body(run.bytes, 'x');
  Latencies confirm;
  const auto send_one = [&](std::int64_t due) {
    stamp(body.data(), due);
    PQclear(table.call("send", &body));
    confirm.add(now_us() - due);
    ++run.confirmed;
  };
  if (rate > 0) {
    send_paced(run, rate, send_one);
  } else {
    while (run.sending()) send_one(now_us());
  }
  run.keep(confirm, {});
  run.senders_done = true;
}

void take(Run& run, int port) {
  const Table table(port);
  table.prepare("take",
                "WITH next AS (SELECT id FROM queue WHERE visible <= clock_timestamp() ORDER BY visible, id "
                "LIMIT 10 FOR UPDATE SKIP LOCKED) UPDATE queue SET visible = clock_timestamp() + interval "
                "'30 s', received = received + 1 FROM next WHERE queue.id = next.id "
                "RETURNING queue.id, queue.body");
  table.prepare("done", "DELETE FROM queue WHERE id = ANY($1::bigint[])");
  Latencies end_to_end;
  while (!run.finished()) {
    PGresult* taken = table.call("take", nullptr);
    const std::int64_t now = now_us();
    const int count = PQntuples(taken);
    std::string ids = "{";
    for (int row = 0; row < count; ++row) {
      end_to_end.add(now - stamp_of(PQgetvalue(taken, row, 1)));
      ids.append(row > 0 ? "," : "").append(PQgetvalue(taken, row, 0));
    }
    PQclear(taken);
    if (count == 0) {
      ::usleep(kLookAgainUs);
      continue;
    }
    ids.append("}");
    PQclear(table.call("done", &ids));
    run.consume(static_cast<std::uint64_t>(count));
  }
  run.keep({}, end_to_end);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  Run run(options);
  const int port = static_cast<int>(options.number("port", 5432));
  const long rate = options.number("rate", 0);
  make_queue(port);
  run.begin();
  std::thread taker([&run, port] { take(run, port); });
  send(run, port, rate);
  taker.join();
  return run.print();
}
