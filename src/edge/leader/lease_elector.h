#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>

#include "base/random.h"
#include "base/result.h"
#include "edge/leader/leader_election.h"

namespace forewarm {

/// What a lease says (Kubernetes API, coordination.k8s.io/v1, LeaseSpec). Its times are for people: clocks of
/// different machines differ.
struct LeaseRecord {
  std::string holder{};             ///< empty: given up
  Duration duration = Duration(0);  ///< 0: it does not say
  TimePoint acquired{};
  TimePoint renewed{};
  std::int64_t transitions = 0;  ///< changes of the holder

  friend bool operator==(const LeaseRecord&, const LeaseRecord&) = default;
};

/// What is to be asked of whoever keeps the lease.
struct LeaseRequest {
  enum class What { Read, Create, Replace };
  What what = What::Read;
  LeaseRecord record{};   ///< Create, Replace
  std::string version{};  ///< Replace: only if the lease is still of this version
};

/// What came of a request.
struct LeaseFound {
  LeaseRecord record{};
  std::string version{};
};
struct LeaseMissing {};   ///< there is none
struct LeaseConflict {};  ///< it was changed, or made, by another meanwhile
using LeaseAnswer = std::variant<LeaseFound, LeaseMissing, LeaseConflict, Error>;

/// Decides when to ask for the lease, and whether this copy leads. Pure: time and answers are arguments.
///
/// Times as in Kubernetes' client-go (tools/leaderelection). A copy leads until `renew_deadline` after it
/// *sent* the last request that was granted; another takes the lease when it has *seen* no change of it for
/// the duration that the lease says, which is longer. The keeper granted between the two, so the first ends
/// before the second by whoever's clock, as long as clocks run at about the same speed. What the lease says
/// of times is not looked at.
///
/// Stricter than client-go in two ways. A lease that is gone may have had a holder: who makes it anew waits
/// for it like everybody. A lease held under this copy's own name, but by none of its requests, is another's:
/// two copies of one name are still two.
class LeaseElector {
 public:
  struct Settings {
    std::string identity;
    Duration lease = 15s;  ///< whole seconds; longer than renew_deadline
    Duration renew_deadline = 10s;
    Duration retry = 2s;  ///< between two requests
    std::uint64_t seed = 0;
  };
  explicit LeaseElector(Settings settings) : settings_(std::move(settings)), random_(settings_.seed) {}

  /// When next() is due.
  LeaseTime due() const { return due_; }
  /// The request to send now; `wall` is for what the lease says. Each is followed by answered().
  LeaseRequest next(LeaseTime now, TimePoint wall);
  void answered(LeaseTime now, const LeaseAnswer& answer);

  bool leads(LeaseTime now) const { return now < leads_until_; }
  /// The end of leading unless a request is granted before.
  LeaseTime leads_until() const { return leads_until_; }
  /// Whoever leads as far as is known; empty: nobody.
  std::string leader(LeaseTime now) const;
  /// The request that gives the lead up, if the lease is this copy's as far as is known. From then on it does
  /// not lead.
  std::optional<LeaseRequest> give_up(TimePoint wall);

 private:
  struct Attempt {
    LeaseRecord record;
    LeaseTime sent;
  };
  LeaseTime runs_out() const;
  bool may_take(LeaseTime now) const;
  void found(LeaseTime now, const LeaseFound& lease);
  void wait(LeaseTime now);

  Settings settings_;
  Random random_;
  LeaseTime due_ = LeaseTime::min();
  LeaseTime asked_at_ = LeaseTime::min();
  bool replaced_ = false;  ///< the last request was a Replace
  LeaseTime leads_until_ = LeaseTime::min();
  std::optional<LeaseFound> seen_;
  LeaseTime changed_at_ = LeaseTime::min();  ///< when the lease was first seen as it is
  bool missing_ = false;                     ///< there was no lease just now
  bool current_ = false;                     ///< seen_ is what was answered last
  bool mine_ = false;                        ///< seen_ is of one of this copy's requests
  std::deque<Attempt> attempts_;             ///< that may have been granted
};

}  // namespace forewarm
