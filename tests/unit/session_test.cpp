// SPDX-License-Identifier: Apache-2.0
#include "engine/session.hpp"

#include <gtest/gtest.h>

namespace stint {
namespace {

TEST(SessionTest, GoingOnAfterAHaltKeepsAStopThatCameMeanwhile) {
  Session session;
  session.heed(Halt::now);
  session.go_on();
  EXPECT_FALSE(session.stop || session.abandon);
  session.heed(Halt::now);
  session.drain = true;
  session.go_on();
  EXPECT_TRUE(session.stop);
  EXPECT_FALSE(session.abandon);
  session.end({});
  session.go_on();
  EXPECT_TRUE(session.stop && session.abandon);
}

TEST(SessionTest, AnotherNumberOfChunksThanThatOfThePlanIsDamage) {
  Session session;
  EXPECT_NO_THROW(session.expect_chunks(7)) << "no plan was adopted";
  session.run = "R";
  session.plan_chunks = 8;
  EXPECT_NO_THROW(session.expect_chunks(8));
  EXPECT_THROW(session.expect_chunks(7), Error);
}

}  // namespace
}  // namespace stint
