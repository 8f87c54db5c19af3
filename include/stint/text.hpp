// SPDX-License-Identifier: Apache-2.0
// Texts that a user names and a job reads as it is planned: lists, values, settings. Each is a file, a pipe, or standard
// input (`-`, /dev/stdin). The job names them by Options::reads, so that `stint run -n` keeps for its ranks what can be
// read only once. All of these throw BadInput.
#pragma once

#include <string>
#include <string_view>

namespace stint {

/// All bytes. On a terminal it says that it waits for lines. What `stint rerun` cannot read again is empty.
std::string read_whole(const std::string& path);

/// As read_whole, of a text: without a byte-order mark, and with line ends of Windows as \n. What is left out is said.
std::string read_text(const std::string& path);

/// Whether a path is standard input: `-`, /dev/stdin and the like.
bool is_standard_input(std::string_view path);

/// Whether a path can be read only in this call: standard input, or what a shell makes of <(…).
bool is_of_this_call(std::string_view path);

/// Whether there is nothing to be read from standard input: it is /dev/null, or closed.
bool standard_input_is_null();

}  // namespace stint
