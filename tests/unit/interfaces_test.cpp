// SPDX-License-Identifier: Apache-2.0
#include "cli/interfaces.hpp"

#include "base/error.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace stint {
namespace {

using ::testing::HasSubstr;

const std::vector<Interface> several{{"docker0", "172.17.0.1"}, {"eth0", "192.0.2.7"}, {"ib0", "10.1.2.3"}, {"eth0", "fd00::7"}};

std::string refusal(const std::vector<Interface>& interfaces, const std::string& wish) {
  try {
    return "took " + chosen_address(interfaces, wish, {});
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::usage);
    return error.what();
  }
}

TEST(ChosenAddress, IsWhatTheUserNamed) {
  const InterfaceHints hints{{"ib0"}, "eth0"};
  EXPECT_EQ(chosen_address(several, "docker0", hints), "172.17.0.1");
  EXPECT_EQ(chosen_address(several, "fd00::7", hints), "fd00::7");
  EXPECT_EQ(chosen_address(several, "eth0", hints), "192.0.2.7");
}

TEST(ChosenAddress, IsTheOnlyOneWhateverTheHints) {
  EXPECT_EQ(chosen_address({{"eth1", "198.51.100.4"}}, "auto", {{"ib0"}, "eth0"}), "198.51.100.4");
}

TEST(ChosenAddress, IsTheLaunchersBeforeThatOfTheDefaultRoute) {
  EXPECT_EQ(chosen_address(several, "auto", {{"ib0"}, "eth0"}), "10.1.2.3");
  EXPECT_EQ(chosen_address(several, "auto", {{"10.1.0.0/16"}, "eth0"}), "10.1.2.3");
  EXPECT_EQ(chosen_address(several, "auto", {{"10.2.0.0/16", "eth7"}, "eth0"}), "192.0.2.7");
  EXPECT_EQ(chosen_address(several, "auto", {{"10.1.0.0/0", "10.1.0.0/33", "x/8", ""}, "eth0"}), "192.0.2.7");
}

TEST(ChosenAddress, IsTheFirstWithoutAnyHint) {
  EXPECT_EQ(chosen_address(several, "auto", {}), "172.17.0.1");
  EXPECT_EQ(chosen_address(several, "auto", {{}, "tun0"}), "172.17.0.1");
}

TEST(ChosenAddress, NamesWhatThereIsWhenTheWishIsNotThere) {
  EXPECT_THAT(refusal(several, "ib1"), HasSubstr("'ib1'"));
  EXPECT_THAT(refusal(several, "ib1"), HasSubstr("eth0 (192.0.2.7), ib0 (10.1.2.3)"));
  EXPECT_THAT(refusal({}, "lo"), HasSubstr("here are: none"));
  EXPECT_THAT(refusal({}, "auto"), HasSubstr("none but loopback is up"));
}

TEST(InterfacesHere, HoldNoLoopback) {
  for (const auto& each : interfaces_here()) {
    EXPECT_NE(each.name, "lo");
    EXPECT_FALSE(each.address.starts_with("127.")) << each.address;
    EXPECT_NE(each.address, "::1");
  }
}

}  // namespace
}  // namespace stint
