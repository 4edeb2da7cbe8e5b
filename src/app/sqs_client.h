#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "edge/net/aws_signature.h"
#include "edge/net/http.h"

namespace forewarm {

/// A small client of any SQS endpoint (JSON protocol; signed where the environment has AWS_ACCESS_KEY_ID):
/// for the load generator, the demo and the command line. Asynchronous, on the caller's loop.
class SqsClient {
 public:
  struct Received {
    std::string body;
    std::string receipt_handle;
    std::int64_t receive_count = 0;
  };
  struct NumberAttribute {
    std::string name;
    std::int64_t value = 0;
  };

  SqsClient(Loop& loop, Endpoint server, std::size_t connections);
  ~SqsClient();

  /// Any action with its JSON as `body`; the answer's JSON text, or the service's error as Invalid.
  void call(std::string_view action, std::string body, std::function<void(Result<std::string>)> done);

  void create_queue(const std::string& name, std::function<void(Result<std::string>)> done);  ///< its URL
  void send(const std::string& queue_url, std::string_view body,
            const std::vector<NumberAttribute>& attributes, std::function<void(Result<void>)> done);
  void send_batch(const std::string& queue_url, const std::vector<std::string>& bodies,
                  std::function<void(Result<std::size_t>)> done);  ///< how many were taken
  void receive(const std::string& queue_url, int messages_max, int wait_seconds,
               std::function<void(Result<std::vector<Received>>)> done);
  void remove_batch(const std::string& queue_url, const std::vector<std::string>& receipt_handles,
                    std::function<void(Result<std::size_t>)> done);
  std::size_t pending() const;

 private:
  std::string host_;
  std::optional<AwsCredentials> credentials_;
  std::unique_ptr<HttpClient> http_;
};

/// "http://host:port[/...]" or "host:port"; Invalid otherwise.
Result<Endpoint> parse_url(std::string_view url);

}  // namespace forewarm
