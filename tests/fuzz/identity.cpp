// SPDX-License-Identifier: Apache-2.0
// Feeds identities and options of a run, as they stand on the board. Options that were written are read as the same ones;
// apply_options throws nothing but Error(damaged), and all else throws nothing.
#include "fuzz.hpp"
#include "synthetic.hpp"

#include "base/error.hpp"
#include "cli/identity.hpp"

namespace stint::fuzzing {

struct Known {
  Known() { job.options(options); }
  Adapter<Synthetic> job;
  Options options;
};

void fuzz(Bytes& bytes) {
  Known ours, read;
  for (const auto& entry : ours.options.entries()) {
    if (entry.inputs == nullptr && bytes.ConsumeBool()) {
      const auto text = text_of(bytes);
      unless_refused<std::invalid_argument>([&] { return entry.set({text}), true; });
    }
  }
  const auto valid = options_json(ours.options);
  apply_options(read.options, valid, false);
  require(options_json(read.options) == valid, "options are the same after their way over the board");
  const auto stored = stored_options(valid);
  for (const auto& entry : ours.options.entries()) require(stored.at(entry.name) == entry.get(), "an option is read as it was");
  const auto whole = identify(ours.job, ours.options).json;
  require(same_but_input(whole, whole), "an identity is its own");
  const bool content_only = bytes.ConsumeBool();
  const auto text = hostile(bytes.ConsumeBool() ? valid : whole, bytes);
  require(!difference(text, whole).empty(), "a difference has words");
  (void)same_but_input(text, whole);
  (void)stored_options(text);
  try {
    apply_options(read.options, text, content_only);
  } catch (const Error& error) {
    require(error.exit() == Exit::damaged, "options that cannot be read are damage");
  }
}

}  // namespace stint::fuzzing
