// SPDX-License-Identifier: Apache-2.0
// The identity of a run: job, content options and input (paths, sizes, modification times). The default run id
// is JOB-CCCCCCCCCCCC-IIIIIIIIIIII, with a digest C of job, options and paths, and a digest I of sizes and times: a run with
// the same beginning but another I had the same command on an input that has changed since.
#pragma once

#include <stint/detail/any_job.hpp>
#include <stint/options.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace stint {

struct RunIdentity {
  std::string run;           ///< default run id
  std::string beginning;     ///< of the run id, up to the digest of the input
  std::string json;          ///< whole, as kept on the blackboard
  std::uint64_t seed = 0;    ///< from job and content options alone
  bool with_source = false;  ///< the job has a source, see AnyJob::source
};

/// Reads path, size and time of every input file. Throws BadInput.
RunIdentity identify(AnyJob& job, const Options& options);

/// The job's version; if it has none, the digest of this program's file.
std::string program_of(const AnyJob& job);

/// In words, how two identities (JSON) differ: "points: 100, here 200".
std::string difference(const std::string& theirs, const std::string& ours);

/// Whether two identities have the same job, options and paths: only the input itself has changed.
bool same_but_input(const std::string& theirs, const std::string& ours);

/// All options as JSON: name → list of texts.
std::string options_json(const Options& options);
std::map<std::string, std::vector<std::string>> stored_options(const std::string& json);  ///< empty: cannot be read
void apply_options(Options& options, const std::string& json, bool content_only);

}  // namespace stint
