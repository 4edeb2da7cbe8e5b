// A load on a RabbitMQ quorum queue: persistent messages with publisher confirms; manual acknowledgements.
//   bench_messages_amqp --port P [--seconds S] [--connections N] [--window W] [--rate N]
// With --rate one connection sends so many a second, whether or not the others have been confirmed in time.
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <poll.h>
#include <sys/time.h>

#include <thread>

#include "load.h"

using namespace load;

namespace {

constexpr amqp_channel_t kChannel = 1;
constexpr std::uint64_t kAcknowledgeEvery = 50;

amqp_bytes_t queue_name() {
  return amqp_cstring_bytes("bench");
}

amqp_connection_state_t connect_to(int port) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t* socket = amqp_tcp_socket_new(connection);
  if (amqp_socket_open(socket, "127.0.0.1", port) != AMQP_STATUS_OK) die("rabbitmq does not answer");
  const auto reply = amqp_login(connection, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) die("rabbitmq refuses the login");
  amqp_channel_open(connection, kChannel);
  return connection;
}

void expect_success(amqp_connection_state_t connection, const char* what) {
  if (amqp_get_rpc_reply(connection).reply_type != AMQP_RESPONSE_NORMAL) {
    die(std::string("rabbitmq refuses to ") + what);
  }
}

void make_queue(int port) {
  amqp_connection_state_t connection = connect_to(port);
  amqp_table_entry_t kind{};
  kind.key = amqp_cstring_bytes("x-queue-type");
  kind.value.kind = AMQP_FIELD_KIND_UTF8;
  kind.value.value.bytes = amqp_cstring_bytes("quorum");
  amqp_queue_declare(connection, kChannel, queue_name(), 0, 1, 0, 0, amqp_table_t{1, &kind});
  expect_success(connection, "make a quorum queue");
  amqp_queue_purge(connection, kChannel, queue_name());
  amqp_destroy_connection(connection);
}

/// One sending connection and what it waits for.
class Sender {
 public:
  Sender(Run& run, int port, std::uint64_t window)
      : run_(run), window_(window), connection_(connect_to(port)) {
    amqp_confirm_select(connection_, kChannel);
    expect_success(connection_, "confirm");
  }

  void work() {
    while (run_.sending()) {
      if (times_.size() - confirmed_ >= window_) {
        wait(5);
        continue;
      }
      publish(now_us());
      if (times_.size() % 32 == 0) wait(0);
    }
    finish();
  }

  void work_paced(long rate) {
    send_paced(run_, rate, [this](std::int64_t due) {
      publish(due);
      wait(0);
    });
    finish();
  }

 private:
  void publish(std::int64_t time_us) {
    times_.push_back(time_us);
    stamp(body_.data(), time_us);
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
    amqp_basic_publish(connection_, kChannel, amqp_empty_bytes, queue_name(), 0, 0, &properties,
                       amqp_bytes_t{body_.size(), body_.data()});
  }

  void finish() {
    const std::int64_t give_up = now_us() + 10'000'000;
    while (confirmed_ < times_.size() && now_us() < give_up) wait(5);
    run_.keep(confirm_, {});
    amqp_destroy_connection(connection_);
  }

  /// Reads the confirms that are there, or waits for the first of them.
  void wait(int milliseconds) {
    amqp_maybe_release_buffers(connection_);
    if (milliseconds > 0 && !amqp_frames_enqueued(connection_) && !amqp_data_in_buffer(connection_)) {
      pollfd waiting{amqp_get_sockfd(connection_), POLLIN, 0};
      if (poll(&waiting, 1, milliseconds) <= 0) return;
    }
    while (true) {
      amqp_frame_t frame;
      timeval none{0, 0};
      const int status = amqp_simple_wait_frame_noblock(connection_, &frame, &none);
      if (status == AMQP_STATUS_TIMEOUT) return;
      if (status != AMQP_STATUS_OK) die("rabbitmq closed the connection");
      if (frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_BASIC_ACK_METHOD) {
        take(*static_cast<amqp_basic_ack_t*>(frame.payload.method.decoded));
      }
    }
  }

  void take(const amqp_basic_ack_t& acknowledged) {
    const std::uint64_t count = acknowledged.multiple ? acknowledged.delivery_tag - confirmed_ : 1;
    const std::int64_t now = now_us();
    for (std::uint64_t i = 0; i < count; ++i) confirm_.add(now - times_[acknowledged.delivery_tag - 1 - i]);
    confirmed_ += count;
    run_.confirmed += count;
  }

  Run& run_;
  std::uint64_t window_;
  amqp_connection_state_t connection_;
  std::string body_ = std::string(run_.bytes, 'x');
  std::vector<std::int64_t> times_;  ///< by delivery tag
  std::uint64_t confirmed_ = 0;
  Latencies confirm_;
};

void consume(Run& run, int port) {
  amqp_connection_state_t connection = connect_to(port);
  amqp_basic_qos(connection, kChannel, 0, 1000, 0);
  amqp_basic_consume(connection, kChannel, queue_name(), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  expect_success(connection, "consume");
  Latencies end_to_end;
  std::uint64_t unacknowledged = 0;
  std::uint64_t last = 0;
  while (!run.finished()) {
    amqp_envelope_t envelope;
    amqp_maybe_release_buffers(connection);
    timeval patience{0, unacknowledged > 0 ? 1000 : 20000};
    const auto reply = amqp_consume_message(connection, &envelope, &patience, 0);
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
      end_to_end.add(now_us() - stamp_of(static_cast<const char*>(envelope.message.body.bytes)));
      last = envelope.delivery_tag;
      ++unacknowledged;
      amqp_destroy_envelope(&envelope);
      if (unacknowledged < kAcknowledgeEvery) continue;
    } else if (reply.library_error != AMQP_STATUS_TIMEOUT) {
      die("rabbitmq closed the connection");
    }
    if (unacknowledged == 0) continue;
    amqp_basic_ack(connection, kChannel, last, 1);
    run.consume(unacknowledged);
    unacknowledged = 0;
  }
  run.keep({}, end_to_end);
  amqp_destroy_connection(connection);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  Run run(options);
  const int port = static_cast<int>(options.number("port", 5672));
  const long connections = options.number("connections", 1);
  const long rate = options.number("rate", 0);
  const auto window = static_cast<std::uint64_t>(options.number("window", 500));
  make_queue(port);
  run.begin();
  std::vector<std::thread> senders, consumers;
  for (long i = 0; i < connections; ++i) {
    consumers.emplace_back([&run, port] { consume(run, port); });
    senders.emplace_back([&run, port, window, rate] {
      Sender sender(run, port, window);
      rate > 0 ? sender.work_paced(rate) : sender.work();
    });
  }
  for (std::thread& each : senders) each.join();
  run.senders_done = true;
  for (std::thread& each : consumers) each.join();
  return run.print();
}
