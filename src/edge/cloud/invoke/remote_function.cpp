#include "edge/cloud/invoke/remote_function.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <random>
#include <utility>

#include "edge/cloud/engine_thread.h"
#include "edge/cloud/http_calls.h"
#include "edge/cloud/utf8.h"

namespace forewarm {
namespace {

constexpr std::chrono::milliseconds kInvokeTurn{250};
constexpr std::size_t kRemoteWordsMax = 4096;
constexpr int kWaitSecondsMax = 60;

/// One invocation on its way, over both of its tries.
struct RemoteTrip {
  RemoteCall call;
  RemoteFunction::Done done;
  std::shared_ptr<FetchCourse> course = std::make_shared<FetchCourse>();
  bool asked = false;  ///< there was a request to send
  bool renewed = false;
};

class HttpRemoteFunction final : public RemoteFunction {
 public:
  HttpRemoteFunction(std::unique_ptr<RemoteProtocol> protocol, const RemoteOptions& options)
      : options_(options),
        protocol_(std::move(protocol)),
        calls_({.ca_file = options.ca_file, .seed = std::random_device{}()}) {
    thread_.start({.connect = [] { return Result<void>(); },
                   .serve = [this](const std::stop_token& stop) { return serve(stop); },
                   .state = [](const Result<void>&) {},
                   .close = [this] { calls_.drop_all(); },
                   .interrupt = [this] { calls_.wake(); }});
  }

  ~HttpRemoteFunction() override {
    closing_ = true;
    calls_.wake();
    thread_.stop();
  }

  void invoke(RemoteCall call, Done done) override {
    auto trip = std::make_shared<RemoteTrip>(RemoteTrip{.call = std::move(call), .done = std::move(done)});
    thread_.post([this, trip = std::move(trip)] { begin(trip); });
    calls_.wake();
  }

 private:
  Error serve(const std::stop_token& stop) {
    while (!stop.stop_requested() && !closing_) {
      thread_.commands().run();
      calls_.run(kInvokeTurn);
    }
    return {ErrorCode::Closed, "the server ends"};
  }

  void begin(const std::shared_ptr<RemoteTrip>& trip) {
    HttpCalls::Call made;
    made.timeout = trip->call.timeout;
    made.connect_timeout = options_.connect_timeout;
    made.body_max_bytes = kRemoteAnswerMaxBytes;
    made.course = trip->course;
    made.tries = 2;
    made.request = [this, trip]() -> Result<FetchRequest> {
      auto request = protocol_->request(trip->call);
      trip->asked = request.has_value();
      return request;
    };
    made.passing = [this](const Result<HttpResponse>& answer) { return renewed(answer); };
    calls_.start(std::move(made), [this, trip](Result<HttpResponse> answer) {
      RemoteOutcome outcome =
          answer ? protocol_->outcome(std::move(*answer)) : unanswered(*trip, answer.error());
      if (outcome.credentials_refused) protocol_->renew();
      trip->done(std::move(outcome));
    });
  }

  /// Whether the same again with other credentials may help.
  bool renewed(const Result<HttpResponse>& answer) {
    if (!answer || answer->status < 300 || !protocol_->outcome(*answer).credentials_refused) return false;
    protocol_->renew();
    return true;
  }

  RemoteOutcome unanswered(const RemoteTrip& trip, const Error& why) const {
    RemoteOutcome outcome{.end = RemoteEnd::Unavailable,
                          .error_type = "Remote.Unreachable",
                          .error_message = remote_words(why.message)};
    if (!trip.asked || why.code == ErrorCode::Invalid) {
      outcome.end = RemoteEnd::Refused;
      outcome.error_type = trip.asked ? "Remote.InvalidUrl" : "Remote.NoCredentials";
    } else if (why.code == ErrorCode::Exhausted) {
      outcome.end = RemoteEnd::Failed;
      outcome.error_type = "Function.ResponseSizeTooLarge";
      outcome.error_message = "it answered with more than 6 MB";
    } else if (trip.course->sent && trip.course->timed_out) {
      outcome.end = RemoteEnd::TimedOut;
      outcome.error_type = "Remote.Timeout";
      outcome.error_message =
          "no answer within " + std::to_string(trip.call.timeout.count()) + " ms; it may go on all the same";
    } else if (trip.course->sent) {
      outcome.end = protocol_->when_broken();
      outcome.error_type = "Remote.NoResponse";
    }
    return outcome;
  }

  const RemoteOptions options_;
  std::atomic<bool> closing_ = false;
  // What follows belongs to the thread, but for waking.
  const std::unique_ptr<RemoteProtocol> protocol_;
  HttpCalls calls_;
  EngineThread thread_{};
};

}  // namespace

std::unique_ptr<RemoteFunction> make_remote_function(std::unique_ptr<RemoteProtocol> protocol,
                                                     const RemoteOptions& options) {
  return std::make_unique<HttpRemoteFunction>(std::move(protocol), options);
}

std::string remote_words(std::string_view text) {
  std::string words(text.substr(0, kRemoteWordsMax));
  const bool readable = is_utf8(words);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto byte = static_cast<unsigned char>(words[i]);
    const auto next = i + 1 < words.size() ? static_cast<unsigned char>(words[i + 1]) : 0U;
    if (byte < 0x20 || byte == 0x7f || (!readable && byte >= 0x80)) words[i] = ' ';
    if (readable && byte == 0xc2 && next < 0xa0) words[i] = words[i + 1] = ' ';  // U+0080 to U+009F
  }
  while (words.ends_with(' ')) words.pop_back();
  return words;
}

std::chrono::milliseconds retry_after(const HttpHeaders& headers) {
  const std::string_view text = find_header(headers, "Retry-After");
  int seconds = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (code == std::errc::result_out_of_range) seconds = kWaitSecondsMax;
  if (code == std::errc::invalid_argument || end != text.data() + text.size() || seconds < 0) return {};
  return std::chrono::seconds(std::min(seconds, kWaitSecondsMax));
}

}  // namespace forewarm
