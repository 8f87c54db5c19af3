// SPDX-License-Identifier: Apache-2.0
#include "redis/address.hpp"

#include "base/error.hpp"

#include <gmock/gmock.h>

namespace stint::redis {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Address, IsReadAndWritten) {
  const struct {
    const char* text;
    const char* user;
    const char* password;
    const char* whole;
    const char* shown;
  } cases[] = {
      {"redis://host", "", "", "redis://host:6379", "redis://host:6379"},
      {"redis://my_host:7000/3", "", "", "redis://my_host:7000/3", "redis://my_host:7000/3"},
      {"redis://:geheim@[::1]:7000", "", "geheim", "redis://:geheim@[::1]:7000", "redis://[::1]:7000"},
      {"redis://ada:@host", "ada", "", "redis://ada:@host:6379", "redis://host:6379"},
      {"redis://ada:p%40ss@host", "ada", "p@ss", "redis://ada:p%40ss@host:6379", "redis://host:6379"},
      {"redis://:p@ss/word@host", "", "p@ss/word", "redis://:p%40ss%2Fword@host:6379", "redis://host:6379"},
      {"redis://:5%-7x%zz@host", "", "5%-7x%zz", "redis://:5%25-7x%25zz@host:6379", "redis://host:6379"},
      {"redis://[[x]:7000", "", "", "redis://[[x]:7000", "redis://[[x]:7000"},
      {"unix://:geheim@/a/b.sock?db=2", "", "geheim", "unix://:geheim@/a/b.sock?db=2", "unix:///a/b.sock?db=2"},
  };
  for (const auto& each : cases) {
    const auto address = parse_address(each.text);
    EXPECT_EQ(address.user, each.user) << each.text;
    EXPECT_EQ(address.password, each.password) << each.text;
    EXPECT_EQ(address.whole(), each.whole);
    EXPECT_EQ(address.shown(), each.shown);
    EXPECT_EQ(parse_address(address.whole()).whole(), each.whole);
  }
}

TEST(Address, TellsHowAUserReachesIt) {
  const std::pair<const char*, const char*> cases[] = {
      {"redis://host", "redis-cli -h host -p 6379"},
      {"redis://[::1]:7000/3", "redis-cli -h ::1 -p 7000 -n 3"},
      {"redis://ada:geheim@host", "REDISCLI_AUTH=PASSWORD redis-cli -h host -p 6379 --user ada"},
      {"unix:///a/it's here.sock?db=2", "redis-cli -s '/a/it'\\''s here.sock' -n 2"},
  };
  for (const auto& [text, client] : cases) EXPECT_EQ(parse_address(text).client(), client);
  auto address = parse_address("unix://:geheim@/a.sock");
  address.password_file = "/a home/secret";
  EXPECT_EQ(address.client(), "REDISCLI_AUTH=$(cat '/a home/secret') redis-cli -s /a.sock");
}

TEST(Address, IsRefusedWithoutShowingWhatMayBeAPassword) {
  for (const auto* text : {"redis://:geheimhost:6379", "redis://ada:geheim.host:6379", "redis://:geheim/host", "redis://ada:geheim",
                           "redis://host/geheim", "redis://[geheim", "redis://[::1]geheim:6379", "redis://geheim@host",
                           "geheim@host:6379", ":geheim@host", "geheim://host", "http://geheim", "unix://:geheim", "unix://geheim@/a.sock",
                           "unix:///a.sock?db=geheim", "redis://host:0", "redis://host:", "redis://", ""}) {
    try {
      parse_address(text);
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::usage) << text;
      EXPECT_THAT(error.what(), Not(HasSubstr("geheim"))) << text;
      EXPECT_THAT(error.what(), HasSubstr("the address of the blackboard is wrong")) << text;
    }
  }
}

}  // namespace
}  // namespace stint::redis
