// SPDX-License-Identifier: Apache-2.0
// Texts that a user names and a job reads while it plans: lists, values, settings. Each is a file, a pipe, or standard
// input (`-`, /dev/stdin). The job names them by Options::reads, so that `stint run -n` saves for its ranks the texts that
// can be read only once. The two readers throw BadInput.
#pragma once

#include <string>
#include <string_view>

namespace stint {

/// All bytes of the text. On a terminal, prints that it waits for lines. Empty under `stint rerun` for a text of the first
/// call (`is_of_this_call`).
std::string read_whole(const std::string& path);

/// Like read_whole, but without a byte-order mark, and with line ends of Windows as \n; prints a note about each.
std::string read_text(const std::string& path);

/// Whether a path is standard input: `-`, /dev/stdin and the like.
bool is_standard_input(std::string_view path);

/// Whether a path can be read only in this call: standard input, or /dev/fd/N, which a shell makes of <(…).
bool is_of_this_call(std::string_view path);

/// Whether standard input has nothing to read: it is /dev/null, or closed.
bool standard_input_is_null();

}  // namespace stint
