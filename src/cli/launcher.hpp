// SPDX-License-Identifier: Apache-2.0
// `stint run -n N` outside a world: starts mpirun with what survival needs, passes signals on, and gives the run's own
// exit code, which mpirun with recovery does not.
#pragma once

#include "cli/run_options.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace stint {

/// mpirun with the flags that survival needs, for the version that this program is linked with.
std::vector<std::string> launch_words();

/// Starts this program again under mpirun with the same arguments, without -n and --mpirun; again, some times, when all
/// ranks were lost. Returns the exit code.
int launch(const RunOptions& options, int argc, char** argv);

/// True in a rank that `launch` started: mpirun has recovery on.
bool launched();

/// Of rank 0: the folder in which ranks of a call find each other's notes, and the launcher its ranks'. Where rank 0 is on
/// a host that does not see the launcher's, it makes one of that name there, as long as it lives; the launcher is then
/// told by lines on stderr.
class CallFolder {
 public:
  CallFolder();
  ~CallFolder();
  CallFolder(const CallFolder&) = delete;
  CallFolder& operator=(const CallFolder&) = delete;

 private:
  std::filesystem::path made_;
};

/// A file beside the launcher's own, for what ranks of this call want those after them to know; empty: not launched.
std::filesystem::path call_file();

/// True in a rank of a world that was started again: what its command begins (--fresh, rerun) was begun before.
bool restarted();

/// A rank tells its launcher that the run is planned and work begins.
void tell_launcher_begun();

/// False in a rank of a launched world of which another prints the result (a run may be led to its end twice, when the
/// blackboard lost its last second).
bool first_to_print();

/// A rank of this launched world has printed the result and told the exit code, which stands.
bool result_told();

/// The rank that ends the run tells its launcher the exit code, `of_result` when it has printed one; false: there is no
/// launcher, so the process itself must return it. (With one it returns 0: mpirun reports every other code on stderr.)
bool tell_launcher(int exit_code, bool of_result = false);

}  // namespace stint
