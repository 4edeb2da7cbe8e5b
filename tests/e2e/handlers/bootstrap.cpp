// A runtime in C++ without any library, as a user might write one, that can also misbehave in every way we
// know of. _HANDLER says how. It speaks the Lambda Runtime API over plain sockets and shares no code with the
// server.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace {

struct Answer {
  int status = 0;
  std::string head;
  std::string body;

  std::string header(const std::string& name) const {
    for (std::size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
      const std::size_t start = at + 2;
      if (strncasecmp(head.c_str() + start, name.c_str(), name.size()) != 0 ||
          head[start + name.size()] != ':')
        continue;
      const std::size_t value = head.find_first_not_of(' ', start + name.size() + 1);
      return head.substr(value, head.find("\r\n", value) - value);
    }
    return {};
  }
};

int connect_to_api() {
  const std::string api = std::getenv("AWS_LAMBDA_RUNTIME_API");
  const std::size_t colon = api.find(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(api.substr(colon + 1))));
  inet_pton(AF_INET, api.substr(0, colon).c_str(), &address.sin_addr);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::exit(129);
  return fd;
}

void send_all(int fd, const std::string& bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t sent = send(fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (sent <= 0) return;
    done += static_cast<std::size_t>(sent);
  }
}

Answer read_answer(int fd) {
  std::string bytes;
  Answer answer;
  char piece[65536];
  std::size_t end = std::string::npos;
  std::size_t length = 0;
  while (end == std::string::npos || bytes.size() < end + 4 + length) {
    const ssize_t size = recv(fd, piece, sizeof piece, 0);
    if (size <= 0) return answer;
    bytes.append(piece, static_cast<std::size_t>(size));
    end = bytes.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    answer.head = bytes.substr(0, end + 2);
    const std::string text = answer.header("Content-Length");
    length = text.empty() ? 0 : std::stoul(text);
  }
  answer.status = std::stoi(answer.head.substr(9, 3));
  answer.body = bytes.substr(end + 4, length);
  return answer;
}

Answer call(const std::string& method, const std::string& path, const std::string& body = {},
            const std::string& headers = {}) {
  const int fd = connect_to_api();
  send_all(fd, method + " /2018-06-01/runtime/" + path + " HTTP/1.1\r\nHost: api\r\n" + headers +
                   "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  Answer answer = read_answer(fd);
  close(fd);
  return answer;
}

/// A process that has left its parent, its session and its terminal, as daemons do, and stays for ever.
void daemonise(bool keep_environment) {
  if (fork() != 0) return;
  setsid();
  if (fork() != 0) _exit(0);
  setsid();
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  char* const arguments[] = {const_cast<char*>("sleep"), const_cast<char*>("1000"), nullptr};
  char* const none[] = {nullptr};
  if (!keep_environment) execve("/bin/sleep", arguments, none);
  while (true) pause();
}

[[noreturn]] void stay_for_ever() {
  while (true) pause();
}

void flood(std::size_t megabytes) {
  const std::string line = std::string(99, 'o') + "\n";
  std::string block;
  while (block.size() < (1U << 20)) block += line;
  for (std::size_t i = 0; i < megabytes; ++i) {
    for (std::size_t done = 0; done < block.size();) {
      const ssize_t written = write(1, block.data() + done, block.size() - done);
      if (written <= 0) return;
      done += static_cast<std::size_t>(written);
    }
  }
}

void misbehave_before_next(const std::string& how) {
  if (how == "init_error") {
    call("POST", "init/error", R"({"errorType":"Config.Missing","errorMessage":"no table name"})",
         "Lambda-Runtime-Function-Error-Type: Runtime.InitError\r\n");
    std::exit(1);
  }
  if (how == "exit_early") {
    std::puts("cannot open database");
    std::fflush(stdout);
    std::exit(3);
  }
  if (how == "never_ready") stay_for_ever();
  if (how == "daemon_then_exit_early") {
    daemonise(true);
    daemonise(true);
    usleep(50'000);
    std::exit(3);
  }
  if (how == "spin" && fork() == 0) {
    for (volatile unsigned turns = 0;;) turns = turns + 1;
  }
  if (how == "ignore_term") signal(SIGTERM, SIG_IGN);
}

/// "use N": has N MB and gives them back; "keep N": keeps them; "child N": a child has them, for longer than
/// it took to get them.
void use_memory(const std::string& what) {
  const std::size_t bytes = std::stoul(what.substr(what.find(' ') + 1)) << 20;
  const auto fill = [bytes] {
    char* memory =
        static_cast<char*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    std::memset(memory, 1, bytes);
    return memory;
  };
  static char* kept = nullptr;
  static std::size_t kept_bytes = 0;
  if (what.starts_with("child")) {
    const pid_t child = fork();
    if (child == 0) {
      const auto began = std::chrono::steady_clock::now();
      fill();
      std::this_thread::sleep_for(2 * (std::chrono::steady_clock::now() - began) +
                                  std::chrono::milliseconds(100));
      _exit(0);
    }
    waitpid(child, nullptr, 0);
  } else if (what.starts_with("keep") && bytes > kept_bytes) {
    kept = fill();
    kept_bytes = bytes;
  } else if (what.starts_with("keep")) {
    std::memset(kept, 2, bytes);  // what it has already
  } else {
    munmap(fill(), bytes);
  }
}

void handle(const std::string& how, const Answer& event) {
  const std::string id = event.header("Lambda-Runtime-Aws-Request-Id");
  const std::string response = "invocation/" + id + "/response";
  const auto say = [](const char* what, int status) {
    std::printf("%s %d\n", what, status);
    std::fflush(stdout);
  };
  if (how == "error") {
    call("POST", "invocation/" + id + "/error",
         R"({"errorType":"Order.Invalid","errorMessage":"no such order"})");
    return;
  }
  if (how == "memory") use_memory(event.body);
  if (how == "memory_then_hang") {
    use_memory("keep 60");
    stay_for_ever();
  }
  if (how == "hang") stay_for_ever();
  if (how == "stop_itself") raise(SIGSTOP);
  if (how == "crash") std::abort();
  if (how == "killed") raise(SIGKILL);
  if (how == "exit_mid_run") std::exit(0);
  if (how == "daemons_then_hang") {
    for (int i = 0; i < 3; ++i) daemonise(true);
    for (int i = 0; i < 3; ++i) {
      if (fork() == 0) stay_for_ever();
    }
    stay_for_ever();
  }
  if (how == "daemons_then_crash") {
    for (int i = 0; i < 3; ++i) daemonise(true);
    usleep(50'000);
    std::abort();
  }
  if (how == "bare_session_then_hang") {
    if (fork() == 0) {
      setsid();
      char* const arguments[] = {const_cast<char*>("sleep"), const_cast<char*>("1000"), nullptr};
      char* const none[] = {nullptr};
      execve("/bin/sleep", arguments, none);
      _exit(1);
    }
    stay_for_ever();
  }
  if (how == "daemon_then_answer") daemonise(true);
  if (how == "next_twice") say("second next", call("GET", "invocation/next").status);
  if (how == "wrong_id") say("wrong id", call("POST", "invocation/00000000-none/response", "{}").status);
  if (how == "wrong_method") say("wrong method", call("PUT", response, "{}").status);
  if (how == "wrong_path") say("wrong path", call("GET", "invocation/previous").status);
  if (how == "late_init_error") say("late init error", call("POST", "init/error", "{}").status);
  if (how == "flood") flood(100);
  if (how == "too_large") {
    say("too large", call("POST", response, std::string((6U << 20) + 101, 'x')).status);
    return;
  }
  if (how == "wrong_mode") {
    say("wrong mode",
        call("POST", response, "{}", "Lambda-Runtime-Function-Response-Mode: buffered\r\n").status);
    return;
  }
  if (how == "stream" || how == "stream_broken" || how == "stream_large") {
    const int fd = connect_to_api();
    send_all(
        fd,
        "POST /2018-06-01/runtime/" + response +
            " HTTP/1.1\r\nHost: api\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n"
            "Transfer-Encoding: chunked\r\nTrailer: "
            "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n6\r\nfirst \r\n");
    if (how == "stream_large") {  // more than a response that is not streamed may have
      for (int piece = 0; piece < 7; ++piece)
        send_all(fd, "100000\r\n" + std::string(1U << 20, 'x') + "\r\n");
    }
    usleep(20'000);
    send_all(fd, "6\r\nsecond\r\n0\r\n");
    if (how == "stream_broken")  // {"errorMessage":"cut"}
      send_all(fd,
               "Lambda-Runtime-Function-Error-Type: Stream.Broken\r\n"
               "Lambda-Runtime-Function-Error-Body: eyJlcnJvck1lc3NhZ2UiOiJjdXQifQ==\r\n");
    send_all(fd, "\r\n");
    say("stream", read_answer(fd).status);
    close(fd);
    return;
  }
  if (how == "environment") {
    std::string all;
    for (char** entry = environ; *entry; ++entry) all += std::string(*entry) + "\n";
    call("POST", response, all);
    return;
  }
  if (how == "headers") {
    call("POST", response, event.head);
    return;
  }
  std::printf("working on %s\n", id.c_str());
  std::fflush(stdout);
  call("POST", response, event.body);
  if (how == "double_response") say("double response", call("POST", response, event.body).status);
  if (how == "error_after_response")
    say("error after response", call("POST", "invocation/" + id + "/error", "{}").status);
  if (how == "late_next") usleep(100'000);
  if (how == "no_next_again") stay_for_ever();
}

/// Asks for an invocation and closes its half of the connection at once, which says nothing about the other
/// half.
void half_close() {
  const int fd = connect_to_api();
  send_all(fd, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: api\r\n\r\n");
  shutdown(fd, SHUT_WR);
  const Answer answer = read_answer(fd);
  close(fd);
  std::printf("half-closed next got %d\n", answer.status);
  std::fflush(stdout);
  if (answer.status == 200) handle("ok", answer);
}

}  // namespace

int main() {
  const std::string how = std::getenv("_HANDLER");
  misbehave_before_next(how);
  if (how == "half_close") half_close();
  while (true) {
    const Answer event = call("GET", "invocation/next");
    if (event.status != 200) return how == "ignore_term" ? (stay_for_ever(), 0) : 0;
    handle(how, event);
  }
}
