// SPDX-License-Identifier: Apache-2.0
#include "cli/launched_rank.hpp"

#include "base/error.hpp"
#include "base/signals.hpp"
#include "cli/relay.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <optional>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace stint {
namespace {

const std::vector<std::string> hard_words{"run", "", "a b", "[a,b]", ":", "%", "%2", "100%,", "tab\there", "line\nend", "é", "\\\\", "-n", "--"};

TEST(ArgumentsTest, SurviveAnEnvironmentVariable) {
  EXPECT_EQ(decode_arguments(encode_arguments(hard_words)), hard_words);
  EXPECT_EQ(encode_arguments(hard_words).find_first_of(" \n\t\"'$"), std::string::npos);
  EXPECT_TRUE(decode_arguments("").empty());
}

TEST(ArgumentsTest, SurviveAFile) {
  const support::TemporaryFolder folder;
  write_words(folder.path() / "words", hard_words);
  EXPECT_EQ(read_words(folder.path() / "words"), hard_words);
  std::ofstream(folder.path() / "cut", std::ios::binary) << "whole" << '\0' << "cu";
  EXPECT_THROW(read_words(folder.path() / "cut"), Error);
  EXPECT_THROW(read_words(folder.path() / "none"), Error);
}

TEST(ExitReportTest, SaysWhetherAResultWasPrinted) {
  for (const ExitReport& report : {ExitReport{0, 12345}, ExitReport{1, 0}, ExitReport{75, std::nullopt}}) {
    const auto back = ExitReport::decode(report.encode());
    ASSERT_TRUE(back) << report.encode();
    EXPECT_EQ(back->code, report.code);
    EXPECT_EQ(back->result_bytes, report.result_bytes);
  }
  for (const char* text : {"", "result", "-1", "300", "x 0"}) EXPECT_FALSE(ExitReport::decode(text)) << text;
}

// One rank of several prints the result, and one says why the run failed: perhaps another.
TEST(ClaimTest, IsGrantedOnceForEachThingAndEachStartOfTheRanks) {
  const support::TemporaryFolder folder;
  const CallFolder call(folder.path());
  for (int start : {0, 1}) {
    for (const auto& file : {call.printing(start), call.error(start)}) {
      EXPECT_TRUE(claim(file)) << file;
      EXPECT_FALSE(claim(file)) << file;
    }
  }
  EXPECT_FALSE(claim(CallFolder(folder.path() / "of another host").error(0)));
}

class LocalTicketTest : public ::testing::Test {
 protected:
  support::TemporaryFolder folder_;
  CallFolder call_{folder_.path()};
};

TEST_F(LocalTicketTest, GivesTheOthersWhatRank0Leaves) {
  const auto zero = LocalTicket::of_rank_0(call_);
  const auto other = LocalTicket::of_others(call_);
  std::thread later([&] { zero.leave("here\nand there"); });
  EXPECT_EQ(other.await(), "here\nand there");
  later.join();
  EXPECT_FALSE(other.rank_0_lost());
}

TEST_F(LocalTicketTest, EndsTheWaitForARank0ThatIsLost) {
  std::optional<LocalTicket> zero = LocalTicket::of_rank_0(call_);
  const auto other = LocalTicket::of_others(call_);
  EXPECT_FALSE(other.rank_0_lost());
  std::thread later([&] { zero.reset(); });
  EXPECT_THROW((void)other.await(), Error);
  later.join();
  EXPECT_TRUE(other.rank_0_lost());
}

TEST_F(LocalTicketTest, BelievesWhatRank0LeftBeforeItWasLost) {
  LocalTicket::of_rank_0(call_).leave("");
  EXPECT_EQ(LocalTicket::of_others(call_).await(), "");
}

TEST(SignalsTest, AreKeptUntilSomebodyWaits) {
  Signals signals{SIGUSR1, SIGUSR2};
  EXPECT_EQ(signals.wait(0), std::nullopt);
  ::raise(SIGUSR2);
  ::raise(SIGUSR1);
  EXPECT_EQ(signals.wait(10), SIGUSR2);
  EXPECT_EQ(signals.wait(10), SIGUSR1);
  std::thread waker([&] { signals.wake(); });
  EXPECT_EQ(signals.wait(60), std::nullopt);
  waker.join();
}

TEST(SignalsTest, LeavesAloneWhatTheProcessWasStartedToIgnore) {
  ::signal(SIGUSR1, SIG_IGN);
  {
    Signals signals{SIGUSR1};
    ::raise(SIGUSR1);
    EXPECT_EQ(signals.wait(0), std::nullopt);
  }
  EXPECT_EQ(::signal(SIGUSR1, SIG_DFL), SIG_IGN);
}

TEST(RelayTest, EndsWithItsProcessEvenIfAStrangerHoldsThePipe) {
  std::string all;
  bool ended = false;
  Relay relay([&](std::string_view piece) {
    all += piece;
    ended = ended || piece.empty();
  });
  const int stranger = ::dup(relay.write_end());
  ASSERT_EQ(::write(stranger, "some words\n", 11), 11);
  relay.finish();
  EXPECT_EQ(all, "some words\n");
  EXPECT_TRUE(ended);
  ::close(stranger);
}

}  // namespace
}  // namespace stint
