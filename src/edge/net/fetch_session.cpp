#include "edge/net/fetch_session.h"

#include <map>
#include <utility>
#include <vector>

#include "edge/net/fetch_transfer.h"

namespace forewarm {
namespace {

struct CurlMultiCloser {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

}  // namespace

struct FetchSession::State {
  struct UnderWay {
    CurlEasy easy;
    std::unique_ptr<FetchTransfer> transfer;
    Done done;
  };

  std::unique_ptr<CURLM, CurlMultiCloser> multi;
  std::map<CURL*, UnderWay> under_way;
  std::vector<CurlEasy> spare;
  std::vector<std::pair<Done, Error>> refused;  ///< before they began; answered in run()
  std::uint64_t connections = 0;

  void collect();
};

FetchSession::FetchSession() : state_(std::make_unique<State>()) {
  state_->spare.push_back(make_curl_easy());  // libcurl is begun with the first handle
  state_->multi.reset(curl_multi_init());
}

FetchSession::~FetchSession() {
  drop_all();
}

void FetchSession::drop_all() {
  for (const auto& [easy, under_way] : state_->under_way) curl_multi_remove_handle(state_->multi.get(), easy);
  state_->under_way.clear();
  state_->refused.clear();
}

void FetchSession::start(FetchRequest request, FetchOptions options, Done done) {
  if (const auto allowed = check_egress_of(request.url); !allowed) {
    state_->refused.emplace_back(std::move(done), allowed.error());
    return;
  }
  CurlEasy easy;
  if (state_->spare.empty()) {
    easy = make_curl_easy();
  } else {
    easy = std::move(state_->spare.back());
    state_->spare.pop_back();
  }
  if (!easy || !state_->multi) {
    state_->refused.emplace_back(std::move(done), Error{ErrorCode::Io, "libcurl cannot be started"});
    return;
  }
  curl_easy_reset(easy.get());
  CURL* const key = easy.get();
  auto transfer = std::make_unique<FetchTransfer>(key, std::move(request), std::move(options));
  curl_multi_add_handle(state_->multi.get(), key);
  state_->under_way.emplace(key, State::UnderWay{std::move(easy), std::move(transfer), std::move(done)});
}

void FetchSession::State::collect() {
  int left = 0;
  std::vector<std::pair<Done, Result<HttpResponse>>> ended;
  while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    const auto found = under_way.find(message->easy_handle);
    if (found == under_way.end()) continue;
    long made = 0;
    curl_easy_getinfo(found->first, CURLINFO_NUM_CONNECTS, &made);
    connections += static_cast<std::uint64_t>(made);
    ended.emplace_back(std::move(found->second.done), found->second.transfer->finish(code));
    curl_multi_remove_handle(multi.get(), found->first);
    spare.push_back(std::move(found->second.easy));
    under_way.erase(found);
  }
  for (auto& [done, answer] : ended) done(std::move(answer));
}

void FetchSession::run(std::chrono::milliseconds at_most) {
  const auto refused = std::exchange(state_->refused, {});
  for (const auto& [done, why] : refused) done(std::unexpected(why));
  if (!state_->multi || !refused.empty()) return;
  int running = 0;
  curl_multi_perform(state_->multi.get(), &running);
  const bool ended = static_cast<std::size_t>(running) < state_->under_way.size();
  if (!ended) {
    curl_multi_poll(state_->multi.get(), nullptr, 0, static_cast<int>(at_most.count()), nullptr);
    curl_multi_perform(state_->multi.get(), &running);
  }
  state_->collect();
}

void FetchSession::wake() {
  if (state_->multi) curl_multi_wakeup(state_->multi.get());
}

std::size_t FetchSession::under_way() const {
  return state_->under_way.size() + state_->refused.size();
}

std::uint64_t FetchSession::connections() const {
  return state_->connections;
}

}  // namespace forewarm
