// SPDX-License-Identifier: Apache-2.0
// What is said of chunks that failed when a run has ended, and the numbers by which its user knows them.
#pragma once

#include <stint/detail/any_job.hpp>

#include <string>
#include <vector>

namespace stint {

/// A line for the first failure of each kind, with how many more there are like it; of a job that has no words of its own,
/// none. `most`: lines at most.
std::vector<std::string> failure_lines(const AnyJob& job, const std::vector<FailedChunk>& failures, const Context& context,
                                       std::size_t most = 5);

/// The text with its first "chunk 3" in the user's words: "command 4". As it is for a job whose chunks are called chunks.
std::string in_words_of(const AnyJob& job, const std::string& text);

}  // namespace stint
