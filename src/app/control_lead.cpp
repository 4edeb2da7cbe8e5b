#include "app/control_lead.h"

#include <utility>

namespace forewarm {

const char* const kControlLeaderSchema =
    R"({"description":"null: there is no [leader], and this copy acts","type":["object","null"],"required":["identity","leads","leader","problem","changes"],"properties":{)"
    R"("identity":{"type":"string","description":"of this copy"},)"
    R"("leads":{"type":"boolean","description":"this copy acts"},)"
    R"("leader":{"type":"string","description":"whoever acts; empty: nobody, or nobody knows"},)"
    R"("problem":{"type":"string","description":"why nobody knows"},)"
    R"("changes":{"type":"integer","description":"of the leader, as this copy saw them"}}})";

Result<void> ControlLead::start(const LeaderConfig& config) {
  if (config.kind.empty()) return {};
  identity_ = leader_identity(config);
  auto election =
      make_election(config, [this](const Leadership& now) { loop_.post([this, now] { heard(now); }); });
  if (!election) return std::unexpected(election.error());
  election_ = std::move(*election);
  label_ = make_pod_label(config, [this](const std::string& problem) {
    if (problem.empty())
      log_.info("the label of who leads is right again", {{"identity", identity_}});
    else
      log_.warning("the label of who leads cannot be set; KEDA may not reach this copy, or reach it in vain",
                   {{"identity", identity_}, {"reason", problem}});
  });
  return {};
}

void ControlLead::heard(const Leadership& now) {
  const Leadership before = std::exchange(known_, now);
  if (now.problem != before.problem) {
    if (!now.problem.empty())
      log_.warning("who leads cannot be found out", {{"identity", identity_}, {"reason", now.problem}});
    else
      log_.info("who leads is known again", {{"identity", identity_}});
  }
  if (now.leads && !before.leads) {
    term_ = std::stop_source();
    began_();
    log_.info("this copy leads: it acts", {{"identity", identity_}});
  } else if (!now.leads && before.leads) {
    term_.request_stop();
    log_.warning("this copy does not lead any more: it stops acting",
                 {{"identity", identity_}, {"leader", now.leader}});
  } else if (!now.leads && now.leader != before.leader && !now.leader.empty()) {
    log_.info("this copy follows: it does not act", {{"identity", identity_}, {"leader", now.leader}});
  }
  if (now.leads == before.leads) return;
  if (label_) label_->leads(now.leads);
  turned_();
}

std::string ControlLead::follows() const {
  if (acts()) return "";
  return known_.leader.empty() ? "this copy does not lead, and nobody is known to"
                               : "this copy follows " + known_.leader;
}

std::optional<ElectionSample> ControlLead::sample() const {
  if (election_ == nullptr) return std::nullopt;
  const Leadership now = election_->standing();
  return ElectionSample{
      .identity = identity_, .leader = now.leader, .leads = now.leads, .changes = now.changes};
}

void ControlLead::write(JsonWriter& json) const {
  json.key("leader");
  if (election_ == nullptr) {
    json.null();
    return;
  }
  const Leadership now = election_->standing();
  json.open_object().member("identity", identity_).member("leads", now.leads).member("leader", now.leader);
  json.member("problem", now.problem).member("changes", now.changes).close_object();
}

}  // namespace forewarm
