// SPDX-License-Identifier: Apache-2.0
// Options and verbs of GNU parallel, xargs, mpirun and HyperQueue that users type from habit: the corresponding one of Stint,
// or what to do instead.
#pragma once

#include <string>
#include <string_view>

namespace stint {

struct ForeignOption {
  std::string_view name;  ///< "-j", "--jobs"
  bool value = false;     ///< it takes a value
  std::string_view ours;  ///< the corresponding option of Stint; empty: Stint does this anyway
  std::string_view advice = {};  ///< not empty: Stint has no such option, and this is what to do; $0 stands for this program
};

/// Null if no such option is known.
const ForeignOption* foreign_option(std::string_view name);

/// The verb that corresponds to another program's ("list": "ls"); empty if none is known.
std::string foreign_verb(std::string_view name);

}  // namespace stint
