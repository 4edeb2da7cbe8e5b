#include "routing/rows.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <iostream>
#include <map>

namespace forewarm::bench {
namespace {

template <class Read>
std::vector<double> each(const std::vector<Served>& served, Read read) {
  std::vector<double> values;
  for (const Served& one : served)
    if (one.done()) values.push_back(read(one));
  return values;
}

double lateness(const Served& one) {
  return std::max(0.0, one.wait() - seconds(one.objective));
}

}  // namespace

std::vector<Served> scored(const std::vector<Served>& served, Duration from, Duration until) {
  std::vector<Served> out;
  for (const Served& one : served)
    if (one.due >= from && one.due < until) out.push_back(one);
  return out;
}

double response_p99(const std::vector<Served>& served) {
  return quantile(each(served, [](const Served& one) { return one.response(); }), 0.99);
}

double wait_p99(const std::vector<Served>& served) {
  return quantile(each(served, [](const Served& one) { return one.wait(); }), 0.99);
}

boost::json::object row_of(const std::string& name, const std::string& policy,
                           const std::vector<Served>& served) {
  const std::vector<double> late = each(served, lateness);
  const std::vector<double> slow = each(served, [](const Served& one) { return one.slowdown(); });
  boost::json::object row;
  row["case"] = name;
  row["policy"] = policy;
  row["messages"] = served.size();
  row["unserved"] = served.size() - late.size();
  row["late_share"] = late.empty()
                          ? 0.0
                          : static_cast<double>(std::ranges::count_if(late, [](double l) { return l > 0; })) /
                                static_cast<double>(late.size());
  row["lateness_p99"] = quantile(late, 0.99);
  row["wait_p50"] = quantile(each(served, [](const Served& one) { return one.wait(); }), 0.5);
  row["wait_p99"] = wait_p99(served);
  row["response_p50"] = quantile(each(served, [](const Served& one) { return one.response(); }), 0.5);
  row["response_p99"] = response_p99(served);
  row["slowdown_p50"] = quantile(slow, 0.5);
  row["slowdown_p99"] = quantile(slow, 0.99);
  return row;
}

void add_classes(boost::json::object& row, const std::vector<Served>& served) {
  std::map<Priority, std::vector<Served>> classes;
  for (const Served& one : served) classes[one.priority].push_back(one);
  boost::json::object all;
  for (const auto& [priority, of] : classes) {
    boost::json::object one;
    one["messages"] = of.size();
    const std::vector<double> late = each(of, lateness);
    one["lateness_p50"] = quantile(late, 0.5);
    one["lateness_p99"] = quantile(late, 0.99);
    one["wait_max"] = quantile(each(of, [](const Served& each_one) { return each_one.wait(); }), 1);
    one["slowdown_p50"] = quantile(each(of, [](const Served& each_one) { return each_one.slowdown(); }), 0.5);
    all[std::to_string(priority)] = one;
  }
  row["classes"] = all;
}

void print(const boost::json::object& row) {
  std::cout << boost::json::serialize(row) << '\n' << std::flush;
}

bool print_bar(const std::string& name, double value, double bar, bool at_least) {
  const bool met = at_least ? value >= bar : value <= bar;
  print({{"bar_of", name}, {"value", value}, {"bar", bar}, {"at_least", at_least}, {"met", met}});
  return met;
}

}  // namespace forewarm::bench
