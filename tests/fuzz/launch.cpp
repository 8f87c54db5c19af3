// SPDX-License-Identifier: Apache-2.0
// Feeds what the launcher and its ranks tell each other: arguments in a variable and in a file, how a run ended, the progress,
// the run. All are the same after their way; of other texts read_words throws Error(usage), RunWord::decode throws
// Error(damaged), and nothing else throws.
#include "fuzz.hpp"

#include "base/error.hpp"
#include "cli/call_folder.hpp"
#include "cli/launched_rank.hpp"
#include "cli/rendezvous.hpp"
#include "cli/terminal.hpp"

namespace stint::fuzzing {

void fuzz_run_word(Bytes& bytes) {
  const auto seed = bytes.ConsumeIntegral<std::uint64_t>();
  const RunWord word{"run", "job", seed, std::to_string(seed), "{\"chunk\":[\"3\"]}", bytes.ConsumeBool()};
  require(RunWord::decode(word.encode()).encode() == word.encode(), "the word of rank 0 survives");
  try {
    (void)RunWord::decode(hostile(word.encode(), bytes));
  } catch (const Error& error) {
    require(error.exit() == Exit::damaged, "a word that cannot be read is damage");
  }
}

void fuzz(Bytes& bytes) {
  if (bytes.ConsumeBool()) return fuzz_run_word(bytes);
  std::vector<std::string> words;
  for (int left = bytes.ConsumeIntegralInRange(0, 5); left > 0; --left) words.push_back(text_of(bytes).c_str());
  require(decode_arguments(encode_arguments(words)) == words, "arguments survive a variable");
  const MemoryFile file("");
  write_words(file.path(), words);
  require(read_words(file.path()) == words, "arguments survive a file");

  const ExitReport report{bytes.ConsumeIntegralInRange(0, 255), bytes.ConsumeIntegral<std::uint64_t>()};
  const auto reported = ExitReport::decode(report.encode());
  require(reported && reported->code == report.code && reported->result_bytes == report.result_bytes, "a report survives");
  const BarFields bar{text_of(bytes), bytes.ConsumeProbability<double>(), words};
  const auto drawn = BarFields::decode(bar.encode());
  require(drawn && drawn->encode() == bar.encode(), "the progress survives");

  const auto text = hostile(bar.encode(), bytes);
  (void)decode_arguments(text);
  (void)ExitReport::decode(text);
  (void)BarFields::decode(text);
  try {
    const MemoryFile other(text);
    (void)read_words(other.path());
  } catch (const Error& error) {
    require(error.exit() == Exit::usage, "words that cannot be read are a wrong usage");
  }
}

}  // namespace stint::fuzzing
