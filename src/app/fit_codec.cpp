#include "app/fit_codec.h"

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

namespace forewarm {
namespace {

class Writer {
 public:
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void put(const T& value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof value); }
  template <class T>
  void put_all(const std::vector<T>& values) {
    put(static_cast<std::uint32_t>(values.size()));
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }

  std::string bytes;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  requires std::is_trivially_copyable_v<T>
  void get(T& value) {
    if (!enough(sizeof value)) return;
    bytes_.copy(reinterpret_cast<char*>(&value), sizeof value);
    bytes_.remove_prefix(sizeof value);
  }
  template <class T>
  void get_all(std::vector<T>& values) {
    const std::uint32_t count = length();
    if (!enough(std::size_t{count} * sizeof(T))) return;
    values.resize(count);
    if (count > 0) bytes_.copy(reinterpret_cast<char*>(values.data()), count * sizeof(T));
    bytes_.remove_prefix(count * sizeof(T));
  }
  std::uint32_t length() {
    std::uint32_t count = 0;
    get(count);
    return count;
  }
  bool whole() const { return good_ && bytes_.empty(); }
  bool good() const { return good_; }

 private:
  bool enough(std::size_t size) {
    good_ = good_ && bytes_.size() >= size;
    return good_;
  }

  std::string_view bytes_;
  bool good_ = true;
};

}  // namespace

std::string encode(const FitRequest& request) {
  Writer out;
  out.put(request.queue);
  out.put(request.serial);
  out.put(request.start);
  out.put(request.step);
  out.put(request.horizon);
  out.put_all(request.arrivals);
  out.put_all(request.seasons);
  out.put(static_cast<std::uint32_t>(request.regressors.size()));
  for (const Regressor& regressor : request.regressors) {
    out.put(regressor.signal);
    out.put_all(regressor.past);
    out.put_all(regressor.future);
  }
  return std::move(out.bytes);
}

Result<FitRequest> decode_fit_request(std::string_view bytes) {
  Reader in(bytes);
  FitRequest request;
  in.get(request.queue);
  in.get(request.serial);
  in.get(request.start);
  in.get(request.step);
  in.get(request.horizon);
  in.get_all(request.arrivals);
  in.get_all(request.seasons);
  for (std::uint32_t n = in.length(); n > 0 && in.good(); --n) {
    Regressor& regressor = request.regressors.emplace_back();
    in.get(regressor.signal);
    in.get_all(regressor.past);
    in.get_all(regressor.future);
  }
  if (!in.whole() || request.step <= Duration(0))
    return error(ErrorCode::Corrupt, "a fit request that is not whole");
  return request;
}

std::string encode(const FitAnswer& answer) {
  Writer out;
  out.put(answer.fitted.queue);
  out.put(answer.fitted.serial);
  out.put(static_cast<std::uint32_t>(answer.fitted.forecasts.size()));
  for (const ModelForecast& model : answer.fitted.forecasts) {
    out.put(model.model);
    out.put(model.forecast.start);
    out.put(model.forecast.step);
    out.put_all(model.forecast.values);
  }
  out.put_all(answer.reasons);
  return std::move(out.bytes);
}

Result<FitAnswer> decode_fit_answer(std::string_view bytes) {
  Reader in(bytes);
  FitAnswer answer;
  in.get(answer.fitted.queue);
  in.get(answer.fitted.serial);
  for (std::uint32_t n = in.length(); n > 0 && in.good(); --n) {
    ModelForecast& model = answer.fitted.forecasts.emplace_back();
    in.get(model.model);
    in.get(model.forecast.start);
    in.get(model.forecast.step);
    in.get_all(model.forecast.values);
  }
  in.get_all(answer.reasons);
  if (!in.whole()) return error(ErrorCode::Corrupt, "a fitted forecast that is not whole");
  return answer;
}

}  // namespace forewarm
