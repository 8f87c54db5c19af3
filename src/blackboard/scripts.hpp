// SPDX-License-Identifier: Apache-2.0
// The scripts of src/blackboard/lua, embedded when the library is built (cmake/embed_lua.cmake).
#pragma once

#include <string_view>

namespace stint::scripts {

struct Script {
  std::string_view name;
  std::string_view text;
};

extern const Script create_script, join_script, claim_script, commit_script, fail_script, end_script, renew_script,
    reap_script, leave_script, fold_script, reject_script, finish_script, halt_script, remove_script, cancel_script, rerun_script,
    explain_script, mend_script, forget_script;

}  // namespace stint::scripts
