// SPDX-License-Identifier: Apache-2.0
#include "redis/connection.hpp"

#include <hiredis/hiredis.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace stint::redis {
namespace {

timeval as_timeval(std::chrono::milliseconds time) {
  return {static_cast<time_t>(time.count() / 1000), static_cast<suseconds_t>(time.count() % 1000 * 1000)};
}

std::string reason(const redisContext& context) {
  if (context.err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK)) return "no answer in time";
  return context.errstr;
}

}  // namespace

bool ReplyView::nil() const { return reply_->type == REDIS_REPLY_NIL; }
bool ReplyView::is_error() const { return reply_->type == REDIS_REPLY_ERROR; }
std::string_view ReplyView::text() const {
  return reply_->str != nullptr ? std::string_view(reply_->str, static_cast<std::size_t>(reply_->len)) : "";
}
long long ReplyView::integer() const {
  return reply_->type == REDIS_REPLY_INTEGER ? reply_->integer : std::strtoll(str().c_str(), nullptr, 10);
}
double ReplyView::number() const {
  return reply_->type == REDIS_REPLY_INTEGER ? static_cast<double>(reply_->integer)
                                             : std::strtod(str().c_str(), nullptr);
}
std::size_t ReplyView::size() const { return reply_->type == REDIS_REPLY_ARRAY ? reply_->elements : 0; }
ReplyView ReplyView::operator[](std::size_t item) const { return ReplyView(reply_->element[item]); }

void Reply::Free::operator()(redisReply* reply) const { freeReplyObject(reply); }
void Connection::Close::operator()(redisContext* context) const { redisFree(context); }

Connection::Connection(const Address& address, std::chrono::milliseconds bound) : where_(address.shown()) {
  const timeval connect_bound = as_timeval(std::min(bound, std::chrono::milliseconds(5000)));
  context_.reset(address.socket.empty()
                     ? redisConnectWithTimeout(address.host.c_str(), address.port, connect_bound)
                     : redisConnectUnixWithTimeout(address.socket.c_str(), connect_bound));
  if (!context_) throw Lost("no memory for a connection to " + where_);
  if (context_->err != 0) throw Lost("cannot connect to " + where_ + ": " + context_->errstr);
  redisSetTimeout(context_.get(), as_timeval(bound));
  if (address.socket.empty()) redisEnableKeepAlive(context_.get());
  if (!address.user.empty()) {
    command({"AUTH", address.user, address.password});  // even with an empty password: else it would be another user
  } else if (!address.password.empty()) {
    command({"AUTH", address.password});
  }
  if (address.database != 0) command({"SELECT", std::to_string(address.database)});
}

Reply Connection::command(std::span<const std::string_view> words) {
  std::vector<const char*> pointers;
  std::vector<std::size_t> lengths;
  pointers.reserve(words.size());
  lengths.reserve(words.size());
  for (auto word : words) {
    pointers.push_back(word.data());
    lengths.push_back(word.size());
  }
  auto* raw = static_cast<redisReply*>(
      redisCommandArgv(context_.get(), static_cast<int>(words.size()), pointers.data(), lengths.data()));
  if (raw == nullptr) throw Lost("lost the connection to " + where_ + ": " + reason(*context_));
  Reply reply(raw);
  if (reply.is_error()) throw Refused(reply.str());
  return reply;
}

}  // namespace stint::redis
