// SPDX-License-Identifier: Apache-2.0
#include "cli/interfaces.hpp"

#include "base/environment.hpp"
#include "base/error.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstdlib>
#include <fstream>
#include <ifaddrs.h>
#include <memory>
#include <net/if.h>
#include <netinet/in.h>
#include <sstream>
#include <sys/socket.h>

namespace stint {
namespace {

// Whether a network such as "10.1.0.0/16" contains an address such as "10.1.2.3".
bool in_network(const std::string& address, const std::string& network) {
  const auto slash = network.find('/');
  if (slash == network.npos) return address == network;
  in_addr one{};
  in_addr base{};
  const int bits = std::atoi(network.c_str() + slash + 1);
  if (bits < 1 || bits > 32 || ::inet_pton(AF_INET, address.c_str(), &one) != 1 ||
      ::inet_pton(AF_INET, network.substr(0, slash).c_str(), &base) != 1) {
    return false;
  }
  return ((ntohl(one.s_addr) ^ ntohl(base.s_addr)) >> (32 - bits)) == 0;
}

std::string listed(const std::vector<Interface>& interfaces) {
  std::string text;
  for (const auto& each : interfaces) text += (text.empty() ? "" : ", ") + each.name + " (" + each.address + ")";
  return text.empty() ? "none" : text;
}

}  // namespace

std::vector<Interface> interfaces_here() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(list, ::freeifaddrs);
  std::vector<Interface> found;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
      if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != family) continue;
      if ((each->ifa_flags & IFF_LOOPBACK) != 0 || (each->ifa_flags & IFF_UP) == 0) continue;
      const void* address = nullptr;
      if (family == AF_INET) {
        address = &reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr;
      } else {
        const auto* six = &reinterpret_cast<const sockaddr_in6*>(each->ifa_addr)->sin6_addr;
        if (IN6_IS_ADDR_LINKLOCAL(six)) continue;
        address = six;
      }
      char text[INET6_ADDRSTRLEN] = "";
      if (::inet_ntop(family, address, text, sizeof text) != nullptr) found.push_back({each->ifa_name, text});
    }
  }
  return found;
}

InterfaceHints InterfaceHints::here() {
  InterfaceHints hints;
  for (const char* name : {"OMPI_MCA_oob_tcp_if_include", "OMPI_MCA_btl_tcp_if_include"}) {
    std::istringstream words(environment(name));
    for (std::string word; std::getline(words, word, ',');) hints.launcher.push_back(word);
  }
  // Interface, destination, gateway, flags, counters, metric: the default route's destination is 0.
  std::ifstream routes("/proc/net/route");
  std::string line;
  long least = -1;
  while (std::getline(routes, line)) {
    std::istringstream fields(line);
    std::string name, destination, skipped;
    long metric = 0;
    fields >> name >> destination >> skipped >> skipped >> skipped >> skipped >> metric;
    if (destination != "00000000" || (least >= 0 && metric >= least)) continue;
    least = metric;
    hints.default_route = name;
  }
  return hints;
}

std::string chosen_address(const std::vector<Interface>& interfaces, const std::string& wish,
                           const InterfaceHints& hints) {
  const auto first = [&](auto fits) {
    const auto found = std::ranges::find_if(interfaces, fits);
    return found == interfaces.end() ? std::string() : found->address;
  };
  if (wish != "auto") {
    auto named = first([&](const Interface& each) { return each.name == wish || each.address == wish; });
    if (!named.empty()) return named;
    throw Error(Exit::usage, "no interface '" + wish + "' on which other hosts could reach this one; here are: " +
                                 listed(interfaces) + "; give --interface one of them, or auto");
  }
  if (interfaces.empty()) {
    throw Error(Exit::usage,
                "no interface by which other hosts could reach this one: none but loopback is up; bring one up, or give "
                "--board redis://host:port");
  }
  if (interfaces.size() == 1) return interfaces.front().address;
  for (const auto& wanted : hints.launcher) {
    auto told = first([&](const Interface& each) { return each.name == wanted || in_network(each.address, wanted); });
    if (!told.empty()) return told;
  }
  const auto routed = first([&](const Interface& each) { return each.name == hints.default_route; });
  return routed.empty() ? interfaces.front().address : routed;
}

}  // namespace stint
