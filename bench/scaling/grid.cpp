#include "scaling/grid.h"

namespace forewarm::bench {

const std::vector<TraceFile>& trace_files() {
  static const std::vector<TraceFile> all = {
      {"azure_functions_2019_8h", "", 10s},
      {"azure_functions_2019_day", "", 30s},
      {"azure_vm_2017_arrivals", "", 5min},
      {"twitter_2021", "trace_10s.csv.gz", 1min},
      {"nasa_http_1995", "trace_10s.csv.gz", 1min},
      {"nab", "trace.csv.gz", 5min},
      {"azure_llm_2023", "", 10s},
      {"alibaba_gentd26", "", 5min},
  };
  return all;
}

std::vector<std::string> baselines() {
  std::vector<std::string> grid = {"lambda:idle=10m", "cloud-run:idle=1m", "cloud-run:idle=15m"};
  for (const char* idle : {"1s", "10s", "60s", "5m", "10m", "20m", "60m"})
    grid.push_back(std::string("keep-alive:") + idle);
  for (const char* target : {"1", "2", "5"}) grid.push_back(std::string("keda:max=2000,target=") + target);
  for (const char* utilisation : {"0.3", "0.5", "0.7", "1"})
    grid.push_back(std::string("knative:utilisation=") + utilisation);
  for (const char* idle : {"10s", "60s", "10m"}) grid.push_back(std::string("erlang:idle=") + idle);
  grid.emplace_back(kHpaPolicy);
  for (const char* idle : {"1m", "20m"}) grid.push_back(std::string("azure-target:max=2000,idle=") + idle);
  for (const char* idle : {"1m", "10m"}) grid.push_back(std::string("openwhisk:idle=") + idle);
  for (const char* how : {"0.5", "0.9", "0.9,zero=yes"})
    grid.push_back(std::string("openfaas:max=2000,proportion=") + how);
  for (const char* target : {"1", "2", "5"}) grid.push_back(std::string("wpa:max=2000,target=") + target);
  for (const char* range : {"1h", "4h"}) grid.push_back(std::string("hybrid-histogram:range=") + range);
  for (const char* target : {"0.5", "0.7"}) {
    grid.push_back(std::string("provisioned-concurrency:max=2000,target=") + target);
    grid.push_back(std::string("aws-predictive:max=2000,target=") + target);
  }
  // The season is the user's to know; the smoothing is its example's, and one that is less hasty.
  for (const char* how : {"1h", "24h", "24h,alpha=0.3,beta=0.1,gamma=0.3"})
    grid.push_back(std::string("holt-winters:max=2000,target=1,season=") + how);
  for (const char* target : {"0.5", "1", "2"}) grid.push_back(std::string("crane:max=2000,target=") + target);
  for (const char* target : {"0.5", "1"}) grid.push_back(std::string("kedastral:max=2000,target=") + target);
  for (const char* count : {"1", "2", "4", "8", "16", "64"}) grid.push_back(std::string("static:") + count);
  return grid;
}

}  // namespace forewarm::bench
