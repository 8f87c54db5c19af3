// SPDX-License-Identifier: Apache-2.0
// Texts to values of options and back, bit for bit.
#include <stint/context.hpp>
#include <stint/input.hpp>
#include <stint/options.hpp>

#include "support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>

namespace stint {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.what();
  }
  return "it was accepted";
}

const Options::Entry& entry(const Options& options, const std::string& name) {
  for (const Options::Entry& candidate : options.entries()) {
    if (candidate.name == name) return candidate;
  }
  throw std::out_of_range(name);
}

TEST(ParseCount, TakesDigitsAndExponents) {
  const std::pair<const char*, std::uint64_t> table[] = {{"0", 0},
                                                         {"1", 1},
                                                         {"007", 7},
                                                         {"1000", 1000},
                                                         {"1e9", 1'000'000'000},
                                                         {"1E3", 1000},
                                                         {"1e+3", 1000},
                                                         {"1.5e3", 1500},
                                                         {"0.001e3", 1},
                                                         {"100e-2", 1},
                                                         {"0e99999", 0},
                                                         {"1.500e1", 15},
                                                         {"1.e1", 10},
                                                         {".5e1", 5},
                                                         {"1e19", 10'000'000'000'000'000'000U},
                                                         {"18446744073709551615", 18'446'744'073'709'551'615U},
                                                         {"1.8446744073709551615e19", 18'446'744'073'709'551'615U}};
  for (const auto& [text, value] : table) EXPECT_EQ(parse_count(text), value) << text;
}

TEST(ParseCount, RefusesWhatIsNoWholeNumberAndQuotesIt) {
  for (const char* text : {"",      " 1",   "1 ", "-1",  "-0",  "+1",  "1_000", "1,000", "0x10", "e3", "1e",
                           "1e3.5", "1e3x", ".",  "nan", "inf", "1.5", "5.0",   "1.5e0", "1e-1", "ten"}) {
    EXPECT_THAT(refusal([&] { (void)parse_count(text); }),
                AllOf(HasSubstr("'" + std::string(text) + "' is "), HasSubstr("1e9")));
  }
}

TEST(ParseCount, RefusesWhatDoesNotFit) {
  for (const char* text : {"18446744073709551616", "1e20", "99999999999999999999999", "1e99999",
                           "1e99999999999999999999", "184467440737095516150e-0"}) {
    EXPECT_THAT(refusal([&] { (void)parse_count(text); }), HasSubstr("is too large")) << text;
  }
}

TEST(ParseBytes, TakesUnitsThatArePowersOf1024) {
  const std::pair<const char*, std::uint64_t> table[] = {
      {"0", 0},           {"17", 17},         {"64K", 65536},      {"64k", 65536},      {"1M", 1U << 20},
      {"1.5e1M", 15U << 20}, {"3G", 3ULL << 30}, {"2T", 2ULL << 40}, {"4MiB", 4U << 20}, {"1e6", 1'000'000},
      {"4GB", 4ULL << 30}, {"1KB", 1024},      {"100B", 100},       {"1.5G", 3ULL << 29}, {"0.5K", 512}};
  for (const auto& [text, value] : table) EXPECT_EQ(parse_bytes(text), value) << text;
  for (const char* text : {"", "K", "1.5", "B", "iB", "1iB", "M1", "1 M", "-1K", "-1.5K", "1E", "1KK", "nanK", ".K"}) {
    EXPECT_THAT(refusal([&] { (void)parse_bytes(text); }), HasSubstr("is no number of bytes")) << text;
  }
  for (const char* text : {"16777216T", "16777216.5T"}) {
    EXPECT_THAT(refusal([&] { (void)parse_bytes(text); }), HasSubstr("is too large")) << text;
  }
}

TEST(ParseSeconds, TakesTimesAsPeopleAndBatchSystemsWriteThem) {
  const std::pair<const char*, double> table[] = {
      {"0", 0},           {"90", 90},         {"0.5", 0.5},        {"1e-3", 1e-3},       {"90s", 90},
      {"500ms", 0.5},     {"10m", 600},       {"1.5h", 5400},      {"2h", 7200},         {"1h30m", 5400},
      {"1h 30m", 5400},   {"2d", 172800},     {"1w", 604800},      {"10min", 600},       {"3 hours", 10800},
      {"1d2h3m4s", 93784}, {"2:00:00", 7200}, {"12:30", 750},      {"1-12:30:00", 131400}, {"1-12:30", 131400},
      {"1-12", 129600},   {"0-00:30", 1800},  {"0x1.8p+1", 3}};
  for (const auto& [text, value] : table) EXPECT_DOUBLE_EQ(parse_seconds(text), value) << text;
  for (const char* text : {"", "soon", "-1", "nan", "inf", "1x", "1h30", "h", "1:2:3:4", ":30", "1:", "1:-2", "1-", "+1", "5 5s", "1e", " 1",
                           "1:99", "1:2:60", "1-24", "30s1m", "1h1h", "1m2h", "0xnan"}) {
    EXPECT_THAT(refusal([&] { (void)parse_seconds(text); }), HasSubstr("'" + std::string(text) + "' is not a time; give 90")) << text;
  }
  for (const char* text : {"1e10", "0x1p+40", "0xinf"}) {
    EXPECT_THAT(refusal([&] { (void)parse_seconds(text); }), HasSubstr("is too long")) << text;
  }
  EXPECT_THAT(refusal([&] { (void)parse_seconds("99999d"); }), HasSubstr("is too long"));
}

TEST(Options, GiveTimesThatReadAsTheSameBits) {
  double field = 0.1;
  Options options;
  options.add_seconds("x", field, "");
  const auto texts = entry(options, "x").get();
  field = 0;
  entry(options, "x").set(texts);
  EXPECT_EQ(field, 0.1);
}

TEST(ParseNumber, TakesDecimalsAndHex) {
  EXPECT_EQ(parse_number("0.1"), 0.1);
  EXPECT_EQ(parse_number("-1e-3"), -1e-3);
  EXPECT_EQ(parse_number("+2"), 2.0);
  EXPECT_EQ(parse_number("0x1.8p+3"), 12.0);
  EXPECT_EQ(parse_number("-0x1p-1074"), -std::numeric_limits<double>::denorm_min());
  EXPECT_TRUE(std::isnan(parse_number("nan")));
  EXPECT_EQ(parse_number("-inf"), -std::numeric_limits<double>::infinity());
  for (const char* text : {"", "-", "--1", "+-1", "1,5", "1.5x", " 1", "0x", "1e"}) {
    EXPECT_THAT(refusal([&] { (void)parse_number(text); }), HasSubstr("is no number")) << text;
  }
  EXPECT_THAT(refusal([&] { (void)parse_number("1e999"); }), HasSubstr("does not fit"));
}

TEST(Options, GiveNumbersInTextsThatReadAsTheSameBits) {
  double field = 0;
  Options options;
  options.add("x", field, "a number");
  for (double value : {0.0, -0.0, 0.1, -1.0 / 3, 1e300, std::numeric_limits<double>::denorm_min(),
                       std::numeric_limits<double>::max(), -std::numeric_limits<double>::infinity()}) {
    field = value;
    const auto texts = entry(options, "x").get();
    field = 77;
    entry(options, "x").set(texts);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(field), std::bit_cast<std::uint64_t>(value)) << texts.front();
  }
}

TEST(Options, GiveWhatTheySetForEveryKindOfField) {
  std::uint64_t count = 3;
  std::int64_t integer = -3;
  std::string text = "a b";
  std::string choice = "one";
  bool flag = false;
  std::vector<double> numbers{1, 0.1};
  std::uint64_t bytes = 3 << 20;
  Options options;
  options.add("count", count, "").add("integer", integer, "").add("text", text, "").add("flag", flag, "");
  options.add("numbers", numbers, "").add_bytes("bytes", bytes, "").add_choice("choice", choice, {"one", "two"}, "");
  EXPECT_EQ(entry(options, "bytes").initial, "3M");
  EXPECT_EQ(entry(options, "integer").initial, "-3");
  EXPECT_EQ(entry(options, "choice").type, "one|two");
  EXPECT_TRUE(entry(options, "flag").flag);

  entry(options, "integer").set({"-9223372036854775808"});
  EXPECT_EQ(integer, std::numeric_limits<std::int64_t>::min());
  EXPECT_THAT(refusal([&] { entry(options, "integer").set({"9223372036854775808"}); }), HasSubstr("too large"));
  entry(options, "flag").set({});
  EXPECT_TRUE(flag);
  entry(options, "flag").set({"false"});
  EXPECT_FALSE(flag);
  entry(options, "choice").set({"two"});
  EXPECT_EQ(choice, "two");
  EXPECT_THAT(refusal([&] { entry(options, "choice").set({"three"}); }), HasSubstr("'three' is none of one|two"));
  EXPECT_THAT(refusal([&] { entry(options, "count").set({}); }), HasSubstr("needs a value"));
  EXPECT_THAT(refusal([&] { entry(options, "count").set({"1", "2"}); }), HasSubstr("'2' is a second value"));
  entry(options, "numbers").set({"1,2.5,-3"});
  EXPECT_THAT(numbers, ElementsAre(1, 2.5, -3));
  EXPECT_THAT(refusal([&] { entry(options, "numbers").set({"1,,2"}); }), HasSubstr("is no number"));

  for (const Options::Entry& each : options.entries()) {
    const auto texts = each.get();
    each.set(texts);
    EXPECT_EQ(each.get(), texts) << each.name;
  }
  entry(options, "numbers").set({""});
  EXPECT_TRUE(numbers.empty());
  entry(options, "numbers").set(entry(options, "numbers").get());
  EXPECT_TRUE(numbers.empty());
}

TEST(Options, RefuseTheSameNameTwiceAsAMistakeOfTheJob) {
  std::uint64_t field = 0;
  Options options;
  options.add("n", field, "");
  EXPECT_THROW(options.add("n", field, ""), std::logic_error);
}

TEST(Options, GivePathsAbsoluteSoThatRanksElsewhereFindThem) {
  Inputs inputs;
  Options options;
  options.add_files(inputs, "").add_files_from("files-from", inputs, "");
  entry(options, "files").set({"x/../a.txt", "/b"});
  entry(options, "files-from").set({"list"});
  const auto here = std::filesystem::current_path();
  EXPECT_THAT(entry(options, "files").get(), ElementsAre((here / "a.txt").string(), "/b"));
  EXPECT_THAT(entry(options, "files-from").get(), ElementsAre((here / "list").string()));
  EXPECT_EQ(entry(options, "files").inputs, &inputs);
  EXPECT_TRUE(entry(options, "files").positional);
}

TEST(Options, ForgetFilesThatWereLookedUpForOtherPaths) {
  support::TemporaryFolder folder;
  const auto first = folder.write("first", "1");
  const auto second = folder.write("second", "2");
  Inputs inputs;
  Options options;
  options.add_file("file", inputs, "");
  entry(options, "file").set({first});
  EXPECT_EQ(inputs.files().front().path, first);
  entry(options, "file").set({second});
  EXPECT_EQ(inputs.files().front().path, second);
}

TEST(Context, SeedsDifferByChunkAndByContentAndAreRepeatable) {
  RunFacts one{.seed = 1};
  RunFacts two{.seed = 2};
  std::set<std::uint64_t> seen;
  for (std::uint64_t chunk = 0; chunk < 1000; ++chunk) {
    seen.insert(Context(one).seed(chunk));
    seen.insert(Context(two).seed(chunk));
    EXPECT_EQ(Context(one).seed(chunk), Context(one, 5, 3).seed(chunk));
  }
  EXPECT_EQ(seen.size(), 2000U);
}

TEST(Context, MakesOneScratchFolderForEachPlace) {
  support::TemporaryFolder folder;
  RunFacts facts{.scratch_dir = folder.path() / "place"};
  const auto scratch = Context(facts).scratch_dir();
  EXPECT_TRUE(std::filesystem::is_directory(scratch));
  EXPECT_EQ(scratch.parent_path(), facts.scratch_dir);
  EXPECT_EQ(Context(facts, 7).scratch_dir(), scratch);
}

}  // namespace
}  // namespace stint
