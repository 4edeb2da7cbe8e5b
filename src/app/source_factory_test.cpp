#include "app/source_factory.h"

#include <gtest/gtest.h>

#include <fstream>

#include "app/source_url.h"
#include "edge/files/temporary_folder.h"

namespace forewarm {
namespace {

std::string source_refusal(const SourceConfig& config) {
  const auto made = make_source(config);
  return made ? "" : made.error().message;
}

std::string source_refusal(std::string url) {
  SourceConfig config;
  config.url = std::move(url);
  return source_refusal(config);
}

TEST(SourceUrl, HasItsPartsDecoded) {
  const auto url = parse_source_url("amqp://me:p%40ss@[::1]:5673/%2F/or%2Fders?heartbeat=5s&ca_file=/a%20b");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "amqp");
  EXPECT_EQ(url->user, "me");
  EXPECT_EQ(url->password, "p@ss");
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, 5673);
  EXPECT_EQ(url->segments, (std::vector<std::string>{"/", "or/ders"}));
  EXPECT_EQ(url->options.at(1).second, "/a b");
  EXPECT_EQ(parse_source_url("nats://host/S/C")->port, std::nullopt);
}

TEST(SourceFactory, MakesWhatTheSchemeNames) {
  for (const char* url :
       {"amqp://host/queue", "amqps://u:p@host:1/vhost/queue?dead_letters=true&delivery_limit=5",
        "nats://token@host/S/C?ack_wait=2s", "tls://u:p@host:4222/S/C?create=false",
        "sqs+https://sqs.eu-west-1.amazonaws.com/123456789012/orders?visibility=1m&wait=5s",
        "sqs+http://127.0.0.1:1/0/q?region=x", "pubsub://project/subscription?dead_letter_topic=dead",
        "servicebus://bus/orders", "servicebus://bus/orders?sessions=8&session_idle=5s&session_turn=1m",
        "servicebus://policy:key@bus.servicebus.windows.net/site/orders?heartbeat=10s",
        "servicebus://policy:key@bus/"
        "orders?endpoint=amqp%3A%2F%2F127.0.0.1%3A5672&management=https%3A%2F%2Flocalhost"}) {
    EXPECT_EQ(source_refusal(url), "") << url;
  }
}

TEST(SourceFactory, RefusesWithPlaceAndRemedyAndWithoutSecrets) {
  EXPECT_NE(source_refusal("rabbit").find("SCHEME://"), std::string::npos);
  EXPECT_NE(source_refusal("kafka://u:secret@host/q").find("there are amqp"), std::string::npos);
  EXPECT_NE(source_refusal("amqp://u:secret@host/a/b/c").find("/VHOST/QUEUE"), std::string::npos);
  EXPECT_NE(source_refusal("amqp://host:99999/q").find("port"), std::string::npos);
  EXPECT_NE(source_refusal("amqp://u:secret@host/q?prefetch=3")
                .find("there is no option 'prefetch'; there are heartbeat"),
            std::string::npos);
  EXPECT_NE(source_refusal("amqp://host/q?dead_letters=yes").find("expected true or false"),
            std::string::npos);
  EXPECT_NE(source_refusal("nats://host/S").find("/STREAM/CONSUMER"), std::string::npos);
  EXPECT_NE(source_refusal("nats://host/S/C?heartbeat=1ms").find("1s or more"), std::string::npos);
  EXPECT_NE(source_refusal("sqs+https://sqs.eu-west-1.amazonaws.com/orders").find("/ACCOUNT/QUEUE"),
            std::string::npos);
  EXPECT_NE(source_refusal("sqs+http://host/1/q?region=x&wait=1m").find("at most 20s"), std::string::npos);
  EXPECT_NE(source_refusal("sqs+http://host/1/q?region=x&visibility=13h").find("at most 12h"),
            std::string::npos);
  EXPECT_NE(source_refusal("pubsub://project").find("PROJECT/SUBSCRIPTION"), std::string::npos);
  EXPECT_NE(source_refusal("servicebus://bus").find("NAMESPACE/QUEUE"), std::string::npos);
  EXPECT_NE(source_refusal("servicebus://policy@bus/q").find("the key in password_file"), std::string::npos);
  EXPECT_NE(source_refusal("servicebus://p:k@bus/q?endpoint=amqp://bus.example").find("only on this machine"),
            std::string::npos);
  EXPECT_NE(source_refusal("servicebus://p:k@bus/q?endpoint=bus.example").find("expected amqps://HOST"),
            std::string::npos);
  EXPECT_NE(source_refusal("servicebus://p:k@bus/q?sessions=0").find("expected 1 or more"),
            std::string::npos);
  EXPECT_NE(source_refusal("servicebus://p:k@bus/q?sessions=all").find("sessions"), std::string::npos);
  EXPECT_NE(source_refusal("servicebus://p:k@bus/q?management=http://bus").find("expected https://HOST"),
            std::string::npos);
  for (const char* url :
       {"servicebus://u:secret@bus", "servicebus://u:secret@bus/q?x=secret", "kafka://u:secret@host/q",
        "sqs+http://u:secret@host/1/q?region=x", "pubsub://u:secret@p/s", "amqp://u:secret@host/a/b/c",
        "amqp://u:secret@host/q?x=secret", "amqp://u:secret@:5/q", "nats://secret@host/S"}) {
    EXPECT_EQ(source_refusal(url).find("secret"), std::string::npos) << source_refusal(url);
  }
}

TEST(SourceFactory, TakesOptionsAndSecretsFromTheConfiguration) {
  SourceConfig config;
  config.url = "amqp://worker@host/orders?heartbeat=nonsense";
  config.options["heartbeat"] = "5s";
  EXPECT_EQ(source_refusal(config), "");
  config.options["prefetch"] = "5";
  EXPECT_NE(source_refusal(config).find("there is no option 'prefetch'"), std::string::npos);
  config.options.clear();
  config.url = "servicebus://bus/orders";
  const TemporaryFolder folder;
  config.password_file = folder.path_of("connection");
  std::ofstream(config.password_file)
      << "Endpoint=sb://bus.servicebus.windows.net/"
         ";SharedAccessKeyName=p;SharedAccessKey=c2VjcmV0;EntityPath=orders\n";
  EXPECT_EQ(source_refusal(config), "");
  config.url = "servicebus://bus/invoices";
  EXPECT_NE(source_refusal(config).find("for the queue orders, the URL for invoices"), std::string::npos);
  config.url = "servicebus://other/orders";
  EXPECT_NE(source_refusal(config).find("is for bus.servicebus.windows.net, the URL for other.servicebus"),
            std::string::npos);
  EXPECT_EQ(source_refusal(config).find("c2VjcmV0"), std::string::npos);
  config.url = "amqp://worker@host/orders";
  config.password_file = "/nowhere/password";
  EXPECT_NE(source_refusal(config).find("/nowhere/password cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace forewarm
