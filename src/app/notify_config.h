#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/config_fields.h"
#include "base/result.h"
#include "base/time.h"

namespace forewarm {

struct ReceiverSettings;

/// More receivers than this are refused: each has a thread.
inline constexpr std::size_t kNotifyMax = 32;

void describe(FieldVisitor& visitor, AlertsConfig& config);
void describe(FieldVisitor& visitor, NotifyConfig& config);

/// What is wrong with `one`, beside `earlier` ones: a sentence that goes on from "[[notify]] ". Empty if
/// nothing is.
std::string check_notify(const std::vector<NotifyConfig>& earlier, const NotifyConfig& one);
/// Names of alerts and durations; Invalid with the remedy.
Result<void> check_alerts(const AlertsConfig& config);
/// What does not keep the server from starting but will keep messages from being sent, with the remedy.
std::vector<std::string> notify_warnings(const std::vector<NotifyConfig>& notify);

/// The receiver of a checked table. Its secret is read when it is needed.
ReceiverSettings receiver_of(const NotifyConfig& config);
/// The [[notify]] tables of a file of `serve` or of `forewarm control`, whatever else is in it.
Result<std::vector<NotifyConfig>> read_notify_file(const std::string& path);

}  // namespace forewarm
