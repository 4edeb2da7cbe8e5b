#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace forewarm {

/// What forewarm doctor says of a data folder: a sentence each.
struct StoreFindings {
  std::vector<std::string> facts = {};     ///< what is there
  std::vector<std::string> problems = {};  ///< what is wrong, each row named
  bool salvage_helps = false;              ///< some of it is in the databases
};

/// Reads all of a data folder and changes nothing; a server may run on it. NotFound where there is neither a
/// store nor the state of forewarm control; Invalid where it is of a newer format.
Result<StoreFindings> examine_store(const std::string& data);

/// Copies what can be read into `target`, new or empty; the problems name what was lost. Conflict while a
/// server uses `data`.
Result<StoreFindings> salvage_data(const std::string& data, const std::string& target);

}  // namespace forewarm
