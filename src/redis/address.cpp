// SPDX-License-Identifier: Apache-2.0
#include "redis/address.hpp"

#include "base/error.hpp"
#include "base/shell_quote.hpp"

#include <charconv>

namespace stint::redis {
namespace {

constexpr int most_databases = 1'000'000;

// Does not repeat the text: without its '@', a password may be where the host or the port should be.
[[noreturn]] void refuse(const std::string& why) {
  throw Error(Exit::usage, "the address of the blackboard is wrong: " + why +
                               "; give redis://host:port/db or unix:///path/of/the.sock (with a password: "
                               "redis://:PASSWORD@host:port)");
}

// "'http' is not known here: "; empty if the text before "://" may be a password.
std::string shown_scheme(std::string_view text) {
  const auto scheme = text.substr(0, text.find("://"));
  const bool is_one = scheme.size() < text.size() && scheme.size() <= 5 &&
                      scheme.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == scheme.npos;
  return is_one ? "'" + std::string(scheme) + "' is not known here: " : "";
}

int number(std::string_view text, int least, int most, const char* what) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
    refuse(std::string("its ") + what + " is not a number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

// Decodes %40 and the like, which passwords may need.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, code, 16).ptr == text.data() + i + 3) {
      out.push_back(static_cast<char>(code));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::string encoded(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : text) {
    if (c == '%' || c == '@' || c == '/' || c == ':' || c == '?' || c == '#' || c <= ' ') {
      out += {'%', digits[c >> 4], digits[c & 15]};
    } else {
      out.push_back(static_cast<char>(c));
    }
  }
  return out;
}

std::string quoted(const std::string& word) {
  constexpr const char* plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./:@%,";
  if (!word.empty() && word.find_first_not_of(plain) == word.npos) return word;
  return single_quoted(word);
}

}  // namespace

Address parse_address(std::string_view text) {
  Address address;
  constexpr std::string_view unix_scheme = "unix://";
  constexpr std::string_view tcp_scheme = "redis://";
  if (text.starts_with(unix_scheme)) {
    text.remove_prefix(unix_scheme.size());
    if (const auto query = text.find("?db="); query != text.npos) {
      address.database = number(text.substr(query + 4), 0, most_databases, "database");
      text = text.substr(0, query);
    }
    if (const auto at = text.find('@'); at != text.npos && !text.starts_with('/')) {
      auto login = text.substr(0, at);
      text.remove_prefix(at + 1);
      const auto colon = login.find(':');
      if (colon == login.npos) refuse("a login is user:password or :password");
      address.user = decoded(login.substr(0, colon));
      address.password = decoded(login.substr(colon + 1));
    }
    if (!text.starts_with('/')) refuse("the path of the socket must be absolute, 'unix:///…'");
    if (text.size() > 107) refuse("a socket's path has at most 107 bytes, this one has " + std::to_string(text.size()));
    address.socket = text;
    return address;
  }
  if (!text.starts_with(tcp_scheme)) {
    if (text.starts_with("rediss://")) refuse("TLS is not built in");
    refuse(shown_scheme(text) + "it begins with neither redis:// nor unix://");
  }
  text.remove_prefix(tcp_scheme.size());
  if (const auto at = text.rfind('@'); at != text.npos) {
    const auto login = text.substr(0, at);
    text.remove_prefix(at + 1);
    const auto colon = login.find(':');
    if (colon == login.npos) refuse("a login is user:password or :password");
    address.user = decoded(login.substr(0, colon));
    address.password = decoded(login.substr(colon + 1));
  }
  if (const auto slash = text.find('/'); slash != text.npos) {
    if (slash + 1 < text.size()) address.database = number(text.substr(slash + 1), 0, most_databases, "database");
    text = text.substr(0, slash);
  }
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == text.npos) refuse("']' is missing");
    address.host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
  } else {
    const auto colon = text.find(':');
    address.host = text.substr(0, colon);
    text = colon == text.npos ? std::string_view{} : text.substr(colon);
  }
  if (text.starts_with(':')) {
    address.port = number(text.substr(1), 1, 65535, "port");
  } else if (!text.empty()) {
    refuse("only ':' and the port may stand behind ']'");
  }
  if (address.host.empty()) refuse("the host is missing");
  return address;
}

std::string Address::shown() const {
  Address plain = *this;
  plain.user.clear();
  plain.password.clear();
  return plain.whole();
}

std::string Address::client() const {
  std::string line;
  if (!password_file.empty()) {
    line = "REDISCLI_AUTH=$(cat " + quoted(password_file) + ") ";
  } else if (!password.empty()) {
    line = "REDISCLI_AUTH=PASSWORD ";
  }
  line += "redis-cli " + (socket.empty() ? "-h " + quoted(host) + " -p " + std::to_string(port) : "-s " + quoted(socket));
  if (database != 0) line += " -n " + std::to_string(database);
  if (!user.empty()) line += " --user " + quoted(user);
  return line;
}

std::string Address::whole() const {
  const std::string login = password.empty() && user.empty() ? "" : encoded(user) + ":" + encoded(password) + "@";
  if (!socket.empty()) {
    return "unix://" + login + socket + (database != 0 ? "?db=" + std::to_string(database) : "");
  }
  const bool bracketed = host.find(':') != host.npos || host.starts_with('[');
  return "redis://" + login + (bracketed ? "[" + host + "]" : host) + ":" + std::to_string(port) +
         (database != 0 ? "/" + std::to_string(database) : "");
}

}  // namespace stint::redis
