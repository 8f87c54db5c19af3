// SPDX-License-Identifier: Apache-2.0
#include "codec/run_codec.hpp"

#include "codec/frame.hpp"

namespace stint::codec {
namespace {

constexpr std::string_view plan_name = "plan", result_name = "result";  // not the name of any node

}  // namespace

std::string RunCodec::plan() const {
  return wrap({'p', job_.plan_fingerprint(), chunks_, place_of(identity_, chunks_, plan_name)}, job_.encode_plan());
}

std::string RunCodec::plan_bytes(std::string_view frame) const {
  return unwrap({'p', job_.plan_fingerprint(), chunks_, place_of(identity_, chunks_, plan_name)}, frame);
}

std::string RunCodec::node(const Node& node, const Hidden& partial) const {
  return wrap({'n', job_.fingerprint(), node.size(), place_of(identity_, chunks_, node.name())}, job_.encode(partial));
}

Partial RunCodec::node(const Node& node, std::string_view frame) const {
  return job_.decode(unwrap({'n', job_.fingerprint(), node.size(), place_of(identity_, chunks_, node.name())}, frame));
}

std::string RunCodec::result(const Hidden& partial, std::uint64_t done) const {
  return wrap({'r', job_.fingerprint(), done, place_of(identity_, chunks_, result_name)}, job_.encode(partial));
}

Partial RunCodec::result(std::string_view frame, std::uint64_t done) const {
  return job_.decode(unwrap({'r', job_.fingerprint(), done, place_of(identity_, chunks_, result_name)}, frame));
}

}  // namespace stint::codec
