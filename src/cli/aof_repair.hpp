// SPDX-License-Identifier: Apache-2.0
// The append-only file of the embedded Redis, looked at before a server starts on it. Redis 7.0 gets two things wrong:
// - When the file ends inside EXEC, Redis cuts it back to the last whole command. The beginning of the transaction
//   stays in the file, and at the next restart it is run together with what was appended since: a script that was lost
//   comes back to life between others. Everything rests on a script being in the file whole or not at all.
// - Without its manifest the data files are ignored, the board is empty, and new data are written over the old.
// So the guardian cuts an incomplete end off by itself, and keeps it. It never cuts anything that has whole commands
// behind it: that is damage, which is refused, since every run of the home is in this file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace stint {

/// What commands of the Redis protocol, one behind another, are.
struct AofText {
  enum class Kind {
    whole,
    torn,    ///< the last command or transaction is incomplete and reaches the end: cut it off at `at`
    damaged  ///< no command begins or continues at `at`, and more stands behind it
  } kind = Kind::whole;
  std::uint64_t at = 0;
};
AofText check_aof_text(std::string_view text);

/// Checks the data in `folder` (appendonlydir), and cuts an incomplete end off the last file that the manifest names;
/// what is cut off is kept beside it, in FILE.cut. Returns a line for the user about that; empty: nothing was cut.
/// Throws Error(damaged) and changes nothing where the file is damaged, or the manifest is missing or incomplete.
std::string repair_aof(const std::filesystem::path& folder);

/// The file that a server in this folder writes to, as the manifest names it; empty: there is no manifest.
std::filesystem::path newest_append_only_file(const std::filesystem::path& folder);

}  // namespace stint
