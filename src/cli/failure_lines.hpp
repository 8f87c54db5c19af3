// SPDX-License-Identifier: Apache-2.0
// Lines about failed chunks for the end of a run, with the user's numbers for them.
#pragma once

#include <stint/detail/any_job.hpp>

#include <string>
#include <vector>

namespace stint {

/// A line for the first failure of each kind, with the number of similar ones. Empty for a job without describe_failure.
/// `most`: maximum of lines.
std::vector<std::string> failure_lines(const AnyJob& job, const std::vector<FailedChunk>& failures, const Context& context,
                                       std::size_t most = 5);

/// The text with its first "chunk 3" in the user's words: "command 4". Unchanged for a job whose chunks are called chunks.
std::string in_words_of(const AnyJob& job, const std::string& text);

}  // namespace stint
