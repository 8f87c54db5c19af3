// SPDX-License-Identifier: Apache-2.0
// The options of a job on the command line. A job registers its fields here; Stint parses them, prints them
// in `--help`, keeps them on the blackboard and makes them part of the run's identity. Ranks read their values from
// the blackboard, never from their own command line.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace stint {

class Inputs;

/// What an option changes.
enum class OptionKind {
  content,   ///< the partials: part of the run's identity
  result,    ///< only the output of `finish`: a change finishes the stored result again, and recomputes no chunk
  run_time,  ///< neither: not part of the identity
};

class Options {
 public:
  Options() = default;
  Options(const Options&) = delete;  // a job that took a copy would register nothing
  Options& operator=(const Options&) = delete;

  /// One registered field. `set` throws std::invalid_argument with the reason; `get` returns what `set` accepts
  /// (floating point as hex, so that no bit is lost).
  struct Entry {
    std::string name = {};
    std::string help = {};
    OptionKind kind = OptionKind::content;
    bool flag = false;        ///< takes no value
    bool positional = false;  ///< given without its name; takes all remaining words
    bool required = false;    ///< a positional that must not be empty unless another option names inputs
    bool ends_options = false;  ///< a positional: after its first word nothing is an option
    bool repeats = false;     ///< each occurrence adds a value; of other options the last one counts
    bool hidden = false;      ///< not on the command line: only for ranks and later calls
    std::string type = {};    ///< shown in --help: N, X, TEXT, BYTES, FILE; only TEXT may be empty on the command line
    std::string initial = {}; ///< the default as shown in --help; empty: no default
    std::function<void(const std::vector<std::string>&)> set = {};
    std::function<std::vector<std::string>()> get = {};
    std::function<std::string()> shown = {};  ///< used instead of `get` in the identity and in messages
    Inputs* inputs = nullptr;  ///< the files that the option names are part of the identity
  };

  /// `--name`: a whole number (also written 1e9), a number, a text, a flag.
  Options& add(std::string_view name, std::uint64_t& field, std::string_view help, OptionKind kind = {});
  Options& add(std::string_view name, std::int64_t& field, std::string_view help, OptionKind kind = {});
  Options& add(std::string_view name, double& field, std::string_view help, OptionKind kind = {});
  Options& add(std::string_view name, std::string& field, std::string_view help, OptionKind kind = {});
  Options& add(std::string_view name, bool& field, std::string_view help, OptionKind kind = {});
  /// `--name A,B,C`: numbers.
  Options& add(std::string_view name, std::vector<double>& field, std::string_view help, OptionKind kind = {});
  /// `--name 64M`: bytes, in the notation of parse_bytes.
  Options& add_bytes(std::string_view name, std::uint64_t& field, std::string_view help, OptionKind kind = {});
  /// `--name 1h30m`: seconds, in the notation of parse_seconds.
  Options& add_seconds(std::string_view name, double& field, std::string_view help, OptionKind kind = {});
  /// `--name one|two|three`.
  Options& add_choice(std::string_view name, std::string& field, std::initializer_list<std::string_view> choices,
                      std::string_view help, OptionKind kind = {});
  /// `--name TYPE`: a text that must not be empty, such as a path. `type`: shown in --help.
  Options& add_word(std::string_view name, std::string_view type, std::string& field, std::string_view help,
                    OptionKind kind = {});
  /// The same, but repeatable: each occurrence adds a text.
  Options& add_word(std::string_view name, std::string_view type, std::vector<std::string>& field, std::string_view help,
                    OptionKind kind = {});
  /// `FILE|DIR…` without a name; directories are searched. Path, size and modification time are part of the identity.
  Options& add_files(Inputs& field, std::string_view help, bool required = true);
  /// Words without a name: the first of them ends the options, whatever the words look like. `type`: shown in --help.
  Options& add_words(std::string_view type, std::vector<std::string>& field, std::string_view help);
  /// `--name LIST`, repeatable: a file that names more inputs, one a line.
  Options& add_files_from(std::string_view name, Inputs& field, std::string_view help);
  /// `--name DIR`: a folder, kept as an absolute path.
  Options& add_folder(std::string_view name, std::string& field, std::string_view help, OptionKind kind = {});
  /// `--name FILE`: one input file.
  Options& add_file(std::string_view name, Inputs& field, std::string_view help);

  /// A value that is content but not on the command line. `get` returns what `set` accepts on another rank or in a later
  /// call; `shown` returns the text for the identity and for messages.
  Options& add_hidden(std::string_view name, std::function<std::vector<std::string>()> get,
                      std::function<void(const std::vector<std::string>&)> set, std::function<std::string()> shown);
  /// `texts` returns the paths that `plan` reads with stint::read_text (text.hpp; `-`: standard input), for the current
  /// values of the options. Under `stint run -n` the launcher saves standard input and pipes among them for rank 0.
  Options& reads(std::function<std::vector<std::string>()> texts);

  /// A file that the job writes beside the result.
  struct Written {
    std::string option;  ///< "--joblog"
    std::string path;    ///< empty: not written
  };
  /// `files` returns the files that the job writes itself, for the current values of the options. Stint refuses a file that
  /// the run also reads, and a file that is named twice.
  Options& writes(std::function<std::vector<Written>()> files);

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  /// The paths from `reads`, for the current values, and the lists of files among the entries.
  [[nodiscard]] std::vector<std::string> texts_read() const;
  /// The files from `writes`, for the current values.
  [[nodiscard]] std::vector<Written> files_written() const;

 private:
  Options& push(Entry entry);
  std::vector<Entry> entries_;
  std::function<std::vector<std::string>()> reads_;
  std::function<std::vector<Written>()> writes_;
};

  /// Parses the whole text, or throws std::invalid_argument with the reason. Also used by Stint's own options.
std::uint64_t parse_count(std::string_view text);
double parse_number(std::string_view text);
/// 1000, 64K, 1.5G, 4GB, 4GiB: K, M, G and T are powers of 1024.
std::uint64_t parse_bytes(std::string_view text);
/// 90, 0.5, 90s, 500ms, 10m, 1h30m, 2d, 2:00:00, 12:30 (minutes and seconds) or 1-12:30:00 (days first, as Slurm).
double parse_seconds(std::string_view text);

}  // namespace stint
