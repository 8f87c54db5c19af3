// SPDX-License-Identifier: Apache-2.0
// Checks and repairs the append-only file of the embedded Redis before a server starts on it. Redis 7.0 has two faults:
// - If the file ends inside EXEC, Redis cuts it back to the last whole command. The beginning of the transaction
//   stays in the file, and at the next restart it is joined with what was appended since: a lost script
//   is executed among others. Stint relies on a script being in the file whole or not at all.
// - Without its manifest the data files are ignored, the board is empty, and new data overwrite the old.
// So the guardian cuts an incomplete end off before Redis does, and keeps it. It never cuts anything that is followed by whole
// commands: that is damage, which is refused, since the file has every run of the home.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace stint {

/// The state of a sequence of commands in the Redis protocol.
struct AofText {
  enum class Kind {
    whole,
    torn,    ///< the last command or transaction is incomplete and reaches the end: cut it off at `at`
    damaged  ///< no command begins or continues at `at`, and more bytes follow
  } kind = Kind::whole;
  std::uint64_t at = 0;
};
AofText check_aof_text(std::string_view text);

/// Checks the data in `folder` (appendonlydir), and cuts an incomplete end off the last file in the manifest;
/// the end is kept beside it, in FILE.cut. Returns a line for the user about that; empty: nothing was cut.
/// Throws Error(damaged), with nothing changed, if the file is damaged, or the manifest is missing or incomplete.
std::string repair_aof(const std::filesystem::path& folder);

/// The folder of a home in which Redis keeps its append-only file.
inline std::filesystem::path append_only_folder(const std::filesystem::path& home) { return home / "data" / "appendonlydir"; }

/// The file in this folder that a server appends to, by the manifest; empty: there is no manifest.
std::filesystem::path newest_append_only_file(const std::filesystem::path& folder);

}  // namespace stint
