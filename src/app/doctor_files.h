#pragma once

#include <string>

#include "app/doctor_store.h"

namespace forewarm {

/// What forewarm doctor says of files beside the store. Each adds to `findings` what is there and what is
/// damaged, with the place and the remedy, and changes nothing.

/// Of the folder `data` of forewarm control. False if it keeps no state there.
bool examine_control_state(const std::string& data, StoreFindings& findings);
/// A file of serve --record. Its events are read; whether the decisions follow from them, replay --audit
/// says.
void examine_recording(const std::string& path, StoreFindings& findings);
/// Every file of a target of history archive.
void examine_archive(const std::string& target, StoreFindings& findings);

}  // namespace forewarm
