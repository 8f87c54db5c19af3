// SPDX-License-Identifier: Apache-2.0
// What a job can be told on the command line. A job registers its fields here; Stint parses them, prints them
// in `--help`, keeps them on the blackboard and makes them part of the run's identity. Ranks take them from
// there, never from their own command line.
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
  result,    ///< only what `finish` makes of them: changed, the stored result is finished anew, not computed anew
  run_time,  ///< neither
};

class Options {
 public:
  Options() = default;
  Options(const Options&) = delete;  // a job that took a copy would register nothing
  Options& operator=(const Options&) = delete;

  /// One registered field. `set` throws std::invalid_argument with what is wrong; `get` gives what `set` takes
  /// (floating point as hex, so that no bit is lost).
  struct Entry {
    std::string name = {};
    std::string help = {};
    OptionKind kind = OptionKind::content;
    bool flag = false;        ///< takes no value
    bool positional = false;  ///< given without its name; takes all that is left
    bool required = false;    ///< a positional that may not be empty unless another option names inputs
    bool ends_options = false;  ///< a positional behind whose first word nothing is an option
    bool repeats = false;     ///< each time it is given adds a value; of other options the last counts
    bool hidden = false;      ///< not on the command line: it only travels to the ranks, and to later calls
    std::string type = {};    ///< shown in --help: N, X, TEXT, BYTES, FILE; only TEXT may be empty on the command line
    std::string initial = {}; ///< the default as shown in --help; empty: none
    std::function<void(const std::vector<std::string>&)> set = {};
    std::function<std::vector<std::string>()> get = {};
    std::function<std::string()> shown = {};  ///< for the identity and for people, instead of what `get` gives
    Inputs* inputs = nullptr;  ///< the files that it names are part of the identity
  };

  /// `--name`: a whole number (also written 1e9), a number, a text, a flag.
  Options& add(std::string_view name, std::uint64_t& field, std::string_view help, OptionKind kind = {});
  Options& add(std::string_view name, std::int64_t& field, std::string_view help, OptionKind kind = {});
  Options& add(std::string_view name, double& field, std::string_view help, OptionKind kind = {});
  Options& add(std::string_view name, std::string& field, std::string_view help, OptionKind kind = {});
  Options& add(std::string_view name, bool& field, std::string_view help, OptionKind kind = {});
  /// `--name A,B,C`: numbers.
  Options& add(std::string_view name, std::vector<double>& field, std::string_view help, OptionKind kind = {});
  /// `--name 64M`: bytes, in any of the ways of parse_bytes.
  Options& add_bytes(std::string_view name, std::uint64_t& field, std::string_view help, OptionKind kind = {});
  /// `--name 1h30m`: seconds, in any of the ways of parse_seconds.
  Options& add_seconds(std::string_view name, double& field, std::string_view help, OptionKind kind = {});
  /// `--name one|two|three`.
  Options& add_choice(std::string_view name, std::string& field, std::initializer_list<std::string_view> choices,
                      std::string_view help, OptionKind kind = {});
  /// `--name TYPE`: a text that may not be empty, such as a path. `type`: shown in --help.
  Options& add_word(std::string_view name, std::string_view type, std::string& field, std::string_view help,
                    OptionKind kind = {});
  /// The same, given any number of times: each adds a text.
  Options& add_word(std::string_view name, std::string_view type, std::vector<std::string>& field, std::string_view help,
                    OptionKind kind = {});
  /// `FILE|DIR…` without a name; directories are searched. Part of the identity: path, size, modification time.
  Options& add_files(Inputs& field, std::string_view help, bool required = true);
  /// Words without a name, whatever they are: the first of them ends the options. `type`: shown in --help.
  Options& add_words(std::string_view type, std::vector<std::string>& field, std::string_view help);
  /// `--name LIST`, given any number of times: a file that names more inputs, one a line.
  Options& add_files_from(std::string_view name, Inputs& field, std::string_view help);
  /// `--name DIR`: a folder, kept as an absolute path.
  Options& add_folder(std::string_view name, std::string& field, std::string_view help, OptionKind kind = {});
  /// `--name FILE`: one input file.
  Options& add_file(std::string_view name, Inputs& field, std::string_view help);

  /// A value that is content and not on the command line: `get` gives what `set` takes on another rank, or in a later
  /// call, and `shown` what stands for it in the identity and in messages.
  Options& add_hidden(std::string_view name, std::function<std::vector<std::string>()> get,
                      std::function<void(const std::vector<std::string>&)> set, std::function<std::string()> shown);
  /// What the job reads with stint::read_text (text.hpp) when it is planned, as the options stand then (`-`: standard input). Under
  /// `stint run -n`, whose ranks have neither, standard input and pipes among them are kept for rank 0.
  Options& reads(std::function<std::vector<std::string>()> texts);

  /// A file that the job writes beside the result, as an option names it.
  struct Written {
    std::string option;  ///< "--joblog"
    std::string path;    ///< empty: none
  };
  /// The files that the job writes itself, as the options stand then: refused where the run reads one, or writes one twice.
  Options& writes(std::function<std::vector<Written>()> files);

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  /// What `reads` was given, asked now; also the lists of files among the entries.
  [[nodiscard]] std::vector<std::string> texts_read() const;
  /// What `writes` was given, asked now.
  [[nodiscard]] std::vector<Written> files_written() const;

 private:
  Options& push(Entry entry);
  std::vector<Entry> entries_;
  std::function<std::vector<std::string>()> reads_;
  std::function<std::vector<Written>()> writes_;
};

/// Text to number, whole or std::invalid_argument that says what is wrong. Also used by Stint's own options.
std::uint64_t parse_count(std::string_view text);
double parse_number(std::string_view text);
/// 1000, 64K, 1.5G, 4GB, 4GiB: K, M, G and T are powers of 1024.
std::uint64_t parse_bytes(std::string_view text);
/// 90, 0.5, 90s, 500ms, 10m, 1h30m, 2d, 2:00:00, 12:30 (minutes and seconds) or 1-12:30:00 (days first, as Slurm).
double parse_seconds(std::string_view text);

}  // namespace stint
