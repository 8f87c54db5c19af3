// SPDX-License-Identifier: Apache-2.0
// Options and verbs of GNU parallel, xargs, mpirun and HyperQueue, as people type them from habit: which of ours each one is, or
// what to do here instead.
#pragma once

#include <string>
#include <string_view>

namespace stint {

struct ForeignOption {
  std::string_view name;  ///< "-j", "--jobs"
  bool value = false;     ///< it takes one
  std::string_view ours;  ///< the option that it is here; empty: that is what Stint does anyway
  std::string_view advice = {};  ///< not empty: there is nothing of the kind here, and this is what to do; $0 stands for this program
};

/// Null if no such option is known.
const ForeignOption* foreign_option(std::string_view name);

/// The verb that this one of another program is here ("list": "ls"); empty if none is known.
std::string foreign_verb(std::string_view name);

}  // namespace stint
