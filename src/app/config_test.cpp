#include "app/config.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace forewarm {
namespace {

std::string refusal(std::string_view toml) {
  const Result<ServerConfig> read = read_config(toml, "test.toml");
  return read ? "accepted" : read.error().message;
}

TEST(Config, TheExampleIsReadBack) {
  const Result<ServerConfig> config = read_config(example_config(), "example.toml");
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->functions.size(), 1U);
  EXPECT_EQ(config->functions[0].timeout, 30s);
  ASSERT_EQ(config->mappings.size(), 1U);
  EXPECT_EQ(config->mappings[0].settings.scaling.objective, 500ms);
  EXPECT_EQ(config->queues.size(), 2U);
  EXPECT_TRUE(config_warnings(*config).empty());
}

TEST(Config, AnUnknownKeyIsRefusedWithItsPlaceAndTheNearestName) {
  EXPECT_EQ(refusal("listen = \"127.0.0.1:1\"\nadmim = \"x\"\n"),
            "test.toml:2:1: unknown key admim. Did you mean admin?");
  EXPECT_NE(refusal("[forecast]\nsteep = \"1s\"\n")
                .find("test.toml:2:1: unknown key forecast.steep. Did you mean step?"),
            std::string::npos);
}

TEST(Config, AValueOfTheWrongTypeOrOutsideItsBoundsNamesWhatIsAllowed) {
  EXPECT_NE(refusal("instances_max = \"many\"")
                .find("test.toml:1:17: instances_max: expected a whole number from 1 to 100000"),
            std::string::npos);
  EXPECT_NE(refusal("instances_max = 0").find("from 1 to 100000"), std::string::npos);
  EXPECT_NE(refusal("[forecast]\nstep = \"10\"").find("expected a duration such as"), std::string::npos);
  EXPECT_NE(refusal("[forecast]\nstep = 10").find("expected a duration such as"), std::string::npos);
  EXPECT_NE(refusal("forecast = 3").find("expected a table [forecast]"), std::string::npos);
  EXPECT_NE(refusal("function = 3").find("expected tables written [[function]]"), std::string::npos);
}

TEST(Config, BrokenTomlIsRefusedWithItsPlace) {
  EXPECT_NE(refusal("listen = ").find("test.toml:1:"), std::string::npos);
  EXPECT_EQ(refusal("instances_max = 3\n[(queue)]\n").find("test.toml:2:2: not TOML"), 0U);
  EXPECT_EQ(refusal("[[=").find("test.toml:1:3: not TOML"), 0U);
  EXPECT_EQ(refusal("forecast.!step = 1").find("test.toml:1:10: not TOML"), 0U);
}

TEST(Config, AMappingMustNameAFunctionThatExists) {
  const std::string wrong = refusal(
      "[[function]]\nname=\"resize\"\ncommand=[\"x\"]\n[[mapping]]\nqueue=\"q\"\nfunction=\"resise\"\n");
  EXPECT_NE(wrong.find("Did you mean resize?"), std::string::npos) << wrong;
  EXPECT_NE(refusal("[[function]]\nname=\"a\"\n").find("needs a command"), std::string::npos);
}

TEST(Config, ARuntimeIsKnownAndHasWhatItNeeds) {
  const std::string named = "[[function]]\nname=\"a\"\n";
  EXPECT_NE(refusal(named + "command=[\"x\"]\nruntime=\"functions-frame\"\n")
                .find("not 'functions-frame'. Did you mean functions-framework?"),
            std::string::npos);
  EXPECT_NE(
      refusal(named + "runtime=\"azure-custom-handler\"\n").find("or a working_directory with the host.json"),
      std::string::npos);
  EXPECT_NE(refusal(named + "command=[\"x\"]\nruntime=\"functions-framework\"\n"
                            "environment={FUNCTION_SIGNATURE_TYPE=\"cloud\"}\n")
                .find("must be http, event, cloudevent or typed, not 'cloud'"),
            std::string::npos);
  EXPECT_NE(refusal(named + "command=[\"x\"]\nruntime=\"functions-framework\"\n"
                            "[[mapping]]\nqueue=\"q\"\nfunction=\"a\"\nbatch_size=2\n")
                .find("queue 'q': batch_size must be 1"),
            std::string::npos);
  EXPECT_TRUE(read_config(named + "working_directory=\"/srv/app\"\nruntime=\"azure-custom-handler\"\n", "t"));
}

TEST(Config, AFunctionOfWorkersSaysWhereTheyCallAndWhatTheyShow) {
  const auto of = [](const std::string& keys, const std::string& table = "[workers]\nlisten=\":9327\"\n") {
    const auto read =
        read_config(table + "[[function]]\nname=\"a\"\nruntime=\"workers\"\n" + keys + "\n", "test.toml");
    return read ? std::string() : read.error().message;
  };
  const auto says = [](const std::string& wrong, std::string_view text) {
    EXPECT_NE(wrong.find(text), std::string::npos) << wrong;
  };
  EXPECT_EQ(of("remote.token_file=\"t\"\nremote.surplus=\"end\"\nremote.start_timeout=\"5m\""), "");
  EXPECT_EQ(of("remote.token_file=\"t\"\n[[mapping]]\nqueue=\"q\"\nfunction=\"a\"\nbatch_size=10"), "");
  says(of("remote.token_file=\"t\"", ""), "[workers] listen = \"0.0.0.0:9327\"");
  says(of(""), "needs remote.token_file");
  says(of("remote.token_file=\"t\"\nremote.surplus=\"drop\""), "must be keep or end, not 'drop'");
  says(of("remote.token_file=\"t\"\nremote.url=\"http://h\""), "token_file, surplus and start_timeout only");
  says(of("remote.token_file=\"t\"\ncommand=[\"x\"]"), "has no command here; take it out");
  says(of("remote.token_file=\"t\"", "[workers]\nlisten=\":9327\"\npods.url=\"api\"\n"),
       "workers: pods.url: expected one that begins with http:// or https://, found 'api'");
  const auto read = read_config(
      "[[function]]\nname=\"a\"\nruntime=\"http\"\nremote.url=\"http://h\"\nremote.token_file=\"t\"\n", "t");
  ASSERT_FALSE(read);
  says(read.error().message, "remote.token_file is for runtime = \"workers\"");
}

TEST(Config, AFunctionElsewhereHasWhatItsPlatformNeedsAndNothingOfHere) {
  const auto of = [](const std::string& runtime, const std::string& keys) {
    const auto read =
        read_config("[[function]]\nname=\"a\"\nruntime=\"" + runtime + "\"\n" + keys + "\n", "test.toml");
    return read ? std::string() : read.error().message;
  };
  const auto says = [](const std::string& wrong, std::string_view text) {
    EXPECT_NE(wrong.find(text), std::string::npos) << wrong;
  };
  EXPECT_EQ(of("aws-lambda", "remote.function=\"arn:aws:lambda:eu-west-1:1:function:f:live\""), "");
  EXPECT_EQ(of("azure-functions", "remote.url=\"https://a.azurewebsites.net/api/f\"\nremote.key_file=\"k\""),
            "");
  EXPECT_EQ(of("google-functions", "remote.url=\"https://f-x.a.run.app\""), "");
  EXPECT_EQ(of("http", "remote.url=\"http://10.0.0.7:8080/x\"\nremote.payload=\"sqs\""), "");
  says(of("aws-lambda", ""), "needs remote.function");
  says(of("aws-lambda", "remote.function=\"my function\""),
       "names no Lambda function; write NAME, NAME:ALIAS");
  says(of("aws-lambda", "remote.function=\"f\"\nremote.payload=\"http\""), "must be sqs");
  says(of("aws-lambda", "remote.function=\"f\"\ncommand=[\"x\"]"), "has no command here; take it out");
  says(of("aws-lambda", "remote.function=\"f\"\n[[function.variant]]\nmemory_mb=512"),
       "[[function.variant]]");
  says(of("http", ""), "needs remote.url");
  says(of("http", "remote.url=\"ftp://h\""), "must be http:// or https:// and a host");
  says(of("http", "remote.url=\"https://user:secret@h/\""), "without a user");
  says(of("http", "remote.url=\"http://h\"\nremote.wait=false"), "Lambda's alone");
  says(of("http", "remote.url=\"http://h\"\nremote.payload=\"json\""), "must be sqs, cloudevent or http");
  says(of("azure-functions", "remote.url=\"http://far/api/f\"\nremote.key_file=\"k\""),
       "must begin with https://");
  EXPECT_EQ(of("azure-functions", "remote.url=\"http://127.0.0.1:7071/api/f\"\nremote.key_file=\"k\""), "");
  says(of("azure-functions", "remote.url=\"http://far/api/f\"\nremote.audience=\"api://a\""),
       "must begin with https://");
  says(of("azure-functions", "remote.url=\"https://h\"\nremote.audience=\"api://a\"\nremote.key_file=\"k\""),
       "give one");
  says(of("google-functions", "remote.url=\"http://far/\"\nremote.audience=\"https://far\""),
       "must begin with https://");
  says(of("lambda", "command=[\"x\"]\nremote.url=\"http://h\""), "'a' runs here (runtime = \"lambda\")");
  says(of("aws-lamda", ""), "Did you mean aws-lambda?");
  const std::string mapped = "[[mapping]]\nqueue=\"q\"\nfunction=\"a\"\nbatch_size=10";
  EXPECT_EQ(of("aws-lambda", "remote.function=\"f\"\n" + mapped), "");
  EXPECT_EQ(of("http", "remote.url=\"http://h\"\nremote.payload=\"sqs\"\n" + mapped), "");
  says(of("http", "remote.url=\"http://h\"\n" + mapped), "batch_size must be 1");
}

TEST(Config, IsolationTakesItsWordsOnly) {
  EXPECT_EQ(refusal("isolation = \"maybe\""),
            "test.toml:1:13: isolation: must be on, off or required, not 'maybe'");
  EXPECT_NE(refusal("[[function]]\nname=\"a\"\ncommand=[\"x\"]\nnetwork=\"all\"\n")
                .find("network must be host or none, not 'all'"),
            std::string::npos);
  ::setenv("FOREWARM_ISOLATION", "of", 1);
  ServerConfig config;
  const Result<void> applied = apply_environment(config);
  ::unsetenv("FOREWARM_ISOLATION");
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().message, "FOREWARM_ISOLATION: must be on, off or required, not 'of'");
}

TEST(Config, FunctionsAndMappingsSurviveBeingWrittenAndReadAgain) {
  FunctionConfig function;
  function.name = "f";
  function.command = {"./a \"b\"", "c\\d\n"};
  function.environment = {{"A B", "x=y"}};
  function.timeout = 1500ms;
  MappingConfig mapping;
  mapping.queue = "q";
  mapping.function = "f";
  mapping.settings.batch_size = 7;
  mapping.settings.scaling.late_share_max = 0.001;
  mapping.settings.retry.backoff_base = 250ms;
  const Result<ServerConfig> read = read_config(to_toml(function, {mapping}), "written.toml");
  ASSERT_TRUE(read) << read.error().message << to_toml(function, {mapping});
  EXPECT_EQ(read->functions, std::vector{function});
  EXPECT_EQ(read->mappings, std::vector{mapping});
}

TEST(Config, TheEnvironmentWinsOverTheFileAndIsCheckedToo) {
  ServerConfig config;
  ::setenv("FOREWARM_LISTEN", "127.0.0.1:7", 1);
  ::setenv("FOREWARM_FORECAST_STEP", "2s", 1);
  ASSERT_TRUE(apply_environment(config));
  EXPECT_EQ(config.listen, "127.0.0.1:7");
  EXPECT_EQ(config.forecast_step, 2s);
  ::setenv("FOREWARM_INSTANCES_MAX", "lots", 1);
  const Result<void> refused = apply_environment(config);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("FOREWARM_INSTANCES_MAX"), std::string::npos);
  for (const char* name : {"FOREWARM_LISTEN", "FOREWARM_FORECAST_STEP", "FOREWARM_INSTANCES_MAX"})
    ::unsetenv(name);
}

TEST(Config, TheHistorysStepsFitEachOther) {
  EXPECT_TRUE(read_config("[history]\nkeep = \"2d\"\nmedium_step = \"1m\"\ncoarse_step = \"30m\"\n", "t"));
  const auto refused = read_config("[history]\nmedium_step = \"7m\"\n", "t.toml");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("t.toml:1:1: history: coarse_step (1h)"), std::string::npos)
      << refused.error().message;
  EXPECT_FALSE(read_config("[forecast]\nstep = \"7s\"\n", "t"));
  EXPECT_FALSE(read_config("[forecast]\nstep = \"100.5ms\"\n", "t"));
}

TEST(Config, DurationsAreReadWithTheirUnitsOnly) {
  EXPECT_EQ(*parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(*parse_duration("2d"), 48h);
  for (const char* wrong : {"", "s", "10", "-1s", "5 s", "1e400s", "nan", "infs", "3x"})
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
  for (const Duration duration : {Duration(1), Duration(1500), Duration(0), Duration(90s), Duration(48h)}) {
    EXPECT_EQ(*parse_duration(format_duration(duration)), duration);
  }
}

TEST(Config, AFunctionMustFitIntoTheMachinesMemory) {
  const std::string function = "[[function]]\nname=\"f\"\ncommand=[\"x\"]\nmemory_mb=512\n";
  EXPECT_TRUE(read_config("memory_max_mb = 512\n" + function, "t"));
  EXPECT_TRUE(read_config(function, "t")) << "no limit";
  EXPECT_NE(refusal("memory_max_mb = 511\n" + function).find("above memory_max_mb = 511"), std::string::npos);
}

TEST(Config, KnownTrapsAreWarnedOf) {
  const Result<ServerConfig> config = read_config(
      "[[function]]\nname=\"f\"\ncommand=[\"x\"]\n[[mapping]]\nqueue=\"q\"\nfunction="
      "\"f\"\nscaling.predict=false\nscaling.objective=\"1ms\"\n",
      "t");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config_warnings(*config).size(), 2U);
}

TEST(Config, DeadLettersOfASourceHaveAPlace) {
  const auto config = read_config(R"(
[[function]]
name = "work"
command = ["/bin/true"]
[[source]]
queue = "orders"
url = "amqp://127.0.0.1/orders"
[[mapping]]
queue = "orders"
function = "work"
)",
                                  "test.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config_warnings(*config).empty()) << config_warnings(*config).front();
}

TEST(Config, WhatOnlyARestartCanChangeIsKeptAndNamed) {
  ServerConfig in_force;
  ServerConfig read;
  read.listen = "127.0.0.1:1";
  read.forecast_step = 60s;
  read.instances_max = 7;
  EXPECT_EQ(keep_until_restart(in_force, read), (std::vector<std::string_view>{"listen", "forecast.step"}));
  EXPECT_EQ(read.listen, in_force.listen);
  EXPECT_EQ(read.instances_max, 7);
  EXPECT_TRUE(keep_until_restart(in_force, read).empty());
}

TEST(Config, SignalsAreReadAndChecked) {
  const Result<ServerConfig> read = read_config(
      "[[signal]]\nname = \"price\"\nminimum = 0\n"
      "[[signal]]\nname = \"days\"\nsource = \"calendar\"\npath = \"a.ics\"\nqueues = [\"jobs\"]\n",
      "a.toml");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->signals.size(), 2U);
  EXPECT_EQ(read->signals[0].minimum, 0);
  EXPECT_FALSE(read->signals[0].knows_future());
  EXPECT_TRUE(read->signals[1].knows_future());
  const auto refused = [](std::string_view table) {
    const Result<ServerConfig> wrong =
        read_config("[[signal]]\nname = \"a\"\n" + std::string(table), "a.toml");
    return wrong ? "it is taken" : wrong.error().message;
  };
  EXPECT_NE(refused("source = \"clendar\"").find("a.toml:1:1: [[signal]] 'a' source: expected one of"),
            std::string::npos);
  EXPECT_NE(refused("source = \"clendar\"").find("Did you mean calendar?"), std::string::npos);
  EXPECT_NE(refused("source = \"cron\"").find("needs expression"), std::string::npos);
  EXPECT_NE(refused("source = \"cron\"\nexpression = \"0 0 30 2 *\"").find("fits no day"), std::string::npos);
  EXPECT_NE(refused("[[signal]]\nname = \"a\"").find("defined twice"), std::string::npos);
  EXPECT_NE(refused("url = \"ftp://a\"").find("https://"), std::string::npos);
  EXPECT_NE(refused("maximum = -2e15").find("maximum"), std::string::npos);
}

TEST(Config, AVariantIsAsItsFunctionButForWhatItSays) {
  const Result<ServerConfig> read = read_config(R"([[function]]
name = "convert"
command = ["./a"]
memory_mb = 256
environment = { A = "1", B = "1" }
[[function.variant]]
[[function.variant]]
memory_mb = 1024
command = ["./b"]
environment = { B = "2" }
concurrency_max = 3
)",
                                                "test.toml");
  ASSERT_TRUE(read) << read.error().message;
  const std::vector<VariantConfig> variants = variants_of(read->functions.at(0));
  ASSERT_EQ(variants.size(), 2U);
  EXPECT_EQ(variants[0].memory_mb, 256);
  EXPECT_EQ(variants[0].command, std::vector<std::string>{"./a"});
  EXPECT_EQ(variants[1].command, std::vector<std::string>{"./b"});
  EXPECT_EQ(variants[1].environment, (std::map<std::string, std::string>{{"A", "1"}, {"B", "2"}}));
  const Result<ServerConfig> again = read_config(to_toml(read->functions[0], {}), "again.toml");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->functions.at(0), read->functions[0]);
}

TEST(Config, AVariantThatCannotBeIsRefusedWithItsPlace) {
  const std::string function = "[[function]]\nname = \"f\"\ncommand = [\"x\"]\n";
  EXPECT_NE(refusal(function + "[[function.variant]]\nmemory = 3\n")
                .find("test.toml:5:1: unknown key variant.memory"),
            std::string::npos);
  EXPECT_NE(refusal(function + "variant = 3\n").find("tables written [[function.variant]]"),
            std::string::npos);
  EXPECT_NE(refusal("memory_max_mb = 512\n" + function + "[[function.variant]]\nmemory_mb = 1024\n")
                .find("memory_mb = 1024, above memory_max_mb = 512"),
            std::string::npos);
  EXPECT_NE(refusal(function + "concurrency_max = 2\n[[function.variant]]\nconcurrency_max = 3\n")
                .find("concurrency_max is above the function's"),
            std::string::npos);
  std::string many = function;
  for (int i = 0; i < 9; ++i) many += "[[function.variant]]\n";
  EXPECT_NE(refusal(many).find("at most 8 variants"), std::string::npos);
}

}  // namespace
}  // namespace forewarm
