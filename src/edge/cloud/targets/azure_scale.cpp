#include "edge/cloud/targets/azure_scale.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

namespace forewarm {
namespace {

namespace json = boost::json;

constexpr std::uint32_t kElasticMost = 1'000'000;

class AzureElastic : public TargetTranslator {
 public:
  explicit AzureElastic(const AzureElasticApp& app)
      : url_(app.url + app.name + "/config/web?api-version=2025-05-01"), most_(app.always_ready_max) {}

  std::optional<FetchRequest> read() const override {
    return FetchRequest{.method = "GET", .url = url_, .headers = {}};
  }

  Result<TargetState> state(const HttpResponse& answer) const override {
    if (answer.status != 200) return refusal_of(answer);
    const auto least = count_in(answer.body, "/properties/minimumElasticInstanceCount");
    if (!least) return error(ErrorCode::Invalid, "Get Configuration: " + least.error().message);
    if (most_ == 0 || !*least) return TargetState{.set = *least, .ready = {}};
    const auto buffer = count_in(answer.body, "/properties/preWarmedInstanceCount");
    const std::uint32_t warm = buffer.value_or(std::nullopt).value_or(1);
    if (**least > kElasticMost || warm > kElasticMost)
      return error(ErrorCode::Invalid, "Get Configuration: more instances than a plan can have");
    return TargetState{.set = **least + counted(warm), .ready = {}, .beside = warm};
  }

  Result<FetchRequest> write(std::optional<std::uint32_t> instances) const override {
    if (!instances)
      return error(ErrorCode::Invalid, "an app's minimumElasticInstanceCount cannot be unset, only changed");
    if (most_ == 0) return patched(*instances, std::nullopt);
    const std::uint32_t ready = std::min(*instances, most_);
    return patched(ready, *instances - ready + 1);
  }

  Result<FetchRequest> put_back(const TargetState& found) const override {
    if (!found.set) return write(found.set);
    // What was found before there was a limit is of those that are always ready.
    if (!found.beside) return patched(*found.set, std::nullopt);
    return patched(*found.set - std::min(*found.set, counted(*found.beside)), found.beside);
  }

 private:
  static std::uint32_t counted(std::uint32_t warm) { return std::max(warm, 1U) - 1; }

  FetchRequest patched(std::uint32_t ready, std::optional<std::uint32_t> warm) const {
    std::string body = R"({"properties":{"minimumElasticInstanceCount":)" + std::to_string(ready);
    if (warm) body += R"(,"preWarmedInstanceCount":)" + std::to_string(*warm);
    return json_request("PATCH", url_, body + "}}");
  }

  std::string url_;
  std::uint32_t most_;
};

bool same_word(std::string_view one, std::string_view other) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(one, other, {}, lower, lower);
}

constexpr const char* kFlexScale[] = {"properties", "functionAppConfig", "scaleAndConcurrency"};

/// An app as it was read.
struct FlexSite {
  json::object document;
  struct Group {
    std::string name;
    std::uint32_t instances = 0;
  };
  std::vector<Group> ready{};

  json::object& scale() {
    json::object* inner = &document;
    for (const char* part : kFlexScale) inner = &inner->at(part).as_object();
    return *inner;
  }
};

Result<FlexSite> read_flex_site(const HttpResponse& answer) {
  if (answer.status != 200) return refusal_of(answer);
  const auto not_so = [](const std::string& what) { return error(ErrorCode::Invalid, "the app: " + what); };
  boost::system::error_code failed;
  json::value read = json::parse(answer.body, failed);
  if (failed || !read.is_object())
    return not_so("expected a JSON object, got '" + printable_start(answer.body) + "'");
  FlexSite site{.document = std::move(read.get_object())};
  const json::object* inner = &site.document;
  for (const char* part : kFlexScale) {
    const json::value* found = inner->if_contains(part);
    if (found == nullptr || !found->is_object())
      return not_so(
          "it has no properties.functionAppConfig.scaleAndConcurrency. Is it in a Flex Consumption plan? For "
          "a Premium plan: target.kind = \"azure-premium\"");
    inner = &found->get_object();
  }
  const json::value* listed = inner->if_contains("alwaysReady");
  if (listed == nullptr || listed->is_null()) return site;
  if (!listed->is_array()) return not_so("expected alwaysReady to be a list");
  for (const json::value& one : listed->get_array()) {
    const json::value* name = one.is_object() ? one.get_object().if_contains("name") : nullptr;
    const json::value* count = one.is_object() ? one.get_object().if_contains("instanceCount") : nullptr;
    const auto number = count != nullptr && count->is_number() ? count->to_number<std::uint32_t>(failed) : 0;
    if (name == nullptr || !name->is_string() || (count != nullptr && !count->is_number()) || failed)
      return not_so("expected alwaysReady to have names and instanceCounts from 0 on");
    site.ready.push_back({std::string(name->get_string()), number});
  }
  return site;
}

class AzureFlex : public TargetTranslator {
 public:
  explicit AzureFlex(const AzureFlexGroup& group)
      : url_(group.url + group.name + "?api-version=2023-12-01"), group_(group.group) {}

  std::optional<FetchRequest> read() const override {
    return FetchRequest{.method = "GET", .url = url_, .headers = {}};
  }

  Result<TargetState> state(const HttpResponse& answer) const override {
    Result<FlexSite> site = read_flex_site(answer);
    if (!site) return std::unexpected(site.error());
    TargetState state{.set = 0, .ready = {}};
    std::uint64_t all = 0;
    for (const FlexSite::Group& each : site->ready) all += each.instances;
    const auto mine = std::ranges::find_if(
        site->ready, [&](const FlexSite::Group& each) { return same_word(each.name, group_); });
    if (mine != site->ready.end()) state.set = mine->instances;
    const std::uint64_t others = all - *state.set;
    const auto most = count_in(json::serialize(site->scale()), "/maximumInstanceCount");
    if (most && *most)
      state.most = static_cast<std::uint32_t>(**most - std::min<std::uint64_t>(**most, others));
    return state;
  }

  bool rewrites() const override { return true; }

  /// The change alone.
  Result<FetchRequest> write(std::optional<std::uint32_t> instances) const override {
    json::object one{{"name", group_}, {"instanceCount", instances.value_or(0)}};
    const json::object scale{{"alwaysReady", json::array{std::move(one)}}};
    const json::object config{{"functionAppConfig", json::object{{"scaleAndConcurrency", scale}}}};
    return json_request("PUT", url_, json::serialize(json::object{{"properties", config}}));
  }

  Result<FetchRequest> rewrite(const HttpResponse& read,
                               std::optional<std::uint32_t> instances) const override {
    Result<FlexSite> site = read_flex_site(read);
    if (!site) return std::unexpected(site.error());
    json::value& listed = site->scale()["alwaysReady"];
    if (!listed.is_array()) listed = json::array();
    json::array& groups = listed.get_array();
    const auto mine = std::ranges::find_if(groups, [&](const json::value& each) {
      return same_word(std::string_view(each.at("name").get_string()), group_);
    });
    const std::uint32_t wanted = instances.value_or(0);
    if (mine != groups.end() && wanted == 0)
      groups.erase(mine);
    else if (mine != groups.end())
      mine->get_object()["instanceCount"] = wanted;
    else if (wanted > 0)
      groups.push_back(json::object{{"name", group_}, {"instanceCount", wanted}});
    return json_request("PUT", url_, json::serialize(site->document));
  }

 private:
  std::string url_, group_;
};

template <class Named>
Named without_last_slash(Named named) {
  while (named.url.ends_with('/')) named.url.pop_back();
  return named;
}

}  // namespace

bool is_azure_app(std::string_view name) {
  return name.starts_with('/') && has_path_parts(name.substr(1), {"subscriptions", "", "resourceGroups", "",
                                                                  "providers", "Microsoft.Web", "sites", ""});
}

bool is_flex_group(std::string_view group) {
  constexpr std::string_view kFunction = "function:";
  return group == "http" || group == "blob" || group == "durable" ||
         (group.starts_with(kFunction) && group.size() > kFunction.size());
}

std::unique_ptr<TargetTranslator> make_azure_elastic(AzureElasticApp app) {
  return std::make_unique<AzureElastic>(without_last_slash(std::move(app)));
}

std::unique_ptr<TargetTranslator> make_azure_flex(AzureFlexGroup group) {
  return std::make_unique<AzureFlex>(without_last_slash(std::move(group)));
}

}  // namespace forewarm
