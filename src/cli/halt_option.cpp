// SPDX-License-Identifier: Apache-2.0
#include "cli/halt_option.hpp"

#include "base/error.hpp"
#include "cli/display.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <regex>
#include <stdexcept>

namespace stint {
namespace {

const std::map<std::string, HaltRule::Of> counted_kinds{
    {"fail", HaltRule::Of::fail}, {"success", HaltRule::Of::success}, {"done", HaltRule::Of::done}};

// The short forms of GNU parallel.
const std::map<std::string, std::string> short_forms{
    {"0", "never"}, {"1", "soon,fail=1"}, {"2", "now,fail=1"}, {"-1", "soon,success=1"}, {"-2", "now,success=1"}};

}  // namespace

HaltRule halt_rule(const std::string& text, std::uint64_t chunks) {
  static const std::regex form("(now|soon),(fail|success|done)=([0-9]{1,12})(%?)"), share("[0-9]{1,3}%");
  const auto known = short_forms.find(text);
  const auto rule = known != short_forms.end() ? known->second
                    : std::regex_match(text, share) ? "soon,fail=" + text : text;
  if (rule.empty() || rule == "never") return {};
  std::smatch parts;
  if (!std::regex_match(rule, parts, form)) {
    throw std::invalid_argument("'" + text + "' is no rule: give never, or now or soon with fail=N, success=N or done=N, "
                                             "as in now,fail=1 or soon,fail=10%");
  }
  std::uint64_t count = std::stoull(parts[3]);
  if (parts[4] == "%") count = (std::min<std::uint64_t>(count, 100) * chunks + 99) / 100;
  if (count == 0) throw std::invalid_argument("'" + text + "' would halt before anything begins: give a number above 0");
  return {parts[1] == "now" ? Halt::now : Halt::soon, counted_kinds.at(parts[2]), count};
}

Halted halt_of(const HaltRule& rule, const RunState& state, std::string_view item, bool exit_count) {
  Halted halted;
  const bool failed = rule.of != HaltRule::Of::success && state.failed > 0;
  halted.exit_code = static_cast<int>(failed ? Exit::partial : Exit::complete);
  if (failed && exit_count) halted.exit_code = static_cast<int>(std::min<std::uint64_t>(state.failed, 101));
  halted.why = fmt::format("halted as --halt says: {} of {} are done, {} failed", grouped(state.done),
                           counted(state.chunks, item), grouped(state.failed));
  return halted;
}

}  // namespace stint
